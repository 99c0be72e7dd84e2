#include "explain/experiments/part_plans.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "corpus/id_prompts.h"
#include "intervene/run.h"
#include "model/generate.h"
#include "trace/local_replacement.h"

namespace cajal {
namespace {

constexpr std::string_view kPartSlots = "0-6 7-13 14-15 16-19 20-23 24-28 49";
constexpr std::size_t kDraws = 40000;  // of 7,840 parts: misses one of 150
constexpr std::size_t kLongest = 96;   // tokens of a plan
constexpr std::size_t kNearest = 8;

using Choice = std::pair<const GroupMember, double>;

/// Features of the member's layer that are not taken, those that write most nearly as much first.
std::vector<const Choice*> choices(const GroupMember& member, double amount,
                                   const WrittenBy& written, const std::set<GroupMember>& taken) {
  std::vector<const Choice*> out;
  for (const Choice& one : written) {
    if (one.first.layer == member.layer && one.second > 0.0 && !taken.contains(one.first)) {
      out.push_back(&one);
    }
  }
  const auto distance = [amount](const Choice* one) {
    return std::pair(std::abs(std::log(one->second / amount)), one->first);
  };
  std::sort(out.begin(), out.end(),
            [&](const Choice* a, const Choice* b) { return distance(a) < distance(b); });
  out.resize(std::min(out.size(), kNearest));
  return out;
}

/// The length of what a feature writes when its activation is 1, in all layers it writes to.
double written_at_one(const Dictionary& dictionary, const ActiveFeature& f) {
  const std::size_t source = *dictionary.index_of(f.layer);
  double squares = 0.0;
  for (std::size_t target = source; target < dictionary.layers().size(); ++target) {
    const auto [begin, end] = dictionary.sources_of(target);
    if (source < begin || source >= end) {
      continue;
    }
    const ConstMatRef row = dictionary.decoder_row(source, f.feature, target);
    for (std::size_t c = 0; c < row.cols; ++c) {
      squares += element(row, 0, c) * element(row, 0, c);
    }
  }
  return std::sqrt(squares);
}

FeatureEdit everywhere(const GroupMember& member, const Change& change) {
  return {.layer = member.layer,
          .positions = Positions::from(0),
          .feature = member.feature,
          .change = change};
}

}  // namespace

PartPlans::PartPlans(const Subject& subject) : subject_(subject) {
  for (const auto& [name, id] : {std::pair<std::string_view, TokenId>{"holes_normal_threaded", 9},
                                 {"batch_size_mass", 28},
                                 {"Tapping", 41},
                                 {"<SOS>", 49}}) {
    check(token(name) == id,
          "the token '{}' is {} here, but {} in capp-gpt2, which this experiment is about", name,
          token(name), id);
  }
}

std::vector<Ids> PartPlans::parts(double from, double until, std::uint64_t seed) const {
  std::vector<Ids> out = IdPrompts(kPartSlots).draw(seed, kDraws);
  std::erase_if(out, [&](const Ids& ids) {
    const double place = place_in_split(ids);
    return place < from || place >= until;
  });
  return out;
}

Ids PartPlans::plan(const Ids& part, const Interventions& interventions) const {
  const InterventionRun run(subject_.backend, subject_.model, subject_.dictionary, part,
                            interventions, {.precision = subject_.precision, .first_position = 0});
  GenerateOptions options;
  options.max_tokens = kLongest;
  options.stop_ids = subject_.stop;
  options.precision = subject_.precision;
  options.points = &run.points();
  Generation out = std::move(
      generate(subject_.backend, *subject_.model, nullptr, std::span(&part, 1), options).front());
  if (out.finish == Finish::StopToken) {
    out.ids.pop_back();
  }
  return std::move(out.ids);
}

TokenId PartPlans::token(std::string_view name) const {
  const auto id = subject_.tokenizer->id_of(name);
  check(id.has_value(),
        "there is no token '{}' in this model: the experiment is about capp-gpt2, whose names are "
        "in its token_mappings.json (--vocab)",
        name);
  return *id;
}

std::string PartPlans::text(const Ids& ids) const {
  return subject_.tokenizer->decode(ids, SkipSpecial::No);
}

WrittenBy PartPlans::written(const Ids& text) const {
  const LocalReplacement replacement(subject_.backend, subject_.model, subject_.dictionary, text,
                                     {.precision = subject_.precision, .first_position = 0});
  WrittenBy out;
  for (const ActiveFeature& f : replacement.features()) {
    out[{f.layer, f.feature}] +=
        static_cast<double>(f.activation) * written_at_one(*subject_.dictionary, f);
  }
  return out;
}

Interventions off(std::span<const GroupMember> group) {
  Interventions out;
  for (const GroupMember& member : group) {
    out.features.push_back(everywhere(member, {ChangeKind::Set, 0.0}));
  }
  return out;
}

Interventions off_like(std::span<const GroupMember> group, const WrittenBy& written, Dice& dice) {
  std::set<GroupMember> taken(group.begin(), group.end());
  Interventions out;
  for (const GroupMember& member : group) {
    const auto own = written.find(member);
    const double amount = own == written.end() ? 0.0 : own->second;
    if (amount <= 0.0) {
      continue;  // it does not fire here: nothing was taken away
    }
    const auto from = choices(member, amount, written, taken);
    if (from.empty()) {
      continue;
    }
    const Choice& drawn = *dice.pick(from);
    taken.insert(drawn.first);
    out.features.push_back(
        everywhere(drawn.first, {ChangeKind::Scale, 1.0 - amount / drawn.second}));
  }
  return out;
}

}  // namespace cajal
