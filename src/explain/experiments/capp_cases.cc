#include "explain/experiments/capp_cases.h"

#include <algorithm>
#include <set>

#include "base/cancel.h"
#include "base/error.h"
#include "explain/experiments/group_swap.h"

namespace cajal {
namespace {

/// Each idea's nodes, by how much of the answer comes from the token through them.
std::vector<std::vector<std::uint32_t>> ideas_by_token(const ChartedToken& charted,
                                                       std::size_t position) {
  const GraphFlow& flow = *charted.flow;
  const auto token = static_cast<std::uint32_t>(flow.counts().embedding(position));
  const std::vector<double> from = flow.shares_from(token);
  std::vector<std::pair<double, std::vector<std::uint32_t>>> all;
  for (const FeatureGroup& idea : charted.parts.ideas) {
    const std::vector<double> shares = flow.member_shares(idea.nodes);
    double sum = 0.0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      sum += shares[i] * from[idea.nodes[i]];
    }
    all.emplace_back(-sum, idea.nodes);
  }
  std::sort(all.begin(), all.end());
  std::vector<std::vector<std::uint32_t>> out;
  out.reserve(all.size());
  for (auto& [sum, nodes] : all) {
    out.push_back(std::move(nodes));
  }
  return out;
}

PlanCase case_of(const Subject& subject, const PartPlans& plans, const Process& process,
                 const Ids& part, Ids plan, const ExperimentOptions& options) {
  const TokenId token = plans.token(process.name);
  Ids read = part;
  read.insert(read.end(), plan.begin(), std::find(plan.begin(), plan.end(), token));
  Ids whole = part;
  whole.insert(whole.end(), plan.begin(), plan.end());
  PlanCase out{.part = part,
               .plan = std::move(plan),
               .charted = chart_token(subject, std::move(read), token, options.cancel),
               .ideas = {},
               .written = plans.written(whole)};
  out.ideas = ideas_by_token(out.charted, process.slot);
  return out;
}

}  // namespace

const std::array<Process, 2>& processes() {
  static const std::array<Process, 2> all = {
      {{"Tapping", 1, "holes_normal_threaded", "holes_normal"},
       {"High Pressure Die Casting", 5, "batch_size_large or batch_size_mass",
        "batch_size_small"}}};
  return all;
}

std::vector<PlanCase> plan_cases(const Subject& subject, const PartPlans& plans,
                                 const Process& process, const SplitRange& range, std::size_t count,
                                 const ExperimentOptions& options) {
  const TokenId token = plans.token(process.name);
  std::vector<PlanCase> out;
  for (const Ids& part : plans.parts(range.from, range.until, options.seed)) {
    check_cancelled(options.cancel);
    if (out.size() == count) {
      break;
    }
    Ids plan = plans.plan(part);
    if (std::find(plan.begin(), plan.end(), token) == plan.end()) {
      continue;
    }
    out.push_back(case_of(subject, plans, process, part, std::move(plan), options));
    out.back().index = out.size() - 1;
    if (options.progress) {
      options.progress(out.size(), count);
    }
  }
  check(out.size() == count, "only {} of {} parts could be used: their plans must have {}",
        out.size(), count, process.name);
  return out;
}

std::vector<double> carried(const ChartedToken& charted, std::size_t position) {
  const GraphFlow& flow = *charted.flow;
  std::vector<double> out =
      flow.shares_from(static_cast<std::uint32_t>(flow.counts().embedding(position)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] *= flow.node_shares()[i];
  }
  return out;
}

std::vector<std::uint32_t> joined(const PlanCase& one, std::size_t count) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < std::min(count, one.ideas.size()); ++i) {
    out.insert(out.end(), one.ideas[i].begin(), one.ideas[i].end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<GroupMember> joined_members(const PlanCase& one, std::size_t count) {
  std::set<GroupMember> out;
  for (const std::uint32_t node : joined(one, count)) {
    const ActiveFeature& f = one.charted.graph.feature(node);
    out.insert({f.layer, f.feature});
  }
  return {out.begin(), out.end()};
}

}  // namespace cajal
