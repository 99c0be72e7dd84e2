#include "explain/versus/build_versus.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "explain/chart/chart_words.h"
#include "explain/versus/match_ideas.h"
#include "explain/versus/places.h"
#include "explain/words.h"

namespace cajal {
namespace {

constexpr double kSmallWord = 0.01;  // of an answer, from which a word that both have gets a line
constexpr double kAtWork = 0.5;      // of an idea that must fire for it to be in a prompt

class Builder {
 public:
  Builder(const VersusSides& sides, const VersusOptions& options)
      : sides_(sides),
        options_(options),
        roles_(aligned(sides[0].ground.replacement.tokens(), sides[1].ground.replacement.tokens())),
        places_(sides, roles_) {}

  VersusParts build() {
    VersusParts out;
    out.chart.opposed = options_.opposed;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      out.chart.prompts[prompt] = prompt_of(prompt);
    }
    add_words(out);
    add_ideas(out);
    out.left_out = left_out(out.ideas);
    out.roles = roles_;
    return out;
  }

 private:
  const Chart& chart(std::size_t prompt) const { return sides_[prompt].parts.chart; }
  const GraphFlow& flow(std::size_t prompt) const { return sides_[prompt].ground.flow; }

  VersusPrompt prompt_of(std::size_t prompt) const {
    const Chart& own = chart(prompt);
    return {.prompt = own.prompt,
            .tokens = own.tokens,
            .answer = own.answer,
            .answer_probability = own.answer_probability,
            .alternatives = own.alternatives,
            .value = sides_[prompt].ground.value.value,
            .unexplained = own.unexplained,
            .replacement = own.replacement,
            .completeness = own.completeness,
            .largest_residual = own.largest_residual,
            .ideas_hold = own.ideas_hold,
            .all = std::nullopt};
  }

  /// [positions] the number of the word.
  std::vector<std::size_t> words_at(std::size_t prompt) const {
    std::vector<std::string> texts;
    for (const ChartToken& token : chart(prompt).tokens) {
      texts.push_back(token.text);
    }
    std::vector<std::size_t> out(texts.size(), 0);
    const std::vector<PromptWord> words = words_of(texts);
    for (std::size_t w = 0; w < words.size(); ++w) {
      std::fill(out.begin() + words[w].first, out.begin() + words[w].last + 1, w);
    }
    return out;
  }

  /// Roles of words that stand for each other, as whole words of either prompt.
  std::vector<VersusNodes> word_lines() const {
    const std::array<std::vector<std::size_t>, kVersusPrompts> words = {words_at(0), words_at(1)};
    std::array<std::optional<std::size_t>, kVersusPrompts> last;
    std::vector<VersusNodes> out;
    for (std::uint32_t role = 0; role < roles_.size(); ++role) {
      bool goes_on = false;
      for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
        if (const auto at = places_.position(prompt, role)) {
          goes_on = goes_on || last[prompt] == words[prompt][*at];
          last[prompt] = words[prompt][*at];
        }
      }
      if (!goes_on || out.empty()) {
        out.emplace_back();
      }
      out.back().words.push_back(role);
    }
    return out;
  }

  std::optional<ChartBox> word_box(std::size_t prompt, const VersusNodes& line) const {
    ChartBox box = {.kind = BoxKind::Word, .named_by = "words of the prompt", .confidence = 1.0};
    std::string text;
    for (const std::uint32_t role : line.words) {
      if (const auto at = places_.position(prompt, role)) {
        box.positions.push_back(*at);
        box.share += chart(prompt).tokens[*at].share;
        text += chart(prompt).tokens[*at].text;
      }
    }
    if (box.positions.empty()) {
      return std::nullopt;
    }
    box.id = fmt::format("w{}", box.positions.front());
    box.label = bare_token(text);
    box.effect = flow(prompt).effect(places_.nodes(prompt, line));
    return box;
  }

  /// Of a word: it is there or not.
  static VersusHalf half_of(std::optional<ChartBox> box) {
    VersusHalf out;
    out.share = box ? box->share : 0.0;
    out.effect = box ? box->effect : 0.0;
    out.fires = box ? 1.0 : 0.0;
    out.box = std::move(box);
    return out;
  }

  void add_words(VersusParts& parts) const {
    for (VersusNodes& line : word_lines()) {
      VersusEntry entry = {.id = fmt::format("w{}", line.words.front()), .kind = BoxKind::Word};
      for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
        entry.halves[prompt] = half_of(word_box(prompt, line));
      }
      entry.label = label_of(entry);
      entry.where = where_of(entry);
      const bool same = std::all_of(line.words.begin(), line.words.end(),
                                    [&](std::uint32_t role) { return places_.same_word(role); });
      entry.likeness = same ? 1.0 : 0.0;
      const double share = std::max(entry.halves[0].share, entry.halves[1].share);
      if (!same || share >= kSmallWord) {
        parts.chart.words.push_back(std::move(entry));
        parts.words.push_back(std::move(line));
      }
    }
  }

  /// What has a box is at work, however weakly beside the other prompt.
  static VersusWhere where_of(const VersusEntry& entry) {
    const auto works = [](const VersusHalf& half) { return half.box || half.fires >= kAtWork; };
    return !works(entry.halves[0])   ? VersusWhere::Second
           : !works(entry.halves[1]) ? VersusWhere::First
                                     : VersusWhere::Both;
  }

  /// As the charts call it, both names where they do not have the same label.
  static std::string label_of(const VersusEntry& entry) {
    const auto& [first, second] = entry.halves;
    if (!first.box || !second.box) {
      return first.box ? name_text(*first.box) : name_text(*second.box);
    }
    const std::string one = name_text(*first.box);
    return first.box->label == second.box->label ? one : one + " / " + name_text(*second.box);
  }

  std::vector<ChartBox> ideas_of(std::size_t prompt) const {
    std::vector<ChartBox> out;
    for (const ChartBox& box : chart(prompt).boxes) {
      if (box.kind == BoxKind::Idea) {
        out.push_back(box);
      }
    }
    return out;
  }

  void add_places(std::size_t prompt, const FeatureGroup& group, std::set<VersusPlace>& out) const {
    for (const std::uint32_t node : group.nodes) {
      const ActiveFeature& f = sides_[prompt].ground.features[node];
      out.insert({f.layer, places_.role(prompt, f.position), f.feature});
    }
  }

  /// How strongly the line fires in each prompt, each feature by its share where that is larger.
  void find_firing(const VersusNodes& line, VersusEntry& entry) const {
    std::array<double, kVersusPrompts> all{};  // of what counts in the prompt
    for (const VersusPlace& place : line.features) {
      std::array<double, kVersusPrompts> activation{};
      double weight = 0.0;
      for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
        activation[prompt] = places_.activation(prompt, place);
        if (const auto node = places_.node(prompt, place)) {
          weight = std::max(weight, flow(prompt).node_shares()[*node]);
        }
      }
      const double most = std::max(activation[0], activation[1]);
      for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
        if (places_.counts(prompt, place.role)) {
          const double fires = most > 0.0 ? std::max(activation[prompt], 0.0) / most : 0.0;
          entry.halves[prompt].fires += weight * fires;
          all[prompt] += weight;
        }
      }
    }
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      double& fires = entry.halves[prompt].fires;
      fires = all[prompt] > 0.0 ? fires / all[prompt] : 0.0;
    }
  }

  /// A line and what it stands for.
  using Line = std::pair<VersusEntry, VersusNodes>;

  Line line_of(const IdeaPair& pair,
               const std::array<std::vector<ChartBox>, kVersusPrompts>& ideas) const {
    const std::array<std::optional<std::size_t>, kVersusPrompts> at = {pair.first, pair.second};
    Line out;
    auto& [entry, nodes] = out;
    std::set<VersusPlace> places;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      if (at[prompt]) {
        entry.halves[prompt].box = ideas[prompt][*at[prompt]];
        add_places(prompt, sides_[prompt].parts.ideas[*at[prompt]], places);
      }
    }
    nodes.features.assign(places.begin(), places.end());
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const std::vector<std::uint32_t> own = places_.nodes(prompt, nodes);
      entry.halves[prompt].share = flow(prompt).share(own);
      entry.halves[prompt].effect = flow(prompt).effect(own);
    }
    find_firing(nodes, entry);
    entry.likeness = pair.likeness;
    entry.where = pair.likeness > 0.0 ? VersusWhere::Both : where_of(entry);
    entry.label = label_of(entry);
    entry.exchangeable =
        std::any_of(nodes.features.begin(), nodes.features.end(),
                    [&](const VersusPlace& place) { return places_.exchangeable(place.role); });
    return out;
  }

  void add_ideas(VersusParts& parts) const {
    const std::array<std::vector<ChartBox>, kVersusPrompts> ideas = {ideas_of(0), ideas_of(1)};
    std::vector<Line> lines;
    for (const IdeaPair& pair : match_ideas(ideas[0], ideas[1], roles_)) {
      lines.push_back(line_of(pair, ideas));
    }
    std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
      return a.first.where != b.first.where ? a.first.where < b.first.where
                                            : a.first.share() > b.first.share();
    });
    for (Line& line : lines) {
      line.first.id = fmt::format("i{}", parts.chart.ideas.size());
      for (VersusHalf& half : line.first.halves) {
        if (half.box && half.box->members.size() > options_.members) {
          half.box->members.resize(options_.members);
        }
      }
      parts.chart.ideas.push_back(std::move(line.first));
      parts.ideas.push_back(std::move(line.second));
    }
  }

  std::vector<std::uint32_t> left_out(std::span<const VersusNodes> ideas) const {
    std::set<std::uint32_t> out;
    for (const VersusNodes& line : ideas) {
      for (const VersusPlace& place : line.features) {
        if (!places_.exchangeable(place.role)) {
          out.insert(place.role);
        }
      }
    }
    return {out.begin(), out.end()};
  }

  const VersusSides& sides_;
  const VersusOptions& options_;
  std::vector<SharedRole> roles_;
  VersusPlaces places_;
};

}  // namespace

VersusParts build_versus(const VersusSides& sides, const VersusOptions& options) {
  return Builder(sides, options).build();
}

}  // namespace cajal
