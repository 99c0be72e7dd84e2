#include "measure/probe.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/parallel.h"
#include "corpus/world/dice.h"
#include "measure/linear_classifier.h"
#include "measure/probe_rows.h"

namespace cajal {
namespace {

using Indices = std::vector<std::size_t>;

struct Count {
  std::size_t right = 0;
  std::size_t n = 0;
  std::size_t unseen = 0;
  std::size_t majority = 0;

  void add(const Count& other) {
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
struct Group {
  std::string question;
  std::string hidden;
  Indices examples = {};             // of the rows
  std::vector<bool> odd = {};        // [examples] parity of the form
  Indices labels = {};               // [examples]
  std::vector<bool> word_fold = {};  // [examples] which half of the words
  std::size_t classes = 0;
  std::size_t words = 0;
};

const ProbeAim* aim_of(const std::vector<ProbeAim>& aims, std::string_view hidden) {
  const auto found = std::find_if(aims.begin(), aims.end(),
                                  [&](const ProbeAim& aim) { return aim.kind == hidden; });
  return found == aims.end() ? nullptr : &*found;
}

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

Group group_of(const ProbeRows& rows, std::string question, std::string hidden) {
  Group out{.question = std::move(question), .hidden = std::move(hidden)};
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

/// Positions in the group for which the predicate holds.
template <typename Predicate>
Indices where(const Group& group, const Predicate& holds) {
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

Dense dense(const Group& group, const Indices& fit) {
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

Count tested(const Group& group, ConstMatRef rows, const Indices& fit, const Indices& test) {
  Count out;
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

/// Fitted on the forms of one parity, tested on the other, both ways.
Count across_forms(const Group& group, ConstMatRef rows) {
  Count out;
  for (const bool fit_odd : {false, true}) {
    out.add(tested(group, rows,
                   where(group, [&](std::size_t i) { return group.odd[i] == fit_odd; }),
                   where(group, [&](std::size_t i) { return group.odd[i] != fit_odd; })));
  }
  return out;
}

/// The same, tested on words of the other half.
Count across_words(const Group& group, ConstMatRef rows) {
  Count out;
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

ProbeCurve curve_of(const ProbeRows& rows, const Group& group, std::size_t place) {
  ProbeCurve out{.task = {},
                 .question = group.question,
                 .hidden = group.hidden,
                 .place = kProbePlaces[place],
                 .classes = group.classes};
  const bool many_words = group.words >= 2 * group.classes && place == 0;
  std::vector<Count> counts(rows.points().size());
  std::vector<Count> fresh(rows.points().size());
  parallel_for(rows.points().size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      const Matrix x = rows.rows(group.examples, p, place);
      counts[p] = across_forms(group, x.ref());
      fresh[p] = many_words ? across_words(group, x.ref()) : Count{};
    }
  });
  out.n = counts[0].n;
  out.unseen = counts[0].unseen;
  out.majority = counts[0].share(counts[0].majority);
  for (std::size_t p = 0; p < counts.size(); ++p) {
    out.points.push_back(
        {.point = name_of(rows.points()[p]), .accuracy = counts[p].share(counts[p].right)});
    if (many_words) {
      out.points.back().new_words = fresh[p].share(fresh[p].right);
    }
  }
  return out;
}

void judge_end(const ProbeAim& aim, ProbeCurve& curve) {
  curve.at_least = aim.at_least;
  curve.at_most = aim.at_most_in_embeddings;
  curve.passed = curve.points[curve.best()].accuracy >= aim.at_least &&
                 curve.points[0].accuracy <= aim.at_most_in_embeddings;
}

/// Second best: readable at the last token before the answer is. That counts from the first layer
/// that is nearly as good as any.
void judge_last(const ProbeAim& aim, const ProbeCurve& answer, ProbeCurve& curve) {
  constexpr double kNearly = 0.95;
  curve.at_least = aim.at_least;
  curve.at_most = aim.at_most_in_embeddings;
  const auto first = curve.first_reaching(aim.at_least);
  const auto said = answer.first_reaching(kNearly * answer.points[answer.best()].accuracy);
  curve.passed =
      first && said && *first < *said && curve.points[0].accuracy <= aim.at_most_in_embeddings;
}

/// Kinds that the task aims at first.
std::vector<std::string> hidden_kinds(const ProbeRows& rows, const std::vector<ProbeAim>& aims) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view kind) {
    if (std::find(out.begin(), out.end(), kind) == out.end()) {
      out.emplace_back(kind);
    }
  };
  for (const ProbeAim& aim : aims) {
    add(aim.kind);
  }
  for (const ProbeExample& example : rows.examples()) {
    if (example.hidden != "answer") {
      add(example.hidden);
    }
  }
  return out;
}

/// Whether the hidden thing ends before the prompt does, in some question.
bool ends_early(const ProbeRows& rows, const Group& group) {
  return std::any_of(group.examples.begin(), group.examples.end(), [&](std::size_t e) {
    return rows.examples()[e].tokens[0] != rows.examples()[e].tokens[1];
  });
}

}  // namespace

std::string_view name_of(ProbePlace place) noexcept {
  return place == ProbePlace::End ? "end" : "last";
}

std::size_t ProbeCurve::best() const {
  const auto best = std::max_element(
      points.begin() + 1, points.end(),
      [](const ProbePoint& a, const ProbePoint& b) { return a.accuracy < b.accuracy; });
  return static_cast<std::size_t>(best - points.begin());
}

std::optional<std::size_t> ProbeCurve::first_reaching(double accuracy) const {
  for (std::size_t p = 1; p < points.size(); ++p) {
    if (points[p].accuracy >= accuracy) {
      return p;
    }
  }
  return std::nullopt;
}

std::vector<ProbeCurve> probe_task(const Asked& asked, const Task& task,
                                   const ProbeOptions& options) {
  const ProbeRows rows(asked, task, options);
  const std::vector<ProbeAim> aims = task.probe_aims();
  std::vector<ProbeCurve> out;
  const auto add = [&](const Group& group, std::size_t place) -> ProbeCurve& {
    if (options.cancel.stop_requested()) {
      fail(ErrorCode::Cancelled, "interrupted");
    }
    if (options.progress) {
      options.progress(fmt::format("{}: {}", task.name(), group.hidden));
    }
    out.push_back(curve_of(rows, group, place));
    out.back().task = task.name();
    return out.back();
  };
  for (const std::string& hidden : hidden_kinds(rows, aims)) {
    const ProbeAim* aim = aim_of(aims, hidden);
    const Group group = group_of(rows, std::string(aim == nullptr ? "" : aim->question), hidden);
    if (group.classes < 2) {
      continue;
    }
    ProbeCurve& end = add(group, 0);
    if (aim != nullptr) {
      judge_end(*aim, end);
    }
    if (aim != nullptr && ends_early(rows, group)) {
      add(group, 1);
      const ProbeCurve answer = add(group_of(rows, group.question, "answer"), 1);
      judge_last(*aim, answer, out[out.size() - 2]);
    }
  }
  return out;
}

}  // namespace cajal
