// The examples of one hidden thing, and how many of them a probe names rightly. Private to this
// folder.
#pragma once

#include <string>
#include <vector>

#include "measure/probe_rows.h"

namespace cajal {

using Indices = std::vector<std::size_t>;

/// What became of the examples that were tested.
struct ProbeCount {
  std::size_t right = 0;
  std::size_t n = 0;
  std::size_t unseen = 0;
  std::size_t majority = 0;

  void add(const ProbeCount& other) {
    right += other.right;
    n += other.n;
    unseen += other.unseen;
    majority += other.majority;
  }
  double share(std::size_t part) const {
    return n == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(n);
  }
};

/// Everything that a curve is made from: examples of one hidden thing, the forms they are in.
struct ProbeGroup {
  std::string question;
  std::string hidden;
  Indices examples = {};             // of the rows
  std::vector<bool> odd = {};        // [examples] parity of the form
  Indices labels = {};               // [examples]
  std::vector<bool> word_fold = {};  // [examples] which half of the words
  std::size_t classes = 0;
  std::size_t words = 0;
};

/// `question` may be empty: of every kind. A thing that is one of two is evened out.
ProbeGroup group_of(const ProbeRows& rows, std::string question, std::string hidden);

/// Fitted on the forms of one parity, tested on the other, both ways; `rows` are those of the
/// group's examples, of F64.
ProbeCount across_forms(const ProbeGroup& group, ConstMatRef rows);
/// The same, tested on words of the other half.
ProbeCount across_words(const ProbeGroup& group, ConstMatRef rows);

}  // namespace cajal
