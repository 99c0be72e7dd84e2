// Proof on a model from elsewhere: capp-gpt2, a GPT-2 that plans how parts are made. What it goes
// by is known from outside: it taps where holes are threaded, and die-casts large batches.
//
// For parts that learning never saw: does explain name that attribute as the strongest input, and
// does the plan lose the process if the idea that carries it there is off? The idea is found in the
// part's own graph, which knows no intervention; how many ideas count as one is chosen on other
// parts. A second group is found on those other parts alone and is the same for every part asked.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "explain/experiments/capp_effects.h"

namespace cajal {
namespace {

// Below these, transcoders were learned or their thresholds set (recipes/capp-gpt2.yaml).
constexpr SplitRange kDevelopment = {.from = 0.82, .until = 0.88};
constexpr SplitRange kAsked = {.from = 0.88, .until = 1.0};
constexpr double kNamed = 0.95;
constexpr double kRemoved = 0.8;
constexpr double kMostControl = 0.05;
constexpr std::size_t kExamples = 3;
constexpr std::size_t kThreads = 2;  // the slot of an attribute that neither process goes by
constexpr std::array<std::size_t, 6> kIdeas = {1, 2, 3, 4, 6, 12};
constexpr std::array<std::size_t, 6> kFixed = {1, 2, 4, 8, 16, 32};

using Cases = std::vector<PlanCase>;

std::string ideas_text(std::size_t count) {
  return count == 1 ? "the strongest idea" : fmt::format("the {} strongest ideas", count);
}

/// Features by what they carry from the attribute in all of the cases together.
std::vector<GroupMember> features_by_carrying(const Cases& cases, std::size_t slot) {
  std::map<GroupMember, double> sums;
  for (const PlanCase& one : cases) {
    const std::vector<double> by_node = carried(one.charted, slot);
    for (std::size_t n = 0; n < one.charted.graph.counts.features; ++n) {
      const ActiveFeature& f = one.charted.graph.feature(n);
      sums[{f.layer, f.feature}] += by_node[n];
    }
  }
  std::vector<std::pair<double, GroupMember>> order;
  order.reserve(sums.size());
  for (const auto& [member, sum] : sums) {
    order.emplace_back(-sum, member);
  }
  std::sort(order.begin(), order.end());
  std::vector<GroupMember> out;
  out.reserve(order.size());
  for (const auto& [sum, member] : order) {
    out.push_back(member);
  }
  return out;
}

/// Which inputs charts name.
struct Named {
  Rate of_all, of_part, by_effect;
  double share = 0.0;  // of the attribute, mean
};

std::size_t strongest(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

Named named_inputs(const Cases& cases, std::size_t slot) {
  Named out;
  for (const PlanCase& one : cases) {
    const GraphFlow& flow = *one.charted.flow;
    const auto inputs = [&](std::span<const double> values) {
      return values.subspan(flow.counts().embedding(0), one.charted.ids.size());
    };
    const std::span<const double> shares = inputs(flow.node_shares());
    out.of_all.add(strongest(shares) == slot);
    out.of_part.add(strongest(shares.first(kAttributes)) == slot);
    out.by_effect.add(strongest(inputs(flow.node_effects())) == slot);
    out.share += shares[slot] / static_cast<double>(cases.size());
  }
  return out;
}

/// One process.
class Study {
 public:
  Study(const Subject& subject, const ExperimentOptions& options, const PartPlans& plans,
        const Process& process, ExperimentResult& out)
      : options_(options),
        plans_(plans),
        process_(process),
        effects_(subject, options, plans, process),
        out_(out),
        development_(
            plan_cases(subject, plans, process, kDevelopment, options.development, options)),
        asked_(plan_cases(subject, plans, process, kAsked, options.cases, options)) {}

  void run() {
    const std::size_t ideas = best(
        kIdeas, "strongest ideas",
        [&](std::size_t n) { return effects_.ideas_off(development_, n); },
        [&](std::size_t n) { return effects_.ideas_control(development_, n); });
    const std::vector<GroupMember> fixed = best_fixed();
    inputs();
    replaced();
    next_token(ideas);
    plans_with_ideas_off(ideas);
    plans_with_fixed_off(fixed);
    out_.setting +=
        fmt::format("{}{}: {}", out_.setting.empty() ? "" : "; ", process_.name, ideas_text(ideas));
    examples(ideas);
  }

 private:
  /// The size that removes most more than its control does; the smaller of equals.
  template <typename Off, typename Control>
  std::size_t best(std::span<const std::size_t> sizes, std::string_view what, const Off& group_off,
                   const Control& control) {
    std::size_t found = sizes.front();
    double most = -2.0;
    for (const std::size_t size : sizes) {
      const Rate gone = group_off(size).gone;
      const Rate random = control(size).gone;
      out_.tried.push_back({fmt::format("{}: {} {} off", process_.name, size, what), gone});
      out_.tried.push_back({fmt::format("{}: control of these", process_.name), random});
      if (gone.share() - random.share() > most) {
        most = gone.share() - random.share();
        found = size;
      }
    }
    return found;
  }

  std::vector<GroupMember> best_fixed() {
    const std::vector<GroupMember> order = features_by_carrying(development_, process_.slot);
    const auto first = [&](std::size_t n) {
      return std::span(order).first(std::min(n, order.size()));
    };
    const std::size_t size = best(
        kFixed, "features, the same for all parts,",
        [&](std::size_t n) { return effects_.group_off(development_, first(n)); },
        [&](std::size_t n) { return effects_.group_control(development_, first(n)); });
    return {first(size).begin(), first(size).end()};
  }

  void observe(const std::string& what, std::string condition, const Rate& rate) {
    out_.observations.push_back(
        {fmt::format("{}: {}", process_.name, what), std::move(condition), rate});
  }

  void aim(const std::string& text, bool reached) {
    out_.goals.push_back({fmt::format("{}: {}", process_.name, text), reached});
  }

  void inputs() {
    const Named named = named_inputs(asked_, process_.slot);
    const std::string what = fmt::format("strongest input is {}", process_.by);
    observe(what, "of all tokens read, by share", named.of_all);
    out_.observations.back().mean = named.share;
    observe(what, "of the six attributes, by share", named.of_part);
    observe(what, "of all tokens read, by effect", named.by_effect);
    aim("the strongest of the part's attributes in at least 95 %", named.of_part.share() >= kNamed);
    aim("and of all tokens read, the plan's own included", named.of_all.share() >= kNamed);
  }

  /// What the model goes by, without any graph: the attribute replaced, and each of the others.
  void replaced() {
    const auto with = [&](const PlanCase& one, std::size_t slot, TokenId value) {
      Ids part = one.part;
      part[slot] = value;
      return plans_.plan(part);
    };
    const TokenId instead = plans_.token(process_.instead);
    observe(
        "gone from the plan", fmt::format("{} instead", process_.instead),
        effects_.of(asked_, [&](const PlanCase& one) { return with(one, process_.slot, instead); })
            .gone);
    const std::vector<Ids> others = plans_.parts(0.0, 1.0, options_.seed + 1);
    Rate gone;
    for (const PlanCase& one : asked_) {
      for (std::size_t slot = 0; slot < kAttributes; ++slot) {
        const TokenId value = others[one.index][slot];
        if (slot != process_.slot && value != one.part[slot]) {
          const Ids plan = with(one, slot, value);
          gone.add(std::find(plan.begin(), plan.end(), effects_.token()) == plan.end());
        }
      }
    }
    observe("gone from the plan", "another attribute is another one", gone);
  }

  void next_token(std::size_t ideas) {
    const std::string what = "not the next token";
    observe(what, "no MLP writes where it is chosen",
            effects_.next_without_mlps(asked_, {.kind = Positions::Kind::Last}));
    observe(what, "no MLP writes anywhere", effects_.next_without_mlps(asked_, Positions::from(0)));
    observe(what, "attention reads nothing from the attribute",
            effects_.next_without_reading(asked_, process_.slot));
    observe(what, "attention reads nothing from external_threads",
            effects_.next_without_reading(asked_, kThreads));
    observe(what, "Milling written before it instead",
            effects_.next_after(asked_, plans_.token("Milling")));
    const NextEffect one = effects_.next_off(asked_, 1);
    observe(what, ideas_text(1) + " off where it stands", one.changed);
    if (ideas != 1) {
      const NextEffect more = effects_.next_off(asked_, ideas);
      observe(what, ideas_text(ideas) + " off where they stand", more.changed);
      observe(what, "control", more.control);
    } else {
      observe(what, "control", one.control);
    }
  }

  void plans_with_ideas_off(std::size_t ideas) {
    const PlanEffect group = effects_.ideas_off(asked_, ideas);
    const PlanEffect control = effects_.ideas_control(asked_, ideas);
    const PlanEffect single = ideas == 1 ? group : effects_.ideas_off(asked_, 1);
    aim("gone in at least 80 % with the strongest idea off", single.gone.share() >= kRemoved);
    if (ideas != 1) {
      observe("gone from the plan", ideas_text(1) + " off", single.gone);
      aim(fmt::format("gone in at least 80 % with {} off", ideas_text(ideas)),
          group.gone.share() >= kRemoved);
    }
    observe("gone from the plan", ideas_text(ideas) + " off", group.gone);
    observe("gone from the plan", "control of these", control.gone);
    observe("all else in the plan as it was", ideas_text(ideas) + " off", group.as_were);
    observe("all else in the plan as it was", "control of these", control.as_were);
    aim("gone in at most 5 % of the control", control.gone.share() <= kMostControl);
    std::size_t members = 0;
    for (const PlanCase& one : asked_) {
      members += joined_members(one, ideas).size();
    }
    out_.members +=
        static_cast<double>(members) / static_cast<double>(asked_.size() * processes().size());
  }

  void plans_with_fixed_off(std::span<const GroupMember> fixed) {
    const PlanEffect group = effects_.group_off(asked_, fixed);
    const PlanEffect control = effects_.group_control(asked_, fixed);
    const std::string which = fmt::format("{} features found on other parts", fixed.size());
    observe("gone from the plan", which + " off", group.gone);
    observe("gone from the plan", "control of these", control.gone);
    observe("all else in the plan as it was", which + " off", group.as_were);
  }

  void examples(std::size_t ideas) {
    for (std::size_t i = 0; i < std::min(kExamples, asked_.size()); ++i) {
      const PlanCase& one = asked_[i];
      const std::vector<GroupMember> group = joined_members(one, ideas);
      out_.examples.push_back({.prompt = plans_.text(one.part),
                               .wanted = fmt::format("without {}", process_.name),
                               .unchanged = plans_.text(one.plan),
                               .changed = plans_.text(effects_.plan_off(one, group)),
                               .control = plans_.text(effects_.plan_control(one, group))});
    }
  }

  const ExperimentOptions& options_;
  const PartPlans& plans_;
  const Process& process_;
  CappEffects effects_;
  ExperimentResult& out_;
  Cases development_;
  Cases asked_;
};

}  // namespace

ExperimentResult run_capp(const Subject& subject, const ExperimentOptions& options) {
  const PartPlans plans(subject);
  ExperimentResult out{.name = "capp"};
  out.question =
      "Does explain find what a GPT-2 from elsewhere goes by when it plans how a part is made, and "
      "does the plan lose a process when the idea that carries it is off?";
  out.method =
      "Parts that no transcoder and no threshold was learned on. The first place of the process in "
      "the plan is explained. Ideas are ordered by how much of the answer comes from the attribute "
      "by way of them, as the part's own graph has it; how many count as one was chosen on other "
      "parts. Their features are off wherever they fire while the plan is written anew, nothing "
      "frozen. Control: as many random features that fire for the part, of the same layers, from "
      "which as much is taken. A group found on the other parts alone stands beside it.";
  for (const Process& process : processes()) {
    Study(subject, options, plans, process, out).run();
  }
  return out;
}

}  // namespace cajal
