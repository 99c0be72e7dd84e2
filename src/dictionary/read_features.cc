#include "dictionary/read_features.h"

#include "tensor/gather.h"

namespace cajal {

std::vector<SparseRows> read_features(Backend& backend, const Model& model,
                                      const Dictionary& dictionary, const Batch& batch,
                                      std::span<const std::size_t> rows, Precision precision,
                                      Matrix* logits) {
  const std::vector<DictionarySite> sites = sites_of(dictionary, model.config());
  std::vector<SparseRows> out(sites.size());
  PointSet points;
  for (std::size_t s = 0; s < sites.size(); ++s) {
    points.read(sites[s].input, [&, s](ConstMatRef value, const PointContext&) {
      out[s] = encode(backend, dictionary, s, gathered(value, rows).ref(), precision);
    });
  }
  KvCache cache(model.config(), backend, batch.starts.size() - 1);
  Matrix all = model.forward(backend, batch, cache,
                             {.precision = precision,
                              .logits = logits == nullptr ? LogitRows::None : LogitRows::All,
                              .points = &points,
                              .keep = false});
  if (logits != nullptr) {
    *logits = std::move(all);
  }
  return out;
}

}  // namespace cajal
