// Charts read back from JSON.
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "explain/chart/chart_json.h"

namespace cajal {
namespace {

/// An object and where it stands, for errors.
class Fields {
 public:
  Fields(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    json_.as_object(where_);
  }

  std::string text(const char* name) const { return at(name).as_string(place(name)); }
  bool flag(const char* name) const { return at(name).as_bool(place(name)); }
  double number(const char* name) const { return at(name).as_double(place(name)); }
  std::size_t count(const char* name) const { return count_of(at(name), place(name)); }
  std::uint32_t small(const char* name) const { return small_of(at(name), place(name)); }
  Fields inner(const char* name) const { return {at(name), place(name)}; }

  template <typename Convert>
  auto list(const char* name, const Convert& convert) const {
    const std::string where = place(name);
    std::vector<std::decay_t<decltype(convert(json_, where))>> out;
    for (const Json& x : at(name).as_array(where)) {
      out.push_back(convert(x, where + "[" + std::to_string(out.size()) + "]"));
    }
    return out;
  }
  std::vector<std::string> texts(const char* name) const {
    return list(name, [](const Json& x, const std::string& where) { return x.as_string(where); });
  }
  std::vector<std::uint32_t> smalls(const char* name) const { return list(name, small_of); }
  /// nullopt for null.
  std::optional<Fields> optional(const char* name) const {
    return at(name).is_null() ? std::nullopt : std::optional(inner(name));
  }

 private:
  const Json& at(const char* name) const { return json_.at(name, where_); }
  std::string place(const char* name) const {
    return where_ + (where_.ends_with(": ") ? "" : ".") + name;
  }
  static std::size_t count_of(const Json& json, const std::string& where) {
    const std::int64_t x = json.as_int(where);
    if (x < 0) {
      fail(ErrorCode::CorruptData, "{}: {} is not a number from 0 on", where, x);
    }
    return static_cast<std::size_t>(x);
  }
  static std::uint32_t small_of(const Json& json, const std::string& where) {
    const std::size_t x = count_of(json, where);
    if (x > std::numeric_limits<std::uint32_t>::max()) {
      fail(ErrorCode::CorruptData, "{}: {} is too large", where, x);
    }
    return static_cast<std::uint32_t>(x);
  }

  const Json& json_;
  std::string where_;
};

std::optional<TriedClaim> claim_of(const Fields& owner) {
  const std::optional<Fields> f = owner.optional("claim");
  if (!f) {
    return std::nullopt;
  }
  return TriedClaim{.predicted = f->number("predicted"),
                    .measured = f->number("measured"),
                    .control_95 = f->number("control_95"),
                    .controls = f->count("controls"),
                    .sign = f->flag("sign"),
                    .size = f->flag("size"),
                    .beyond = f->flag("beyond"),
                    .becomes = f->text("becomes"),
                    .becomes_probability = f->number("becomes_probability")};
}

ChartToken token_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.text = f.text("text"), .share = f.number("share")};
}

ChartAlternative alternative_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.text = f.text("text"), .probability = f.number("probability")};
}

ChartMember member_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.layer = f.small("layer"),
          .position = f.small("position"),
          .feature = f.small("feature"),
          .activation = f.number("activation"),
          .share = f.number("share"),
          .label = f.text("label"),
          .label_by = f.text("label_by"),
          .label_score = f.number("label_score")};
}

ChartExample example_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.before = f.text("before"), .firing = f.text("firing"), .after = f.text("after")};
}

ChartBox box_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.id = f.text("id"),
          .label = f.text("label"),
          .apart = f.text("apart"),
          .named_by = f.text("named_by"),
          .confidence = f.number("confidence"),
          .first_layer = f.small("first_layer"),
          .last_layer = f.small("last_layer"),
          .positions = f.smalls("positions"),
          .share = f.number("share"),
          .effect = f.number("effect"),
          .members = f.list("members", member_from),
          .examples = f.list("examples", example_from),
          .promotes = f.texts("promotes"),
          .suppresses = f.texts("suppresses"),
          .claim = claim_of(f)};
}

ChartHead head_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.layer = f.small("layer"),
          .head = f.small("head"),
          .to = f.small("to"),
          .from = f.small("from"),
          .effect = f.number("effect")};
}

ChartEdge edge_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.source = f.text("source"),
          .target = f.text("target"),
          .share = f.number("share"),
          .effect = f.number("effect"),
          .heads = f.list("heads", head_from),
          .other_heads = f.number("other_heads"),
          .bypass = f.number("bypass"),
          .claim = claim_of(f)};
}

ChartRoute route_from(const Json& json, const std::string& where) {
  const Fields f(json, where);
  return {.boxes = f.texts("boxes"), .share = f.number("share"), .effect = f.number("effect")};
}

void add_boxes(const Fields& owner, const char* name, BoxKind kind, Chart& chart) {
  for (ChartBox& box : owner.list(name, box_from)) {
    box.kind = kind;
    chart.boxes.push_back(std::move(box));
  }
}

void check_box(const Chart& chart, const std::string& id, const std::string& where) {
  if (chart.box(id) == nullptr) {
    fail(ErrorCode::CorruptData, "{}: there is no box '{}'", where, id);
  }
}

void check_ids(const Chart& chart, const std::string& where) {
  for (const ChartBox& box : chart.boxes) {
    if (chart.box(box.id) != &box) {
      fail(ErrorCode::CorruptData, "{}: two boxes have the id '{}'", where, box.id);
    }
    for (const std::uint32_t position : box.positions) {
      if (position >= chart.tokens.size()) {
        fail(ErrorCode::CorruptData, "{}: box '{}' is at position {}, but there are {} tokens",
             where, box.id, position, chart.tokens.size());
      }
    }
  }
  for (const ChartEdge& edge : chart.edges) {
    check_box(chart, edge.source, where + ": edges");
    check_box(chart, edge.target, where + ": edges");
  }
  for (const ChartRoute& route : chart.routes) {
    for (const std::string& id : route.boxes) {
      check_box(chart, id, where + ": routes");
    }
  }
}

}  // namespace

Chart chart_from_json(const Json& json, const std::string& where) {
  const Fields f(json, where + ": ");
  const Fields answer = f.inner("answer");
  const Fields unexplained = f.inner("unexplained");
  const Fields claims = f.inner("claims");
  const Fields scores = f.inner("scores");
  Chart out{.title = f.text("title"),
            .prompt = f.text("prompt"),
            .tokens = f.list("tokens", token_from),
            .answer = answer.text("text"),
            .answer_probability = answer.number("probability"),
            .why_not = f.text("why_not"),
            .alternatives = f.list("alternatives", alternative_from),
            .boxes = {},
            .edges = f.list("edges", edge_from),
            .routes = f.list("routes", route_from),
            .unexplained = unexplained.number("share"),
            .replacement = scores.number("replacement"),
            .completeness = scores.number("completeness"),
            .largest_residual = scores.number("largest_row_residual"),
            .ideas_hold = f.number("ideas_hold"),
            .claims_held = claims.count("held"),
            .claims_tried = claims.count("tried"),
            .notes = f.texts("notes"),
            .footer = f.text("footer")};
  add_boxes(f, "words", BoxKind::Word, out);
  add_boxes(f, "ideas", BoxKind::Idea, out);
  add_boxes(answer, "boxes", BoxKind::Answer, out);
  add_boxes(unexplained, "boxes", BoxKind::Unexplained, out);
  check_ids(out, where);
  return out;
}

}  // namespace cajal
