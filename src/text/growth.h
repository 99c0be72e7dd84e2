// How far the components of a tokenizer file may expand a text. The file comes from outside, and
// forty steps that double a text would fill any memory.
#pragma once

#include <cstddef>
#include <string_view>

namespace cajal {

/// One for each text that is encoded or decoded; its components share it. Both rules are far above
/// what real files do, which at most triple a text in a handful of steps.
class Growth {
 public:
  explicit Growth(std::size_t input_bytes = 0) noexcept : input_(input_bytes) {}
  void more_input(std::size_t bytes) noexcept { input_ += bytes; }

  /// Bytes that a text may have at any time.
  std::size_t most_bytes() const noexcept { return 64 * input_ + (std::size_t{1} << 20U); }
  /// Call before a text of that many bytes is made. Throws ResourceExhausted naming the component.
  void check_size(std::size_t bytes, std::string_view component) const;
  /// Call for each text of that many bytes that a component goes through. Throws as check_size.
  void work(std::size_t bytes, std::string_view component);

 private:
  std::size_t input_;
  std::size_t worked_ = 0;
};

}  // namespace cajal
