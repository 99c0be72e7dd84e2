// A set of code points as sorted ranges, for character classes of regular expressions.
#pragma once

#include <vector>

namespace cajal {

struct CodePointRange {
  char32_t first = 0;
  char32_t last = 0;  // included
  friend bool operator==(const CodePointRange&, const CodePointRange&) = default;
};

class CodePointSet {
 public:
  CodePointSet() = default;
  explicit CodePointSet(std::vector<CodePointRange> ranges);

  /// All code points (surrogates aside) for which `predicate` holds.
  template <typename Predicate>
  static CodePointSet where(const Predicate& predicate) {
    std::vector<CodePointRange> ranges;
    for (char32_t c = 0; c < 0x110000; ++c) {
      if ((c < 0xD800 || c > 0xDFFF) && predicate(c)) {
        if (!ranges.empty() && ranges.back().last + 1 == c) {
          ranges.back().last = c;
        } else {
          ranges.push_back({c, c});
        }
      }
    }
    return CodePointSet(std::move(ranges));
  }

  void add(char32_t first, char32_t last);
  void add(const CodePointSet& other);
  CodePointSet complement() const;
  CodePointSet intersection(const CodePointSet& other) const;
  bool contains(char32_t c) const;
  /// Sorted, apart, none touching the next.
  const std::vector<CodePointRange>& ranges() const noexcept { return ranges_; }

 private:
  void tidy();
  std::vector<CodePointRange> ranges_;
};

}  // namespace cajal
