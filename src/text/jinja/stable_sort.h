// A merge sort whose order may throw and may contradict itself (NaN is smaller than nothing):
// whatever the answers, it only moves what is there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace cajal::jinja {

/// Equal items keep their order.
template <typename Item, typename Before>
void stable_sort(std::vector<Item>& items, const Before& before) {
  std::vector<Item> merged(items.size());
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, items.size());
      const std::size_t end = std::min(begin + 2 * width, items.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t i = begin; i < end; ++i) {
        const bool take_right =
            left == middle || (right < end && before(items[right], items[left]));
        merged[i] = std::move(items[take_right ? right++ : left++]);
      }
    }
    items.swap(merged);
  }
}

}  // namespace cajal::jinja
