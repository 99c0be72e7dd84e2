// The parts that the experiment capp asks about: what a process goes by, the chart of the first
// place where a plan has it, and the ideas of that chart by how much they carry.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "explain/experiments/charted.h"
#include "explain/experiments/part_plans.h"

namespace cajal {

inline constexpr std::size_t kAttributes = 6;  // of a part, before <SOS>

struct Process {
  std::string_view name;
  std::size_t slot = 0;      // of the attribute that it goes by, known from outside
  std::string_view by;       // the values that it goes by, in words
  std::string_view instead;  // another value
};

/// Tapping and die casting.
const std::array<Process, 2>& processes();

/// A part whose plan has the process, explained where it first comes.
struct PlanCase {
  Ids part;
  Ids plan;
  ChartedToken charted;
  std::vector<std::vector<std::uint32_t>> ideas;  // nodes, what carries most first
  WrittenBy written;                              // over part and plan
  std::uint64_t index = 0;
};

/// Which parts, by place_in_split().
struct SplitRange {
  double from = 0.0;
  double until = 1.0;
};

/// The first `count` parts of the range whose plans have the process. Throws InvalidArgument where
/// there are fewer; Cancelled.
std::vector<PlanCase> plan_cases(const Subject& subject, const PartPlans& plans,
                                 const Process& process, const SplitRange& range, std::size_t count,
                                 const ExperimentOptions& options);

/// [nodes] of the answer, what comes from the token at `position` by way of each node.
std::vector<double> carried(const ChartedToken& charted, std::size_t position);

/// The nodes of the `count` first ideas, ascending.
std::vector<std::uint32_t> joined(const PlanCase& one, std::size_t count);
/// The features of these.
std::vector<GroupMember> joined_members(const PlanCase& one, std::size_t count);

}  // namespace cajal
