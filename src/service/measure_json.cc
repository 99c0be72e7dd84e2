// What measuring found, as JSON.
#include "service/measure.h"
#include "service/score.h"

namespace cajal {
namespace {

Json metrics_json(const std::vector<Metric>& metrics) {
  Json out = Json::object({});
  for (const Metric& metric : metrics) {
    out.append_member(metric.name, metric.value ? Json(*metric.value) : Json());
  }
  return out;
}

Json splice_json(const SpliceResult& splice) {
  return splice.all.empty() ? Json()
                            : Json::object({{"all", metrics_json(splice.all)},
                                            {"non_bos_input", metrics_json(splice.non_bos)}});
}

Json layers_json(const std::vector<LayerResult>& layers) {
  Json out(Json::Array{});
  for (const LayerResult& layer : layers) {
    out.push_back(Json::object({{"layer", layer.layer},
                                {"input", layer.input_point},
                                {"output", layer.output_point},
                                {"features", layer.features},
                                {"metrics", metrics_json(layer.metrics)},
                                {"splice", splice_json(layer.splice)}}));
  }
  return out;
}

Json total_json(const std::vector<Metric>& metrics, const SpliceResult& splice) {
  return Json::object({{"metrics", metrics_json(metrics)}, {"splice", splice_json(splice)}});
}

Json baselines_json(const std::vector<BaselineResult>& baselines) {
  Json out(Json::Array{});
  for (const BaselineResult& b : baselines) {
    out.push_back(Json::object({{"name", b.name},
                                {"how", b.how},
                                {"not_measured", b.why_not ? Json(*b.why_not) : Json()},
                                {"k", Json::array_of(b.k)},
                                {"layers", layers_json(b.layers)},
                                {"total", b.why_not ? Json() : total_json(b.total, b.splice)}}));
  }
  return out;
}

Json tasks_json(const ReplacedScores& scores) {
  Json out(Json::Array{});
  for (std::size_t i = 0; i < scores.own.size(); ++i) {
    const KindScore& own = scores.own[i];
    out.push_back(Json::object({{"task", own.task},
                                {"kind", own.kind},
                                {"split", name_of(own.split)},
                                {"n", own.n},
                                {"score", own.score()},
                                {"replaced", scores.replaced[i].score()},
                                {"with_errors", scores.with_errors[i].score()}}));
  }
  return out;
}

Json label_json(const TruthLabel& label, const std::vector<std::size_t>& layers) {
  return Json::object({{"label", label.kind + "=" + label.value},
                       {"layer", label.site < layers.size() ? Json(layers[label.site]) : Json()},
                       {"feature", std::uint64_t{label.feature}},
                       {"threshold", label.threshold},
                       {"spans", label.spans},
                       {"f1", label.f1},
                       {"precision", label.precision},
                       {"recall", label.recall},
                       {"auroc", label.auroc},
                       {"f1_chosen", label.f1_chosen}});
}

Json truth_json(const TruthResult& truth, const std::vector<std::size_t>& layers) {
  Json labels(Json::Array{});
  std::size_t good = 0;
  std::size_t very_good = 0;
  for (const TruthLabel& label : truth.labels) {
    labels.push_back(label_json(label, layers));
    good += label.f1 >= 0.8 ? 1U : 0U;
    very_good += label.f1 >= 0.9 ? 1U : 0U;
  }
  return Json::object({{"documents", truth.documents},
                       {"tokens", truth.tokens},
                       {"f1_at_least_0.9", very_good},
                       {"f1_at_least_0.8", good},
                       {"too_rare", truth.rare},
                       {"labels", std::move(labels)}});
}

}  // namespace

Json to_json(const MeasureResult& result) {
  Json out = Json::object({});
  if (result.corpus) {
    const DictionaryResult& c = *result.corpus;
    out.set("corpus", Json::object({{"tokens", c.tokens},
                                    {"predictions", c.splice_tokens},
                                    {"layers", layers_json(c.layers)},
                                    {"total", total_json(c.total, c.splice)},
                                    {"baselines", baselines_json(c.baselines)}}));
  } else {
    out.set("corpus", Json());
  }
  if (!result.truth) {
    out.set("world", Json());
    return out;
  }
  const Json probes = to_json(result.probes);
  out.set("world", Json::object({{"tasks", tasks_json(*result.scores)},
                                 {"truth", truth_json(*result.truth, result.model_layers)},
                                 {"probes", probes.at("probes", "")}}));
  return out;
}

}  // namespace cajal
