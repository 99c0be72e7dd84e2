#include "service/verify.h"

namespace cajal {
namespace {

Json claim_json(const TestedClaim& test) {
  Json controls(Json::Array{});
  for (const double control : test.controls) {
    controls.push_back(control);
  }
  return Json::object({{"predicted", test.claim.predicted},
                       {"measured", test.claim.measured},
                       {"control_95", test.claim.control_95},
                       {"controls", std::move(controls)},
                       {"sign", test.claim.sign},
                       {"size", test.claim.size},
                       {"beyond", test.claim.beyond},
                       {"held", test.claim.held()}});
}

Json to_json(const VerifiedGroup& group) {
  Json members(Json::Array{});
  for (const ActiveFeature& f : group.members) {
    members.push_back(Json::object({{"layer", std::uint64_t{f.layer}},
                                    {"position", std::uint64_t{f.position}},
                                    {"feature", std::uint64_t{f.feature}},
                                    {"activation", static_cast<double>(f.activation)}}));
  }
  Json words(Json::Array{});
  for (const std::uint32_t position : group.words) {
    words.push_back(std::uint64_t{position});
  }
  return Json::object({{"label", group.label},
                       {"members", std::move(members)},
                       {"words", std::move(words)},
                       {"claim", claim_json(group.test)},
                       {"becomes", group.test.claim.becomes},
                       {"becomes_probability", group.test.claim.becomes_probability}});
}

}  // namespace

Json to_json(const VerifyOutcome& outcome) {
  Json groups(Json::Array{});
  for (const VerifiedGroup& group : outcome.groups) {
    groups.push_back(to_json(group));
  }
  Json edges(Json::Array{});
  for (const VerifiedEdge& edge : outcome.edges) {
    edges.push_back(Json::object({{"source", std::uint64_t{edge.source}},
                                  {"target", std::uint64_t{edge.target}},
                                  {"claim", claim_json(edge.test)}}));
  }
  return Json::object({{"prompt", outcome.prompt},
                       {"target", Json::object({{"id", std::int64_t{outcome.token}},
                                                {"text", outcome.target},
                                                {"value", outcome.value}})},
                       {"groups", std::move(groups)},
                       {"edges", std::move(edges)},
                       {"held", std::uint64_t{outcome.held()}},
                       {"tried", std::uint64_t{outcome.tried()}}});
}

}  // namespace cajal
