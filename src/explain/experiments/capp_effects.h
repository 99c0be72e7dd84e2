// What becomes of plans and of the next token when groups of features are off: the measures of the
// experiment capp, over many parts.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "explain/experiments/capp_cases.h"

namespace cajal {

/// What a change to plans did.
struct PlanEffect {
  Rate gone;     // the process, from the whole plan
  Rate as_were;  // all the rest of the plan
};

/// The next token where the process was chosen.
struct NextEffect {
  Rate changed;
  Rate control;
};

/// Of one process. What it is made from must outlive it.
class CappEffects {
 public:
  using Cases = std::vector<PlanCase>;
  using Group = std::span<const GroupMember>;

  CappEffects(const Subject& subject, const ExperimentOptions& options, const PartPlans& plans,
              const Process& process);

  PlanEffect of(const Cases& cases, const std::function<Ids(const PlanCase&)>& plan) const;
  /// The plan with the group off wherever it fires, or a random one like it.
  Ids plan_off(const PlanCase& one, Group group) const;
  Ids plan_control(const PlanCase& one, Group group) const;
  PlanEffect ideas_off(const Cases& cases, std::size_t count) const;
  PlanEffect ideas_control(const Cases& cases, std::size_t count) const;
  PlanEffect group_off(const Cases& cases, Group group) const;
  PlanEffect group_control(const Cases& cases, Group group) const;

  /// The `count` first ideas off where they stand, beside random groups as claims have them.
  NextEffect next_off(const Cases& cases, std::size_t count) const;
  /// MLPs write nothing at these positions.
  Rate next_without_mlps(const Cases& cases, const Positions& positions) const;
  /// No attention head reads anything from the token at `position`.
  Rate next_without_reading(const Cases& cases, std::size_t position) const;
  /// The token before the process is `other`.
  Rate next_after(const Cases& cases, TokenId other) const;

  TokenId token() const noexcept { return token_; }

 private:
  bool is_next(const Ids& read, const Interventions& interventions) const;

  const Subject& subject_;
  const ExperimentOptions& options_;
  const PartPlans& plans_;
  const Process& process_;
  TokenId token_;
};

}  // namespace cajal
