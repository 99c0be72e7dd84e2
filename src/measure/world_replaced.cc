#include "measure/world_replaced.h"

#include <algorithm>

#include "measure/dictionary_replacement.h"

namespace cajal {
namespace {

/// A dictionary whose loss is added back at once: the model's own value, but for rounding.
class WithErrors : public Replacement {
 public:
  explicit WithErrors(DictionaryRecorder& recorder) : recorder_(recorder) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override {
    recorder_.replace(site, input, output);
    convert(recorder_.reconstruction(site).ref(), output);
    add_scaled(recorder_.error(site).ref(), 1.0, output);
  }

 private:
  DictionaryRecorder& recorder_;
};

/// All tokens of a pass but a <bos> at the beginning of a sequence.
RowsOf all_but_first(std::optional<TokenId> bos) {
  return [skips = bos.has_value()](const PointContext& context) {
    std::vector<std::size_t> out;
    for (std::size_t t = 0; t < context.positions.size(); ++t) {
      if (!skips || context.positions[t] != 0) {
        out.push_back(t);
      }
    }
    return out;
  };
}

}  // namespace

ReplacedScores score_replaced(const Asked& asked, const Dictionary& dictionary,
                              std::optional<TokenId> bos, std::span<const Task* const> tasks,
                              const WorldScoreOptions& options) {
  const std::vector<DictionarySite> sites = sites_of(dictionary, asked.model.config());
  const auto with = [&](Replacement& replacement) {
    const PointSet points = splice_points(sites, all_but_first(bos), replacement);
    Asked changed = asked;
    changed.points = &points;
    return score_world(changed, tasks, options);
  };
  ReplacedScores out;
  out.own = score_world(asked, tasks, options);
  DictionaryReplacement plain(asked.backend, dictionary, asked.precision);
  out.replaced = with(plain);
  DictionaryRecorder recorder(asked.backend, dictionary, asked.precision);
  WithErrors exact(recorder);
  out.with_errors = with(exact);
  return out;
}

std::vector<Point> probe_points(const Dictionary& dictionary, const ModelConfig& config) {
  std::vector<Point> out = {{.kind = PointKind::Embeddings}};
  const std::vector<DictionarySite> sites = sites_of(dictionary, config);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (dictionary.layers()[s].d_in() == config.d_model &&
        std::find(out.begin(), out.end(), sites[s].input) == out.end()) {
      out.push_back(sites[s].input);
    }
  }
  return out;
}

}  // namespace cajal
