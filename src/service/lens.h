// The logit lens (nostalgebraist 2020): what the model would say if it stopped at a point inside:
// the final norm and the head, applied to the residual stream there.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "model/points.h"
#include "model/sampling.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct LensRequest : ModelOptions, InputOptions {
  std::vector<std::string> point;  // of the model's width; empty: resid_post of every layer
  std::optional<std::size_t> top;  // tokens for each place; absent: 5
};

const FieldTable<LensRequest>& lens_fields();

struct LensPoint {
  std::string name;
  std::vector<std::vector<TokenChance>> best;  // [tokens] of the `top` most likely, best first
};

struct LensResult {
  std::vector<TokenId> ids;
  std::vector<LensPoint> points;  // in the order of computation
};

/// Throws InvalidArgument for a point that is not of the model's width, CorruptData if logits are
/// not finite, Cancelled, and what input_ids and forward throw.
LensResult lens(Session& session, const LensRequest& request, std::stop_token cancel = {});

/// {"ids", "pieces", "points": [{"name", "positions": [[{"id", "piece", "probability"}]]}]}
Json to_json(const LensResult& result, const Session& session);

}  // namespace cajal
