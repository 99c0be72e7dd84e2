#include "service/points.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/cancel.h"
#include "io/safetensors_writer.h"
#include "service/input.h"

namespace cajal {
namespace {

std::string times_tokens(std::size_t factor) {
  return fmt::format("{} * tokens", factor);
}

PointShape shape_of(Point point, const ModelConfig& config) {
  if (point.kind == PointKind::AttnScores || point.kind == PointKind::AttnProbs) {
    return {name_of(point), times_tokens(config.heads), "tokens"};
  }
  return {name_of(point), "tokens", fmt::format("{}", columns_of(point.kind, config))};
}

void measure(PointValue& point) {
  const std::size_t rows = point.value.rows();
  const std::size_t cols = point.value.cols();
  point.min = std::numeric_limits<double>::infinity();
  point.max = -std::numeric_limits<double>::infinity();
  double sum = 0.0;
  double squares = 0.0;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      const double x = element(point.value.ref(), r, c);
      point.min = std::min(point.min, x);
      point.max = std::max(point.max, x);
      sum += x;
      squares += x * x;
    }
  }
  point.mean = sum / static_cast<double>(rows * cols);
  point.norm = std::sqrt(squares);
}

PointValue copy_of(ConstMatRef value, Point point) {
  PointValue out;
  out.name = name_of(point);
  out.value = Matrix::host(value.rows, value.cols, value.dtype);
  convert(value, out.value.ref());
  measure(out);
  return out;
}

/// Points whose names are `stem` and a layer.
std::vector<Point> of_every_layer(std::string_view stem, const std::vector<Point>& all) {
  std::vector<Point> out;
  for (const Point point : all) {
    const std::string name = name_of(point);
    if (has_layer(point.kind) && name.substr(0, name.rfind('.')) == stem) {
      out.push_back(point);
    }
  }
  return out;
}

Json text_or_number(const std::string& text) {
  const bool number = text.find_first_not_of("0123456789") == std::string::npos;
  return number ? Json(static_cast<std::uint64_t>(std::stoull(text))) : Json(text);
}

Matrix id_matrix(const std::vector<TokenId>& ids) {
  Matrix out = Matrix::host(1, ids.size(), DType::I64);
  std::copy(ids.begin(), ids.end(), out.as<std::int64_t>().row(0).begin());
  return out;
}

}  // namespace

const FieldTable<PointsRequest>& points_fields() {
  static const FieldTable<PointsRequest> table = [] {
    auto out = input_fields<PointsRequest>();
    append(out, model_fields<PointsRequest>());
    out.push_back({{.name = "point",
                    .help = "points to read, such as resid_post.3; resid_post: of every layer",
                    .value = "A,B",
                    .separator = ','},
                   &PointsRequest::point});
    out.push_back({{.name = "all", .help = "read every point"}, &PointsRequest::all});
    return out;
  }();
  return table;
}

std::vector<PointShape> list_points(const ModelConfig& config) {
  std::vector<PointShape> out;
  for (const Point point : points_of(config)) {
    out.push_back(shape_of(point, config));
  }
  return out;
}

std::vector<Point> parse_points(const std::vector<std::string>& names, const ModelConfig& config) {
  const std::vector<Point> all = points_of(config);
  std::vector<Point> wanted;
  for (const std::string& name : names) {
    const std::vector<Point> layers = of_every_layer(name, all);
    if (layers.empty()) {
      wanted.push_back(parse_point(name, config));
    }
    wanted.insert(wanted.end(), layers.begin(), layers.end());
  }
  std::vector<Point> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), [&](Point point) {
    return std::find(wanted.begin(), wanted.end(), point) != wanted.end();
  });
  return out;
}

void run_reading(Session& session, const std::vector<TokenId>& ids, PointSet points,
                 LogitRows logits, std::stop_token cancel) {
  const std::size_t layers = session.model->config().layers;
  const std::size_t needed = logits == LogitRows::None ? points.layers_needed(layers) : layers;
  for (std::size_t layer = 0; layer < needed; ++layer) {
    points.read({PointKind::ResidPost, layer},
                [&](ConstMatRef, const PointContext&) { check_cancelled(cancel); });
  }
  KvCache cache(session.model->config(), *session.backend, 1);
  const std::vector<std::int32_t> starts = {0, static_cast<std::int32_t>(ids.size())};
  session.model->forward(
      *session.backend, {ids, starts}, cache,
      {.precision = session.precision, .logits = logits, .points = &points, .keep = false});
}

PointsResult read_points(Session& session, const PointsRequest& request, std::stop_token cancel) {
  const ModelConfig& config = session.model->config();
  const std::vector<Point> wanted =
      request.all ? points_of(config) : parse_points(request.point, config);
  check(!wanted.empty(), "no point was named: give --point A,B or --all");
  PointsResult result;
  result.ids = input_ids(session, request);
  PointSet points;
  for (const Point point : wanted) {
    points.read(point, [&](ConstMatRef value, const PointContext& context) {
      result.points.push_back(copy_of(value, context.point));
    });
  }
  run_reading(session, result.ids, std::move(points), LogitRows::All, std::move(cancel));
  return result;
}

void save_points(const PointsResult& result, const Provenance& provenance,
                 const std::filesystem::path& file) {
  const Matrix ids = id_matrix(result.ids);
  std::vector<NamedMatrix> tensors = {{"ids", ids.ref(), std::vector<std::size_t>{ids.cols()}}};
  for (const PointValue& point : result.points) {
    tensors.push_back({point.name, point.value.ref()});
  }
  write_safetensors(file, tensors,
                    {{"model", provenance.model},
                     {"model_hash", provenance.model_hash},
                     {"tokenizer_hash", provenance.tokenizer_hash},
                     {"precision", provenance.precision},
                     {"device", provenance.device},
                     {"version", version_text()}});
}

Json to_json(const std::vector<PointShape>& points) {
  Json list(Json::Array{});
  for (const PointShape& point : points) {
    list.push_back(Json::object(
        {{"name", point.name},
         {"shape", Json(Json::Array{text_or_number(point.rows), text_or_number(point.cols)})}}));
  }
  return Json::object({{"points", std::move(list)}});
}

Json to_json(const PointsResult& result) {
  Json list(Json::Array{});
  for (const PointValue& point : result.points) {
    list.push_back(Json::object(
        {{"name", point.name},
         {"shape", Json(Json::Array{Json(point.value.rows()), Json(point.value.cols())})},
         {"min", point.min},
         {"max", point.max},
         {"mean", point.mean},
         {"norm", point.norm}}));
  }
  return Json::object({{"ids", Json::array_of(result.ids)}, {"points", std::move(list)}});
}

}  // namespace cajal
