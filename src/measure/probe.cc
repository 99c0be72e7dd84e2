#include "measure/probe.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/parallel.h"
#include "measure/probe_group.h"

namespace cajal {
namespace {

const ProbeAim* aim_of(const std::vector<ProbeAim>& aims, std::string_view hidden) {
  const auto found = std::find_if(aims.begin(), aims.end(),
                                  [&](const ProbeAim& aim) { return aim.kind == hidden; });
  return found == aims.end() ? nullptr : &*found;
}

ProbeCurve curve_of(const ProbeRows& rows, const ProbeGroup& group, std::size_t place) {
  ProbeCurve out{.task = {},
                 .question = group.question,
                 .hidden = group.hidden,
                 .place = kProbePlaces[place],
                 .classes = group.classes};
  const bool many_words = group.words >= 2 * group.classes && place == 0;
  std::vector<ProbeCount> counts(rows.points().size());
  std::vector<ProbeCount> fresh(rows.points().size());
  parallel_for(rows.points().size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t p = begin; p < end; ++p) {
      const Matrix x = rows.rows(group.examples, p, place);
      counts[p] = across_forms(group, x.ref());
      fresh[p] = many_words ? across_words(group, x.ref()) : ProbeCount{};
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
bool ends_early(const ProbeRows& rows, const ProbeGroup& group) {
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
  const auto add = [&](const ProbeGroup& group, std::size_t place) -> ProbeCurve& {
    check_cancelled(options.cancel);
    if (options.progress) {
      options.progress(fmt::format("{}: {}", task.name(), group.hidden));
    }
    out.push_back(curve_of(rows, group, place));
    out.back().task = task.name();
    return out.back();
  };
  for (const std::string& hidden : hidden_kinds(rows, aims)) {
    const ProbeAim* aim = aim_of(aims, hidden);
    const ProbeGroup group =
        group_of(rows, std::string(aim == nullptr ? "" : aim->question), hidden);
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
