#include "dictionary/calibrate.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "dictionary/encode.h"

namespace cajal {

float threshold_for(Backend& backend, const Dictionary& dictionary, std::size_t index,
                    ConstMatRef x, double l0, Precision precision) {
  check(index < dictionary.layers().size(), "{}: there are {} layers", dictionary.info().name,
        dictionary.layers().size());
  check(x.rows != 0, "{}: a threshold cannot be found without tokens", dictionary.info().name);
  check(l0 > 0, "{}: a threshold was asked for {} features a token", dictionary.info().name, l0);
  // One more than is wanted of all the tokens' largest: the threshold lies before the last of them.
  DictionaryLayer layer = dictionary.layers()[index];
  const auto rows = static_cast<double>(x.rows);
  const double wanted = std::max(1.0, std::floor(l0 * rows));
  const double most = static_cast<double>(layer.features()) * rows;
  layer.activation = {.kind = ActivationKind::BatchTopK,
                      .k = (std::min(wanted + 1, most) + 0.5) / rows};
  const bool all = wanted + 1 > most;
  layer.activation.k = std::min(layer.activation.k, static_cast<double>(layer.features()));
  const Dictionary ranked({.name = dictionary.info().name}, {std::move(layer)}, nullptr);
  SparseRows fired = encode(backend, ranked, 0, x, precision);
  if (all || static_cast<double>(fired.stored()) <= wanted) {
    return 0.0F;
  }
  std::nth_element(fired.values.begin(), fired.values.begin() + 1, fired.values.end());
  return fired.values[0] + (fired.values[1] - fired.values[0]) / 2;
}

}  // namespace cajal
