// Tables behind text/unicode.h, as runs of equal values; see tools/make_unicode_tables.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cajal {

/// From `first` up to the next run (surrogates aside) characters have `value`.
struct ValueRun {
  char32_t first;
  std::uint8_t value;
};

extern const ValueRun kCategoryRuns[];  // values are those of enum Category
extern const std::size_t kCategoryRunsCount;
extern const ValueRun kTraitRuns[];  // bits of enum Trait
extern const std::size_t kTraitRunsCount;
extern const ValueRun kScriptRuns[];  // equal numbers, equal script; 0 goes with every other
extern const std::size_t kScriptRunsCount;

}  // namespace cajal
