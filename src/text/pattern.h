// What a Split or Replace component looks for: a text, or a regular expression.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "text/aligned_text.h"
#include "text/regex.h"
#include "text/scanners.h"

namespace cajal {

class Pattern {
 public:
  static Pattern literal(std::string_view text);
  static Pattern regex(std::string_view pattern, std::string_view where);
  /// {"String": ...} or {"Regex": ...}. Throws CorruptData naming `where`.
  static Pattern from_json(const Json& json, std::string_view where);

  /// Appends all matches from left to right, none overlapping another.
  void find_all(std::string_view text, std::vector<ByteRange>& matches) const;
  /// The text, if it is one.
  const std::optional<std::string>& text() const noexcept { return literal_; }

 private:
  Pattern() = default;
  std::optional<std::string> literal_;
  Scanner scanner_ = nullptr;
  std::shared_ptr<const Regex> regex_;
};

}  // namespace cajal
