#include "explain/chart/versus_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "explain/chart/chart_words.h"
#include "explain/chart/folded.h"
#include "explain/chart/versus_words.h"

namespace cajal {
namespace {

constexpr std::size_t kShare = 7;  // columns
constexpr std::size_t kWay = 11;

std::string right(const std::string& text, std::size_t width) {
  const std::size_t own = terminal_width(text);
  return (own < width ? std::string(width - own, ' ') : "") + text;
}

std::string left(const std::string& text, std::size_t width) {
  const std::string cut = cut_to_width(text, width);
  return cut + std::string(width - terminal_width(cut), ' ');
}

class Text {
 public:
  Text(const VersusChart& chart, const ChartTextOptions& options)
      : chart_(chart),
        width_(options.width),
        colours_(options.colours),
        tried_(chart.claims_tried > 0) {
    const std::size_t numbers = 2 * kShare + (tried_ ? 2 * kWay : 0);
    name_ = width_ > numbers + 20 ? width_ - numbers : 20;
  }

  std::string run() const {
    std::string out = folded(shown_token(chart_.title), width_, 2) + "\n" + prompts() + "\n";
    out += head() + section("words", chart_.words);
    for (const VersusWhere where : {VersusWhere::First, VersusWhere::Second, VersusWhere::Both}) {
      std::vector<VersusEntry> there;
      std::copy_if(chart_.ideas.begin(), chart_.ideas.end(), std::back_inserter(there),
                   [&](const VersusEntry& entry) { return entry.where == where; });
      out += section(title_of(where), there);
    }
    return out + ends() + "\n" + truth();
  }

 private:
  std::string coloured(const std::string& text, std::size_t prompt) const {
    const int code = prompt == 0 ? 34 : 33;
    return colours_ == TextColours::Ansi ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  }

  std::string prompts() const {
    std::string out;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const VersusPrompt& own = chart_.prompts[prompt];
      out += coloured(folded(fmt::format("  {}  {} → {} {}", prompt + 1, shown_token(own.prompt),
                                         quoted_token(bare_token(own.answer)),
                                         probability_text(own.answer_probability)),
                             width_, 5),
                      prompt);
      out += folded("     " + value_text(chart_, prompt), width_, 5);
    }
    return out;
  }

  std::string numbers(const std::array<std::string, 4>& texts) const {
    const std::string out = right(texts[0], kShare) + right(texts[1], kShare);
    return tried_ ? out + right(texts[2], kWay) + right(texts[3], kWay) : out;
  }

  std::string head() const {
    const std::string above =
        tried_ ? right("share", 2 * kShare) + right("made as in the other", 2 * kWay)
               : right("share", 2 * kShare);
    return left("", name_) + above + "\n" + left("", name_) + numbers({"1", "2", "1  ", "2  "}) +
           "\n";
  }

  std::string section(std::string_view title, const std::vector<VersusEntry>& entries) const {
    if (entries.empty()) {
      return "";
    }
    std::string out = fmt::format("{}\n", title);
    for (const VersusEntry& entry : entries) {
      out += "  " + left(line_name(entry), name_ - 3) + " " + numbers(numbers_of(entry)) + "\n";
    }
    return out;
  }

  /// The name, and of an idea where it is, as far as there is room.
  std::string line_name(const VersusEntry& entry) const {
    std::string name = shown_token(entry.label);
    if (entry.kind == BoxKind::Word) {
      return name;
    }
    const std::string whole = name + " · " + where_text(chart_, entry);
    return terminal_width(whole) + 3 <= name_ ? whole : name;
  }

  std::array<std::string, 4> numbers_of(const VersusEntry& entry) const {
    std::array<std::string, 4> out;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const VersusHalf& half = entry.halves[prompt];
      out[prompt] = percent_text(half.share);
      out[2 + prompt] = marked_way(chart_, prompt, half.claim);
    }
    return out;
  }

  std::string ends() const {
    const auto& [first, second] = chart_.prompts;
    std::string out =
        left("not explained", name_) +
        numbers({percent_text(first.unexplained), percent_text(second.unexplained), "", ""}) + "\n";
    if (tried_) {
      out +=
          left("all these ideas at once", name_) +
          numbers({"", "", marked_way(chart_, 0, first.all), marked_way(chart_, 1, second.all)}) +
          "\n";
    }
    return out;
  }

  /// What the answers become with all ideas made as in the other.
  std::string becomes() const {
    std::string out;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const auto& all = chart_.prompts[prompt].all;
      if (all && !all->becomes.empty()) {
        out += fmt::format("{}the {} prompt then answers {} {}", out.empty() ? "" : ", ",
                           prompt == 0 ? "first" : "second", quoted_token(bare_token(all->becomes)),
                           probability_text(all->becomes_probability));
      }
    }
    return out.empty() ? "" : folded("  with all ideas of the other, " + out, width_, 4);
  }

  std::string truth() const {
    const std::string out =
        tried_ ? becomes() + folded("  " + way_explained(chart_), width_, 4) : "";
    return out + folded("  " + truth_text(chart_), width_, 4) +
           notes_text(chart_.notes, chart_.footer, width_);
  }

  const VersusChart& chart_;
  std::size_t width_;
  TextColours colours_;
  bool tried_;
  std::size_t name_ = 0;
};

}  // namespace

std::string to_text(const VersusChart& chart, const ChartTextOptions& options) {
  return Text(chart, options).run();
}

}  // namespace cajal
