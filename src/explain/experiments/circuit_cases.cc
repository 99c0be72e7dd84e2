#include "explain/experiments/circuit_cases.h"

#include <algorithm>

#include "base/cancel.h"
#include "measure/world_score.h"

namespace cajal {
namespace {

constexpr std::size_t kDraws = 6;  // pairs that are looked at for one that is wanted

/// The whole prompt from the first difference on.
RoledPrompt from_difference(std::vector<TokenId> ids, std::size_t first) {
  RoledPrompt out;
  for (std::size_t i = first; i < ids.size(); ++i) {
    out.roles.push_back({.position = i, .last = i + 1 == ids.size()});
  }
  out.ids = std::move(ids);
  return out;
}

}  // namespace

SwapCase with_group(const Subject& subject, const TwinCase& twins, GroupSwap group,
                    std::uint64_t seed) {
  SwapCase out = twins.swap;
  out.group = std::move(group);
  out.control = random_swap(subject, out.group, twins.graph, twins.donor_graph, seed, twins.index);
  return out;
}

std::map<std::string, std::vector<TwinCase>> TwinCases::next(std::size_t count) {
  std::map<std::string, std::vector<TwinCase>> out;
  std::size_t pairs = 0;
  drawn_.clear();
  for (std::size_t i = 0; i < count * kDraws; ++i) {
    check_cancelled(options_.cancel);
    const Twins twins = task_.twins(options_.seed, index_++);
    std::vector<TwinCase>& kind = out[twins.kind];
    std::size_t& drawn = drawn_[twins.kind];
    if (kind.size() == count || !seen_.emplace(twins.first.prompt, twins.second.prompt).second) {
      continue;
    }
    ++drawn;
    if (auto one = read(twins)) {
      one->index = index_;
      kind.push_back(std::move(*one));
      if (options_.progress) {
        options_.progress(++pairs);
      }
    }
  }
  return out;
}

bool TwinCases::is_right(const RoledPrompt& prompt, const Question& question) const {
  return task_.accepts(question, continuation(subject_, prompt, {}, wanted_bytes(question)));
}

std::optional<TwinCase> TwinCases::read(const Twins& twins) const {
  std::vector<TokenId> ids = subject_.tokenizer->encode_ids(twins.first.prompt);
  std::vector<TokenId> other = subject_.tokenizer->encode_ids(twins.second.prompt);
  if (ids.size() != other.size() || ids.size() > subject_.model->config().context ||
      twins.first.answer == twins.second.answer) {
    return std::nullopt;
  }
  const auto first = static_cast<std::size_t>(
      std::mismatch(ids.begin(), ids.end(), other.begin()).first - ids.begin());
  if (first == ids.size()) {
    return std::nullopt;
  }
  TwinCase out;
  out.swap.prompt = from_difference(std::move(ids), first);
  out.swap.donor = from_difference(std::move(other), first);
  out.swap.bytes = std::max(wanted_bytes(twins.first), wanted_bytes(twins.second));
  if (!is_right(out.swap.prompt, twins.first) || !is_right(out.swap.donor, twins.second)) {
    return std::nullopt;
  }
  out.swap.succeeds = [&task = task_, question = twins.second](std::string_view said) {
    return task.accepts(question, said);
  };
  find_groups(out);
  return out;
}

void TwinCases::find_groups(TwinCase& out) const {
  const auto& [prompt, donor] = std::tie(out.swap.prompt, out.swap.donor);
  out.graph = read_prompt_graph(subject_, prompt, {.cancel = options_.cancel});
  out.donor_graph = read_prompt_graph(subject_, donor, {.cancel = options_.cancel});
  out.contrast = {contrast(out.graph, out.donor_graph.active),
                  contrast(out.donor_graph, out.graph.active)};
  out.ideas = idea_swaps(subject_, prompt, donor, options_.cancel);
}

}  // namespace cajal
