#include "measure/patching.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "base/cancel.h"
#include "measure/continuations.h"
#include "measure/probe_rows.h"

namespace cajal {
namespace {

constexpr std::size_t kDraws = 6;            // pairs that are looked at for one that is wanted
constexpr std::size_t kTokensAtOnce = 4096;  // in a pass; with those of the layers beside it
constexpr std::array<PatchPlace, 3> kPlaces = {PatchPlace::End, PatchPlace::Span, PatchPlace::Last};

/// Tokens [begin, end).
struct Tokens {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const Tokens&, const Tokens&) = default;
};

/// A question as the model reads it.
struct Side {
  Question question;
  std::vector<TokenId> ids;
  Tokens hidden;
};

struct Pair {
  Side first;
  Side second;
};

/// Nothing if the question does not say where it hides the thing.
std::optional<Side> side_of(const Tokenizer& tokenizer, const Question& question,
                            std::string_view kind) {
  const auto span = std::find_if(question.hidden.rbegin(), question.hidden.rend(),
                                 [&](const Span& s) { return s.kind == kind; });
  if (span == question.hidden.rend()) {
    return std::nullopt;
  }
  const Encoding encoding = tokenizer.encode(question.prompt);
  const std::size_t end = token_at(encoding, span->end) + 1;
  std::size_t begin = end - 1;
  while (begin > 0 && encoding.offsets[begin - 1].end > span->begin &&
         encoding.offsets[begin - 1].begin < encoding.offsets[begin - 1].end) {
    --begin;
  }
  return Side{question, encoding.ids, {begin, end}};
}

class TaskPatcher {
 public:
  TaskPatcher(const Asked& asked, const Task& task, const PatchOptions& options)
      : asked_(asked), task_(task), options_(options) {}

  std::vector<PatchCurve> run() {
    for (std::size_t i = 0; i < options_.pairs * kDraws; ++i) {
      check_cancelled(options_.cancel);
      const Twins twins = task_.twins(options_.seed, i);
      if (twins.kind.empty()) {
        return {};
      }
      std::vector<PatchCurve>& curves = curves_of(twins.kind);
      if (curves.front().n == options_.pairs) {
        continue;
      }
      for (PatchCurve& curve : curves) {
        ++curve.drawn;
      }
      if (const std::optional<Pair> pair = pair_of(twins)) {
        patch(*pair, curves);
      }
      report(twins.kind, curves.front().n);
    }
    std::vector<PatchCurve> out;
    for (auto& [kind, curves] : curves_) {
      std::move(curves.begin(), curves.end(), std::back_inserter(out));
    }
    return out;
  }

 private:
  std::size_t layers() const { return asked_.model.config().layers; }

  std::vector<PatchCurve>& curves_of(const std::string& kind) {
    std::vector<PatchCurve>& out = curves_[kind];
    for (std::size_t i = out.size(); i < kPlaces.size(); ++i) {
      out.push_back({.task = std::string(task_.name()),
                     .hidden = kind,
                     .place = kPlaces[i],
                     .changed = std::vector<std::size_t>(layers(), 0)});
    }
    return out;
  }

  void report(std::string_view kind, std::size_t done) const {
    if (options_.progress) {
      options_.progress(
          fmt::format("{}: {}, {} of {} pairs", task_.name(), kind, done, options_.pairs));
    }
  }

  std::optional<Pair> pair_of(const Twins& twins) const {
    std::optional<Side> first = side_of(asked_.tokenizer, twins.first, twins.kind);
    std::optional<Side> second = side_of(asked_.tokenizer, twins.second, twins.kind);
    if (!first || !second || first->ids.size() != second->ids.size() ||
        !(first->hidden == second->hidden) || twins.first.answer == twins.second.answer ||
        first->ids.size() > asked_.model.config().context) {
      return std::nullopt;
    }
    Pair pair{std::move(*first), std::move(*second)};
    return is_answered(pair.first) && is_answered(pair.second) ? std::optional(std::move(pair))
                                                               : std::nullopt;
  }

  bool is_answered(const Side& side) const {
    const std::vector<ShortPrompt> prompt = {{side.ids, wanted_bytes(side.question)}};
    const auto said = greedy_continuations(asked_.backend, asked_.model, asked_.tokenizer, prompt,
                                           {.precision = asked_.precision});
    return task_.accepts(side.question, said[0]);
  }

  /// resid_post of every layer: [layers] of [tokens, d_model].
  std::vector<Matrix> residuals(const std::vector<TokenId>& ids) const {
    std::vector<Matrix> out(layers());
    PointSet readers;
    for (std::size_t layer = 0; layer < layers(); ++layer) {
      readers.read({PointKind::ResidPost, layer},
                   [&out, layer](ConstMatRef value, const PointContext&) {
                     out[layer] = Matrix::host(value.rows, value.cols, DType::F64);
                     convert(value, out[layer].ref());
                   });
    }
    KvCache cache(asked_.model.config(), asked_.backend, 1);
    const std::vector<std::int32_t> starts = {0, static_cast<std::int32_t>(ids.size())};
    asked_.model.forward(
        asked_.backend, {ids, starts}, cache,
        {.precision = asked_.precision, .logits = LogitRows::None, .points = &readers});
    asked_.backend.synchronize();
    return out;
  }

  static Tokens tokens_at(const Side& side, PatchPlace place) {
    switch (place) {
      case PatchPlace::End:
        return {side.hidden.end - 1, side.hidden.end};
      case PatchPlace::Span:
        return side.hidden;
      case PatchPlace::Last:
        break;
    }
    return {side.ids.size() - 1, side.ids.size()};
  }

  /// Each layer is a sequence of its own in one batch: they begin with the same tokens.
  void patch(const Pair& pair, std::vector<PatchCurve>& curves) const {
    const std::vector<Matrix> donor = residuals(pair.second.ids);
    const std::size_t at_once = std::max<std::size_t>(1, kTokensAtOnce / pair.first.ids.size());
    for (PatchCurve& curve : curves) {
      ++curve.n;
      for (std::size_t begin = 0; begin < layers(); begin += at_once) {
        const std::size_t end = std::min(layers(), begin + at_once);
        patch_layers(pair, donor, begin, end, curve);
      }
    }
  }

  void patch_layers(const Pair& pair, const std::vector<Matrix>& donor, std::size_t begin,
                    std::size_t end, PatchCurve& curve) const {
    PointSet edits;
    const Tokens tokens = tokens_at(pair.first, curve.place);
    for (std::size_t layer = begin; layer < end; ++layer) {
      for (std::size_t token = tokens.begin; token < tokens.end; ++token) {
        const auto row = donor[layer].as<const double>().row(token);
        edits.edit({PointKind::ResidPost, layer},
                   RowEdit{.kind = EditKind::Set,
                           .sequence = static_cast<std::int32_t>(layer - begin),
                           .begin = static_cast<std::int32_t>(token),
                           .end = static_cast<std::int32_t>(token + 1),
                           .value = {row.begin(), row.end()}});
      }
    }
    const std::size_t bytes =
        std::max(wanted_bytes(pair.first.question), wanted_bytes(pair.second.question));
    const std::vector<ShortPrompt> prompts(end - begin, {pair.first.ids, bytes});
    const auto said = greedy_continuations(asked_.backend, asked_.model, asked_.tokenizer, prompts,
                                           {.precision = asked_.precision, .points = &edits});
    for (std::size_t layer = begin; layer < end; ++layer) {
      curve.changed[layer] += task_.accepts(pair.second.question, said[layer - begin]) ? 1U : 0U;
    }
  }

  const Asked& asked_;
  const Task& task_;
  const PatchOptions& options_;
  std::map<std::string, std::vector<PatchCurve>> curves_;  // by kind, [places]
};

}  // namespace

std::string_view name_of(PatchPlace place) noexcept {
  switch (place) {
    case PatchPlace::End:
      return "end";
    case PatchPlace::Span:
      return "span";
    case PatchPlace::Last:
      break;
  }
  return "last";
}

std::vector<PatchCurve> patch_task(const Asked& asked, const Task& task,
                                   const PatchOptions& options) {
  return TaskPatcher(asked, task, options).run();
}

}  // namespace cajal
