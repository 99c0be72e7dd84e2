#include "dictionary/sites.h"

#include "base/error.h"

namespace cajal {
namespace {

/// Whether a dictionary may stand at such a point.
bool can_hold(PointKind kind, const ModelConfig& config) {
  switch (kind) {
    case PointKind::MlpPre:
    case PointKind::MlpAct:
      return config.mixture.experts == 0;
    case PointKind::AttnScores:
    case PointKind::AttnProbs:
    case PointKind::RouterLogits:
    case PointKind::RouterWeights:
    case PointKind::RouterIndex:
    case PointKind::FinalNorm:
    case PointKind::LogitsPresoftcap:
    case PointKind::Logits:
      return false;
    default:
      return true;
  }
}

Point site_point(const Dictionary& dictionary, const DictionaryLayer& layer,
                 const std::string& name, std::size_t width, const ModelConfig& config) {
  const std::string& where = dictionary.info().name;
  check(!name.empty(), "{}: its files do not say at which point of the model layer {} belongs",
        where, layer.layer);
  const Point point = parse_point(name, config);
  const std::size_t has = can_hold(point.kind, config) ? columns_of(point.kind, config) : 0;
  check(has == width, "{}: layer {} is made for {} numbers at {}, but this model has {} there",
        where, layer.layer, width, name_of(point), has);
  return point;
}

}  // namespace

std::vector<DictionarySite> sites_of(const Dictionary& dictionary, const ModelConfig& config) {
  std::vector<DictionarySite> out;
  for (const DictionaryLayer& layer : dictionary.layers()) {
    check(layer.layer < config.layers, "{}: it has a layer {}, but this model has {} layers",
          dictionary.info().name, layer.layer, config.layers);
    out.push_back({site_point(dictionary, layer, layer.input_point, layer.d_in(), config),
                   site_point(dictionary, layer, layer.output_point, layer.d_out(), config)});
  }
  return out;
}

}  // namespace cajal
