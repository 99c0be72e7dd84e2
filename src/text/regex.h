// Regular expressions of tokenizer files: Oniguruma's Ruby syntax, run by PCRE2.
//
// A pattern is first rewritten (regex_syntax.h), because the two disagree about syntax and about
// Unicode. Matching work is bounded, so no pattern can hang the program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/aligned_text.h"

namespace cajal {

class Regex {
 public:
  /// Throws CorruptData naming `where` and the pattern if it is no regular expression, Unsupported
  /// for syntax that PCRE2 has no equal of.
  Regex(std::string_view pattern, std::string_view where);
  Regex(Regex&&) noexcept;
  Regex(const Regex&) = delete;
  Regex& operator=(Regex&&) noexcept;
  Regex& operator=(const Regex&) = delete;
  ~Regex();

  /// Appends every match in `text` (valid UTF-8) from left to right; an empty match right after
  /// another match does not count. Throws ResourceExhausted if the work, of all
  /// matches together, is not in proportion to the text.
  void find_all(std::string_view text, std::vector<ByteRange>& matches) const;

 private:
  struct Compiled;
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace cajal
