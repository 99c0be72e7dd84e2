// Values inside a model: which there are, and what they are for an input.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "model/points.h"
#include "service/options.h"
#include "service/session.h"

namespace cajal {

struct PointsRequest : ModelOptions, InputOptions {
  std::vector<std::string> point;  // names; a name without its layer means every layer
  bool all = false;
};

const FieldTable<PointsRequest>& points_fields();

/// As text, for the number of tokens is not known: "tokens", "4 * tokens"; "32".
struct PointShape {
  std::string name;
  std::string rows;
  std::string cols;
};

/// Every point of the model.
std::vector<PointShape> list_points(const ModelConfig& config);

struct PointValue {
  std::string name;
  Matrix value;  // F32, on `ref` F64
  double min = 0.0;
  double max = 0.0;
  double mean = 0.0;
  double norm = 0.0;  // square root of the sum of squares
};

struct PointsResult {
  std::vector<TokenId> ids;
  std::vector<PointValue> points;  // in the order of computation
};

/// Points by name, each once, in the order of computation; "resid_post" stands for that of every
/// layer. Throws NotFound suggesting the nearest name.
std::vector<Point> parse_points(const std::vector<std::string>& names, const ModelConfig& config);

/// Runs the input and keeps the values of the points. Throws InvalidArgument if none is named,
/// Cancelled, and what input_ids and forward throw.
PointsResult read_points(Session& session, const PointsRequest& request,
                         std::stop_token cancel = {});

/// Runs `ids` as one sequence, giving readers of `points` their values. `cancel` is looked at in
/// every layer.
void run_reading(Session& session, const std::vector<TokenId>& ids, PointSet points,
                 LogitRows logits, std::stop_token cancel);

/// A safetensors file with one tensor a point, named like it, and "ids".
void save_points(const PointsResult& result, const Provenance& provenance,
                 const std::filesystem::path& file);

/// {"points": [{"name", "shape"}]}
Json to_json(const std::vector<PointShape>& points);
/// {"ids", "points": [{"name", "shape", "min", "max", "mean", "norm"}]}
Json to_json(const PointsResult& result);

}  // namespace cajal
