// Interventions as JSON.
#include "base/error.h"
#include "intervene/intervention.h"

namespace cajal {
namespace {

constexpr std::pair<ChangeKind, std::string_view> kChanges[] = {{ChangeKind::Set, "value"},
                                                                {ChangeKind::Scale, "scale"},
                                                                {ChangeKind::Add, "add"},
                                                                {ChangeKind::From, "from"}};

Json json_of(const Positions& positions) {
  if (positions.kind != Positions::Kind::Range || (positions.begin == 0 && !positions.end)) {
    return spelling_of(positions);
  }
  if (positions.end == positions.begin + 1) {
    return std::uint64_t{positions.begin};
  }
  return Json(Json::Array{std::uint64_t{positions.begin},
                          positions.end ? Json(std::uint64_t{*positions.end}) : Json()});
}

void put_change(Json& into, const Change& change) {
  for (const auto& [kind, name] : kChanges) {
    if (kind == change.kind) {
      into.set(name, change.value);
    }
  }
}

std::size_t count_from(const Json& json, const std::string& where) {
  const std::int64_t value = json.as_int(where);
  if (value < 0 || value == INT64_MAX) {
    fail(ErrorCode::CorruptData, "{}: {} is not a number from 0 on", where, value);
  }
  return static_cast<std::size_t>(value);
}

Positions positions_from(const Json& json, const std::string& where) {
  if (json.is_string()) {
    return parse_positions(json.as_string(where));
  }
  if (!json.is_array()) {
    return Positions::at(count_from(json, where));
  }
  const Json::Array& range = json.as_array(where);
  if (range.size() != 2) {
    fail(ErrorCode::CorruptData, "{}: a range has 2 numbers, not {}", where, range.size());
  }
  Positions out = Positions::from(count_from(range[0], where));
  if (!range[1].is_null()) {
    out.end = count_from(range[1], where);
  }
  return out;
}

Change change_from(const Json& json, const std::string& where) {
  std::optional<Change> out;
  for (const auto& [kind, name] : kChanges) {
    const Json* value = json.find_value(name);
    if (value == nullptr) {
      continue;
    }
    if (out) {
      fail(ErrorCode::CorruptData, "{}: has more than one of value, scale, add and from", where);
    }
    out = Change{kind, value->as_double(fmt::format("{}.{}", where, name))};
  }
  if (!out) {
    fail(ErrorCode::CorruptData, "{}: has none of value, scale, add and from", where);
  }
  return *out;
}

FeatureEdit feature_from(const Json& json, const std::string& where) {
  const auto count = [&](const char* name) {
    return count_from(json.at(name, where), fmt::format("{}.{}", where, name));
  };
  return {.layer = count("layer"),
          .positions = positions_from(json.at("position", where), where + ".position"),
          .feature = count("feature"),
          .change = change_from(json, where)};
}

PointEdit point_from(const Json& json, const std::string& where) {
  PointEdit out = {.point = json.at("point", where).as_string(where + ".point"),
                   .positions = positions_from(json.at("position", where), where + ".position"),
                   .change = change_from(json, where)};
  if (const Json* direction = json.find_value("direction")) {
    for (const Json& x : direction->as_array(where + ".direction")) {
      out.direction.push_back(x.as_double(where + ".direction"));
    }
  }
  return out;
}

Frozen frozen_from(const Json& json, const std::string& where) {
  Frozen out;
  if (const Json* attention = json.find_value("attention")) {
    out.attention = attention->as_bool(where + ".attention");
  }
  if (const Json* layers = json.find_value("layers")) {
    const Positions range = positions_from(*layers, where + ".layers");
    if (range.kind != Positions::Kind::Range || !range.end) {
      fail(ErrorCode::CorruptData, "{}.layers: has no end", where);
    }
    out.layers = std::pair(range.begin, *range.end);
  }
  return out;
}

}  // namespace

Json to_json(const Interventions& interventions) {
  Json features(Json::Array{});
  for (const FeatureEdit& edit : interventions.features) {
    Json item = Json::object({{"layer", std::uint64_t{edit.layer}},
                              {"position", json_of(edit.positions)},
                              {"feature", std::uint64_t{edit.feature}}});
    put_change(item, edit.change);
    features.push_back(std::move(item));
  }
  Json points(Json::Array{});
  for (const PointEdit& edit : interventions.points) {
    Json item = Json::object({{"point", edit.point}, {"position", json_of(edit.positions)}});
    put_change(item, edit.change);
    if (!edit.direction.empty()) {
      item.set("direction", Json::array_of(edit.direction));
    }
    points.push_back(std::move(item));
  }
  const auto& layers = interventions.frozen.layers;
  const Json range =
      layers ? Json(Json::Array{std::uint64_t{layers->first}, std::uint64_t{layers->second}})
             : Json();
  return Json::object({{"features", std::move(features)},
                       {"points", std::move(points)},
                       {"frozen", Json::object({{"attention", interventions.frozen.attention},
                                                {"layers", range}})}});
}

Interventions interventions_from_json(const Json& json, std::string_view where) {
  const std::string at(where);
  json.as_object(at);
  Interventions out;
  if (const Json* features = json.find_value("features")) {
    for (const Json& item : features->as_array(at + ": features")) {
      out.features.push_back(
          feature_from(item, fmt::format("{}: features[{}]", at, out.features.size())));
    }
  }
  if (const Json* points = json.find_value("points")) {
    for (const Json& item : points->as_array(at + ": points")) {
      out.points.push_back(point_from(item, fmt::format("{}: points[{}]", at, out.points.size())));
    }
  }
  if (const Json* frozen = json.find_value("frozen")) {
    out.frozen = frozen_from(*frozen, at + ": frozen");
  }
  return out;
}

}  // namespace cajal
