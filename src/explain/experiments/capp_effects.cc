#include "explain/experiments/capp_effects.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/cancel.h"
#include "explain/controls.h"
#include "explain/experiments/group_swap.h"
#include "intervene/run.h"

namespace cajal {
namespace {

Ids without(Ids ids, TokenId id) {
  std::erase(ids, id);
  return ids;
}

TokenId likeliest(ConstMatRef logits, std::size_t row) {
  std::size_t out = 0;
  for (std::size_t c = 1; c < logits.cols; ++c) {
    out = element(logits, row, c) > element(logits, row, out) ? c : out;
  }
  return static_cast<TokenId>(out);
}

/// A point of every layer is 0 there.
Interventions silent(std::string_view point, std::size_t layers, const Positions& positions) {
  Interventions out;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    out.points.push_back({.point = fmt::format("{}.{}", point, layer),
                          .positions = positions,
                          .change = {ChangeKind::Scale, 0.0}});
  }
  return out;
}

}  // namespace

CappEffects::CappEffects(const Subject& subject, const ExperimentOptions& options,
                         const PartPlans& plans, const Process& process)
    : subject_(subject),
      options_(options),
      plans_(plans),
      process_(process),
      token_(plans.token(process.name)) {}

PlanEffect CappEffects::of(const Cases& cases,
                           const std::function<Ids(const PlanCase&)>& plan) const {
  PlanEffect out;
  for (const PlanCase& one : cases) {
    check_cancelled(options_.cancel);
    const Ids changed = plan(one);
    out.gone.add(std::find(changed.begin(), changed.end(), token_) == changed.end());
    out.as_were.add(without(changed, token_) == without(one.plan, token_));
  }
  return out;
}

Ids CappEffects::plan_off(const PlanCase& one, Group group) const {
  return plans_.plan(one.part, off(group));
}

Ids CappEffects::plan_control(const PlanCase& one, Group group) const {
  Dice dice(options_.seed, fmt::format("capp/{}", process_.name), one.index);
  return plans_.plan(one.part, off_like(group, one.written, dice));
}

PlanEffect CappEffects::ideas_off(const Cases& cases, std::size_t count) const {
  return of(cases, [&](const PlanCase& one) { return plan_off(one, joined_members(one, count)); });
}

PlanEffect CappEffects::ideas_control(const Cases& cases, std::size_t count) const {
  return of(cases,
            [&](const PlanCase& one) { return plan_control(one, joined_members(one, count)); });
}

PlanEffect CappEffects::group_off(const Cases& cases, Group group) const {
  return of(cases, [&](const PlanCase& one) { return plan_off(one, group); });
}

PlanEffect CappEffects::group_control(const Cases& cases, Group group) const {
  return of(cases, [&](const PlanCase& one) { return plan_control(one, group); });
}

NextEffect CappEffects::next_off(const Cases& cases, std::size_t count) const {
  NextEffect out;
  for (const PlanCase& one : cases) {
    check_cancelled(options_.cancel);
    const ClaimGround ground = ground_of(subject_, one.charted);
    ControlGroups controls(ground, options_.seed);
    const std::vector<std::uint32_t> nodes = joined(one, count);
    const std::vector<BatchCase> batch = {controls.off(nodes), controls.like(nodes, one.index)};
    const BatchOutcome outcome = batch_on(ground).run(batch, {}, batch.size());
    out.changed.add(likeliest(outcome.logits.ref(), 0) != token_);
    out.control.add(likeliest(outcome.logits.ref(), 1) != token_);
  }
  return out;
}

bool CappEffects::is_next(const Ids& read, const Interventions& interventions) const {
  check_cancelled(options_.cancel);
  InterventionRun run(subject_.backend, subject_.model, nullptr, read, interventions,
                      {.precision = subject_.precision});
  return likeliest(run.forward(LogitRows::Last).ref(), 0) == token_;
}

Rate CappEffects::next_without_mlps(const Cases& cases, const Positions& positions) const {
  Rate out;
  for (const PlanCase& one : cases) {
    out.add(
        !is_next(one.charted.ids, silent("mlp_out", subject_.model->config().layers, positions)));
  }
  return out;
}

Rate CappEffects::next_without_reading(const Cases& cases, std::size_t position) const {
  Rate out;
  for (const PlanCase& one : cases) {
    out.add(!is_next(one.charted.ids,
                     silent("value", subject_.model->config().layers, Positions::at(position))));
  }
  return out;
}

Rate CappEffects::next_after(const Cases& cases, TokenId other) const {
  Rate out;
  for (const PlanCase& one : cases) {
    Ids read = one.charted.ids;
    if (read.size() > one.part.size() && read.back() != other) {
      read.back() = other;
      out.add(!is_next(read, {}));
    }
  }
  return out;
}

}  // namespace cajal
