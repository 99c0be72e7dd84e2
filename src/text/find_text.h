// Finding one text in another with linear work, whatever the two are: std::string::find takes the
// product of their lengths where they repeat.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace cajal {

/// For one text that is searched for, which must outlive it. Makes a table of 8 bytes for each of
/// its bytes if it is long.
class Finder {
 public:
  static constexpr std::size_t kNone = std::string_view::npos;
  explicit Finder(std::string_view wanted);

  /// Where it begins first in `text`, at or after `from`. An empty text is found at `from`.
  std::size_t next(std::string_view text, std::size_t from) const;

 private:
  std::string_view wanted_;
  std::vector<std::size_t> fallback_;  // empty for a short text
};

/// The same from the end.
class BackwardFinder {
 public:
  explicit BackwardFinder(std::string_view wanted);
  /// Where it begins last in `text`.
  std::size_t last(std::string_view text) const;

 private:
  std::string_view wanted_;
  std::vector<std::size_t> fallback_;
};

}  // namespace cajal
