#include "measure/probe_group.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/random.h"
#include "corpus/world/dice.h"
#include "measure/linear_classifier.h"

namespace cajal {
namespace {

/// In each half of the forms as many examples of the one value as of the other.
Indices evened(const ProbeRows& rows, const Indices& examples) {
  std::map<std::string, std::array<std::size_t, 2>> left;
  const auto parity = [&](std::size_t e) {
    return rows.questions()[rows.examples()[e].question].form % 2;
  };
  for (const std::size_t e : examples) {
    ++left[rows.examples()[e].value][parity(e)];
  }
  if (left.size() != 2) {
    return examples;
  }
  auto& a = left.begin()->second;
  auto& b = left.rbegin()->second;
  for (std::size_t half = 0; half < 2; ++half) {
    a[half] = b[half] = std::min(a[half], b[half]);
  }
  Indices order = examples;  // shuffled, so that all have the same chance to stay
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const std::uint64_t bits = random_bits(0, name_hash("even"), i);
    std::swap(order[i], order[i + bits % (order.size() - i)]);
  }
  Indices out;
  for (const std::size_t e : order) {
    std::size_t& room = left[rows.examples()[e].value][parity(e)];
    if (room > 0) {
      --room;
      out.push_back(e);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Positions in the group for which the predicate holds.
template <typename Predicate>
Indices where(const ProbeGroup& group, const Predicate& holds) {
  Indices out;
  for (std::size_t i = 0; i < group.examples.size(); ++i) {
    if (holds(i)) {
      out.push_back(i);
    }
  }
  return out;
}

/// Labels among those that occur, and which those are.
struct Dense {
  std::map<std::size_t, std::size_t> index;
  Indices labels;
  std::size_t commonest = 0;
};

Dense dense(const ProbeGroup& group, const Indices& fit) {
  Dense out;
  Indices counts;
  for (const std::size_t i : fit) {
    const auto [at, added] = out.index.emplace(group.labels[i], out.index.size());
    counts.resize(out.index.size());
    ++counts[at->second];
    out.labels.push_back(at->second);
  }
  out.commonest =
      static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  return out;
}

ProbeCount tested(const ProbeGroup& group, ConstMatRef rows, const Indices& fit,
                  const Indices& test) {
  ProbeCount out;
  const Dense known = dense(group, fit);
  if (fit.empty()) {
    out.unseen = test.size();
    return out;
  }
  Matrix x = Matrix::host(fit.size(), rows.cols, DType::F64);
  for (std::size_t i = 0; i < fit.size(); ++i) {
    convert(rows.row_range(fit[i], 1), x.ref().row_range(i, 1));
  }
  const auto classifier =
      LinearClassifier::fit(std::as_const(x).as<double>(), known.labels, known.index.size());
  for (const std::size_t i : test) {
    const auto label = known.index.find(group.labels[i]);
    if (label == known.index.end()) {
      ++out.unseen;
      continue;
    }
    ++out.n;
    out.majority += label->second == known.commonest ? 1U : 0U;
    out.right += classifier.classify(rows.as<const double>().row(i)) == label->second ? 1U : 0U;
  }
  return out;
}

}  // namespace

ProbeGroup group_of(const ProbeRows& rows, std::string question, std::string hidden) {
  ProbeGroup out{.question = std::move(question), .hidden = std::move(hidden)};
  Indices all;
  for (std::size_t e = 0; e < rows.examples().size(); ++e) {
    const ProbeExample& example = rows.examples()[e];
    const std::string& kind = rows.questions()[example.question].kind;
    if (example.hidden == out.hidden && (out.question.empty() || out.question == kind)) {
      all.push_back(e);
    }
  }
  out.examples = evened(rows, all);
  std::map<std::string, std::size_t> values;
  std::set<std::string> words;
  for (const std::size_t e : out.examples) {
    const ProbeExample& example = rows.examples()[e];
    out.labels.push_back(values.emplace(example.value, values.size()).first->second);
    out.odd.push_back(rows.questions()[example.question].form % 2 == 1);
    out.word_fold.push_back(fold_of(example.word, 2) == 1);
    words.insert(example.word);
  }
  out.classes = values.size();
  out.words = words.size();
  return out;
}

ProbeCount across_forms(const ProbeGroup& group, ConstMatRef rows) {
  ProbeCount out;
  for (const bool fit_odd : {false, true}) {
    out.add(tested(group, rows,
                   where(group, [&](std::size_t i) { return group.odd[i] == fit_odd; }),
                   where(group, [&](std::size_t i) { return group.odd[i] != fit_odd; })));
  }
  return out;
}

ProbeCount across_words(const ProbeGroup& group, ConstMatRef rows) {
  ProbeCount out;
  for (const bool fit_odd : {false, true}) {
    for (const bool fold : {false, true}) {
      out.add(tested(group, rows,
                     where(group,
                           [&](std::size_t i) {
                             return group.odd[i] == fit_odd && group.word_fold[i] == fold;
                           }),
                     where(group, [&](std::size_t i) {
                       return group.odd[i] != fit_odd && group.word_fold[i] != fold;
                     })));
    }
  }
  return out;
}

}  // namespace cajal
