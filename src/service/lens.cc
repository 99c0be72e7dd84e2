#include "service/lens.h"

#include <algorithm>
#include <cmath>

#include "model/unembed.h"
#include "service/input.h"
#include "service/points.h"

namespace cajal {
namespace {

constexpr std::size_t kDefaultTop = 5;
constexpr std::size_t kRows = 64;  // at a time: the logits of many rows need much memory

bool is_residual_width(PointKind kind) {
  switch (kind) {
    case PointKind::Embeddings:
    case PointKind::ResidPre:
    case PointKind::AttnOut:
    case PointKind::AttnOutPost:
    case PointKind::ResidMid:
    case PointKind::MlpOut:
    case PointKind::MlpOutPost:
    case PointKind::ResidPost:
      return true;
    case PointKind::AttnIn:
    case PointKind::Q:
    case PointKind::K:
    case PointKind::Value:
    case PointKind::AttnScores:
    case PointKind::AttnProbs:
    case PointKind::Z:
    case PointKind::MlpIn:
    case PointKind::MlpInNormalized:
    case PointKind::MlpPre:
    case PointKind::MlpAct:
    case PointKind::RouterLogits:
    case PointKind::RouterWeights:
    case PointKind::RouterIndex:
    case PointKind::FinalNorm:
    case PointKind::LogitsPresoftcap:
    case PointKind::Logits:
      break;
  }
  return false;
}

std::vector<Point> points_to_read(const LensRequest& request, const ModelConfig& config) {
  const bool all_layers = request.point.empty();
  const auto points =
      parse_points(all_layers ? std::vector<std::string>{"resid_post"} : request.point, config);
  for (const Point point : points) {
    check(is_residual_width(point.kind),
          "{}: the lens reads the residual stream and what is added to it (resid_pre, resid_mid, "
          "resid_post, attn_out, mlp_out)",
          name_of(point));
  }
  return points;
}

LensPoint look(Session& session, ConstMatRef value, Point point, std::size_t top) {
  LensPoint out{.name = name_of(point), .best = {}};
  for (std::size_t begin = 0; begin < value.rows; begin += kRows) {
    const std::size_t count = std::min(kRows, value.rows - begin);
    const Matrix logits =
        unembed(*session.backend, session.model->config(), session.model->weights(),
                value.row_range(begin, count), session.precision);
    session.backend->synchronize();
    for (std::size_t r = 0; r < count; ++r) {
      out.best.push_back(best_tokens(log_softmax(logits.ref().row_range(r, 1)), top));
    }
  }
  return out;
}

Json probability_json(const TokenChance& chance, const Session& session) {
  return Json::object({{"id", chance.id},
                       {"piece", piece_text(session.tokenizer.get(), chance.id)},
                       {"probability", std::exp(chance.logprob)}});
}

Json point_json(const LensPoint& point, const Session& session) {
  Json positions(Json::Array{});
  for (const auto& best : point.best) {
    Json list(Json::Array{});
    for (const TokenChance& chance : best) {
      list.push_back(probability_json(chance, session));
    }
    positions.push_back(std::move(list));
  }
  return Json::object({{"name", point.name}, {"positions", std::move(positions)}});
}

}  // namespace

const FieldTable<LensRequest>& lens_fields() {
  static const FieldTable<LensRequest> table = [] {
    auto out = input_fields<LensRequest>();
    append(out, model_fields<LensRequest>());
    out.push_back({{.name = "point",
                    .help = "where to look (default: resid_post of every layer)",
                    .value = "A,B",
                    .separator = ','},
                   &LensRequest::point});
    out.push_back({{.name = "top",
                    .help = "tokens to show for each place (default: 1 in the table, 5 in JSON)",
                    .letter = 'n',
                    .min = 1,
                    .max = 1000},
                   &LensRequest::top});
    return out;
  }();
  return table;
}

LensResult lens(Session& session, const LensRequest& request, std::stop_token cancel) {
  const std::vector<Point> wanted = points_to_read(request, session.model->config());
  const std::size_t top = request.top.value_or(kDefaultTop);
  LensResult result;
  result.ids = input_ids(session, request);
  PointSet points;
  for (const Point point : wanted) {
    points.read(point, [&](ConstMatRef value, const PointContext& context) {
      result.points.push_back(look(session, value, context.point, top));
    });
  }
  run_reading(session, result.ids, std::move(points), LogitRows::None, std::move(cancel));
  return result;
}

Json to_json(const LensResult& result, const Session& session) {
  Json pieces(Json::Array{});
  for (const TokenId id : result.ids) {
    pieces.push_back(piece_text(session.tokenizer.get(), id));
  }
  Json points(Json::Array{});
  for (const LensPoint& point : result.points) {
    points.push_back(point_json(point, session));
  }
  return Json::object({{"ids", Json::array_of(result.ids)},
                       {"pieces", std::move(pieces)},
                       {"points", std::move(points)}});
}

}  // namespace cajal
