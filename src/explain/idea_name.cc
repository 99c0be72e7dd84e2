#include "explain/idea_name.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "base/split.h"
#include "base/utf8.h"

namespace cajal {
namespace {

constexpr double kMostAgree = 0.4;   // of a group's influence, for a name from the atlas
constexpr double kMostDirect = 0.5;  // of a group's share, that goes straight to the answer
constexpr double kMostNear = 0.5;    // of a group's influence, in layers near the answer

/// A name that some of a group's influence speaks for.
struct Candidate {
  std::string label;
  std::string named_by;
  double weight = 0.0;
};

/// Line breaks as a sign, so that a label is one line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '\n' ? std::string("\u23ce") : std::string(1, c);
  }
  return out;
}

std::string spaced(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '.' || c == '_'; }, ' ');
  return text;
}

/// "state=Texas" as "Texas", "known=no" as "not known", "sum.ones=5" as "sum ones 5".
std::string truth_name(const std::string& label) {
  const std::size_t equals = label.find('=');
  if (equals == std::string::npos) {
    return label;
  }
  std::string kind = spaced(label.substr(0, equals));
  const std::string value = label.substr(equals + 1);
  if (value == "yes") {
    return kind;
  }
  if (value == "no") {
    return "not " + kind;
  }
  const bool tells = value.size() > 3 || label.compare(0, equals, "rhyme") == 0;
  return tells ? value : kind + " " + value;
}

std::string how(LabelSource source, const std::string& label) {
  switch (source) {
    case LabelSource::Truth:
      return fmt::format("most of its features stand for {} where the truth is known", label);
    case LabelSource::Token:
      return "most of its features fire" + label.substr(5);  // "fires on ..."
    case LabelSource::Context:
      return fmt::format("most of its features fire {}", label);
    case LabelSource::Logits:
      return fmt::format("most of its features raise one token: {}", label);
    case LabelSource::None:
      break;
  }
  return {};
}

/// `fires on " is"` as `"is"`.
std::string short_name(const FeatureLabel& label) {
  constexpr std::string_view kFires = "fires on ";
  if (label.source == LabelSource::Truth) {
    return truth_name(label.text);
  }
  const bool fires = label.text.starts_with(kFires);
  return fires ? label.text.substr(kFires.size()) : label.text;
}

class Namer {
  using Pages = std::vector<std::optional<FeaturePage>>;  // [members]

 public:
  Namer(const IdeaSources& sources, TruthLabels truth) : sources_(sources), truth_(truth) {
    const NodeCounts& counts = sources.flow.counts();
    for (std::size_t i = 0; i < counts.targets; ++i) {
      targets_.push_back(static_cast<std::uint32_t>(counts.target(i)));
    }
  }

  void name(FeatureGroup& group) const {
    const double all = influence(group.nodes);
    Pages pages;
    for (const std::uint32_t node : group.nodes) {
      pages.push_back(sources_.page(node));
    }
    const auto enough = [&](const Candidate& found) { return found.weight >= kMostAgree * all; };
    Candidate best = by_label(group, pages, true);
    best = enough(best) ? best : by_promoted(group, pages, Says::TheAnswer);
    best = enough(best) ? best : by_answer(group, all);
    best = enough(best) ? best : by_label(group, pages, false);
    best = enough(best) ? best : by_promoted(group, pages, Says::Anything);
    best = enough(best) ? best : by_place(group);
    group.label = one_line(best.label);
    group.named_by = one_line(best.named_by);
    group.confidence = all > 0.0 ? std::clamp(best.weight / all, 0.0, 1.0) : 0.0;
  }

 private:
  double influence(NodeSet nodes) const {
    double out = 0.0;
    for (const std::uint32_t node : nodes) {
      out += sources_.flow.node_shares()[node];
    }
    return out;
  }

  /// Layers below write for layers above rather than for the answer: what they raise there, or
  /// carry to it past all others, says little of what they are.
  bool is_near_answer(std::uint32_t node) const {
    return std::size_t{2} * sources_.graph.feature(node).layer >= sources_.graph.counts.layers;
  }

  double near_answer(const FeatureGroup& group) const {
    std::vector<std::uint32_t> near;
    std::ranges::copy_if(group.nodes, std::back_inserter(near),
                         [&](std::uint32_t node) { return is_near_answer(node); });
    return influence(near);
  }

  /// Whether a page's label may name anything.
  bool counts(const FeatureLabel& label, std::uint32_t node) const {
    if (label.source == LabelSource::Logits) {
      return is_near_answer(node);
    }
    return label.source != LabelSource::None &&
           (label.source != LabelSource::Truth || truth_ == TruthLabels::Shown);
  }

  /// The label that most influence agrees on; of truth, or of what was seen.
  Candidate by_label(const FeatureGroup& group, const Pages& pages, bool truth) const {
    std::map<std::string, Candidate> votes;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (!pages[i] || !counts(pages[i]->label, group.nodes[i]) ||
          (pages[i]->label.source == LabelSource::Truth) != truth) {
        continue;
      }
      const FeatureLabel& label = pages[i]->label;
      Candidate& vote = votes[label.text];
      vote.weight += sources_.flow.node_shares()[group.nodes[i]];
      vote.named_by = how(label.source, label.text);
      vote.label = short_name(label);
    }
    return strongest(votes);
  }

  /// The tokens that most influence raises among its first few.
  std::map<TokenId, double> promoted(const FeatureGroup& group, const Pages& pages) const {
    std::map<TokenId, double> out;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      for (std::size_t t = 0; pages[i] && t < pages[i]->promoted.size(); ++t) {
        out[pages[i]->promoted[t].token] += sources_.flow.node_shares()[group.nodes[i]];
      }
    }
    return out;
  }

  enum class Says : std::uint8_t { TheAnswer, Anything };

  /// In layers near the answer: what the group says there, whatever is asked.
  Candidate by_promoted(const FeatureGroup& group, const Pages& pages, Says says) const {
    std::map<std::string, Candidate> named;
    if (!is_near_answer(group.nodes.front())) {
      return {};
    }
    for (const auto& [token, weight] : promoted(group, pages)) {
      const std::string piece = sources_.atlas.piece(token);
      const bool special = piece.size() > 1 && piece.front() == '<' && piece.back() == '>';
      if (special || (says == Says::TheAnswer && piece != sources_.answer)) {
        continue;  // a special token is what a model never says
      }
      const std::string text = in_quotes(piece);
      named[text] = {"says " + text,
                     fmt::format("{} is among what most of its features raise most", text), weight};
    }
    return strongest(named);
  }

  static Candidate strongest(const std::map<std::string, Candidate>& votes) {
    Candidate best;
    for (const auto& [text, vote] : votes) {
      best = vote.weight > best.weight ? vote : best;
    }
    return best;
  }

  /// What goes straight to the answer speaks for or against it.
  Candidate by_answer(const FeatureGroup& group, double all) const {
    const double share = sources_.flow.share(group.nodes);
    const double direct = sources_.flow.edge_share(group.nodes, targets_);
    if (share <= 0.0 || direct < kMostDirect * share || near_answer(group) < kMostNear * all) {
      return {};
    }
    const bool against = sources_.flow.edge_effect(group.nodes, targets_).effect < 0.0;
    return {
        fmt::format("{} {}", against ? "speaks against" : "says", in_quotes(sources_.answer)),
        fmt::format("{:.0f} % of what it does goes straight to the answer", 100.0 * direct / share),
        all * std::min(1.0, direct / share)};
  }

  /// The token at which most of it fires, and its word.
  Candidate by_place(const FeatureGroup& group) const {
    std::map<std::uint32_t, double> votes;
    for (const std::uint32_t node : group.nodes) {
      votes[sources_.graph.feature(node).position] += sources_.flow.node_shares()[node];
    }
    const auto best =
        std::max_element(votes.begin(), votes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == votes.end()) {
      return {};
    }
    const std::string place = place_name(best->first);
    return {"at " + place,
            "its features have no common meaning that is known; most fire at " + place,
            best->second};
  }

  std::string place_name(std::uint32_t position) const {
    const std::size_t w = word_at(position);
    if (w >= sources_.words.size() || position >= sources_.tokens.size()) {
      return fmt::format("position {}", position);
    }
    const PromptWord& word = sources_.words[w];
    return word.first == word.last
               ? in_quotes(word.text)
               : fmt::format("{} of {}", in_quotes(sanitize_utf8(sources_.tokens[position])),
                             in_quotes(word.text));
  }

  std::size_t word_at(std::uint32_t position) const {
    for (std::size_t w = 0; w < sources_.words.size(); ++w) {
      if (position <= sources_.words[w].last) {
        return w;
      }
    }
    return position;
  }

  const IdeaSources& sources_;
  TruthLabels truth_;
  std::vector<std::uint32_t> targets_;
};

std::string layers_of(const AttributionGraph& graph, const FeatureGroup& group) {
  const std::uint32_t first = graph.feature(group.nodes.front()).layer;
  const std::uint32_t last = graph.feature(group.nodes.back()).layer;
  return first == last ? fmt::format("layer {}", first)
                       : fmt::format("layers {}\u2013{}", first, last);
}

constexpr std::size_t kFeature = 2;  // of differences_of

/// What could tell groups of one label apart, the plainest first: layers, the word, the strongest
/// feature, its token.
std::vector<std::string> differences_of(const IdeaSources& sources, const FeatureGroup& group) {
  const auto best = std::max_element(
      group.nodes.begin(), group.nodes.end(), [&](std::uint32_t a, std::uint32_t b) {
        return sources.flow.node_shares()[a] < sources.flow.node_shares()[b];
      });
  const ActiveFeature& strongest = sources.graph.feature(*best);
  std::vector<std::string> out = {layers_of(sources.graph, group)};
  for (const PromptWord& word : sources.words) {
    if (strongest.position >= word.first && strongest.position <= word.last) {
      out.push_back("at " + in_quotes(word.text));
    }
  }
  if (out.size() == 1) {
    out.push_back(fmt::format("at position {}", strongest.position));
  }
  out.push_back(fmt::format("{}:{}", strongest.layer, strongest.feature));
  out.push_back(fmt::format("at token {}", strongest.position));
  return out;
}

/// Adds to each of `same`, groups of one name, as much as tells them apart and no more.
void tell_apart(const IdeaSources& sources, std::vector<FeatureGroup*> same, std::size_t level) {
  const std::size_t levels = differences_of(sources, *same.front()).size();
  if (same.size() < 2 || level == levels) {
    return;
  }
  std::map<std::string, std::vector<FeatureGroup*>> parts;
  for (FeatureGroup* group : same) {
    parts[differences_of(sources, *group)[level]].push_back(group);
  }
  for (auto& [text, groups] : parts) {
    for (FeatureGroup* group : groups) {
      if (parts.size() > 1) {
        const bool is_feature = level == kFeature;  // which says its layer, too
        group->apart = group->apart.empty() || is_feature ? text : group->apart + ", " + text;
      }
    }
    tell_apart(sources, groups, level + 1);
  }
}

}  // namespace

std::string in_quotes(std::string_view text) {
  const std::string_view bare = trimmed(text, " \t");
  return one_line(fmt::format("\"{}\"", bare.empty() ? text : bare));
}

void name_ideas(const IdeaSources& sources, TruthLabels truth, std::vector<FeatureGroup>& groups) {
  const Namer namer(sources, truth);
  for (FeatureGroup& group : groups) {
    namer.name(group);
  }
  std::map<std::string, std::vector<FeatureGroup*>> by_label;
  for (FeatureGroup& group : groups) {
    by_label[group.label].push_back(&group);
  }
  for (auto& [label, same] : by_label) {
    tell_apart(sources, std::move(same), 0);
  }
}

}  // namespace cajal
