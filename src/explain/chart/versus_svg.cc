#include "explain/chart/versus_svg.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_boxes.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/versus_words.h"

namespace cajal {
namespace {

constexpr double kPad = 32.0;      // around a picture that stands alone
constexpr double kHeading = 76.0;  // title and prompts above it
constexpr double kLegend = 84.0;   // below
constexpr double kBar = 150.0;     // the longest bar
constexpr double kNumber = 50.0;   // a share beside its bar
constexpr double kWay = 76.0;      // what came of trying, at the outer edge
constexpr double kMiddle = 316.0;  // names
constexpr double kWidth = 2 * (kWay + kNumber + kBar) + kMiddle;
constexpr double kLineHeight = 40.0;
constexpr double kWordHeight = 28.0;
constexpr double kTitleHeight = 34.0;
constexpr double kBarHeight = 12.0;
constexpr double kHead = 40.0;  // what the columns are

constexpr std::string_view kStyle = R"(
svg { font-family: Inter, "DejaVu Sans", system-ui, sans-serif; background: #fbfaf7; }
text { fill: #1d1d1b; }
.paper { fill: #fbfaf7; }
.column, .where, .legend { fill: #6a6862; }
.column, .legend { font-size: 12px; }
.heading { font-size: 19px; font-weight: 600; }
.box .frame { fill: none; }
.name { font-size: 14px; font-weight: 600; }
.word .name, .prompt { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-weight: 400; }
.prompt { font-size: 13px; }
.where, .way { font-size: 11.5px; }
.way.yes { fill: #2f6db3; }
.way.no { fill: #b4540f; }
.bar.first { fill: #2f6db3; }
.bar.second { fill: #c2641a; }
.bar.rest { fill: #a5a29a; }
.number { font-size: 11.5px; fill: #45433e; }
.rule { stroke: #dedbd3; }
@media (prefers-color-scheme: dark) {
  svg { background: #16171a; }
  text { fill: #ecebe6; }
  .paper { fill: #16171a; }
  .column, .where, .legend { fill: #a3a199; }
  .way.yes { fill: #79aee8; }
  .way.no { fill: #eb9a5a; }
  .bar.first { fill: #79aee8; }
  .bar.second { fill: #eb9a5a; }
  .bar.rest { fill: #8b8982; }
  .number { fill: #c9c7c0; }
  .rule { stroke: #3a3d43; }
}
)";

enum class Anchor : std::uint8_t { Start, Middle, End };

std::string text_at(double x, double y, std::string_view classes, std::string_view text,
                    Anchor anchor = Anchor::Start) {
  const std::string_view how = anchor == Anchor::Start ? ""
                               : anchor == Anchor::End ? " text-anchor=\"end\""
                                                       : " text-anchor=\"middle\"";
  return fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}"{}>{}</text>)", classes, x, y, how,
                     escaped(text));
}

std::string cut(std::string_view text, double width, double size, bool bold) {
  return wrapped(text, width, size, bold, 1).front();
}

class Drawing {
 public:
  Drawing(const VersusChart& chart, SvgUse use) : chart_(chart), use_(use) {
    for (const VersusEntry* entry : lines_of(chart)) {
      for (const VersusHalf& half : entry->halves) {
        most_ = std::max(most_, half.share);
      }
    }
    most_ = std::max({most_, chart.prompts[0].unexplained, chart.prompts[1].unexplained, 1e-9});
  }

  SvgPicture run() {
    std::string inside = head();  // one after the other: each goes on below the last
    inside += lines();
    inside += rest();
    const bool alone = use_ == SvgUse::Alone;
    const double width = alone ? kWidth + 2 * kPad : kWidth;
    const double height = alone ? y_ + 2 * kPad + kHeading + kLegend : y_ + 8;
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"{2}\" aria-label=\"{3}\">\n",
        width, height, alone ? "img" : "group", escaped(summary()));
    if (alone) {
      out += fmt::format("<title>{}</title>\n<style>{}</style>\n", escaped(chart_.title), kStyle);
      out += "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" + heading();
      out += fmt::format("<g transform=\"translate({} {})\">\n", kPad, kPad + kHeading);
    }
    out += inside + (alone ? "</g>\n" + legend(height) : "");
    return {out + "</svg>\n", width, height};
  }

 private:
  std::string summary() const {
    return "Ideas behind two answers side by side, the first prompt's share at the left, the "
           "second's at the right. " +
           chart_.title;
  }

  std::string heading() const {
    std::string out =
        text_at(kPad, kPad + 12, "heading", cut(shown_token(chart_.title), kWidth, 19, true));
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const VersusPrompt& own = chart_.prompts[prompt];
      const std::string text = fmt::format("{}  {} → {}", prompt + 1, shown_token(own.prompt),
                                           quoted_token(bare_token(own.answer)));
      out += text_at(kPad, kPad + 36 + 19.0 * static_cast<double>(prompt), "prompt",
                     cut_to_width(text, static_cast<std::size_t>(kWidth / 7.9)));
    }
    return out + "\n";
  }

  std::string legend(double height) const {
    const double top = height - kPad - kLegend + 34;
    const std::string marks =
        "Bars: share of the answer, blue of the first prompt, orange of the second. ✓ ✗: whether "
        "what the graphs predict held when tried.";
    const std::string ways = "Outermost: " + way_explained(chart_) + ".";
    std::string out = text_at(kPad, top, "legend", cut(marks, kWidth, 12, false));
    double y = top + 18;
    for (const std::string& line : wrapped(ways, kWidth, 12, false, 2)) {
      out += text_at(kPad, y, "legend", line);
      y += 16;
    }
    return out + text_at(kPad, y + 2, "legend", cut(truth_text(chart_), kWidth, 12, false)) + "\n";
  }

  /// The edge of the middle at which the prompt's bars begin, and to which side they grow.
  static double bar_begin(std::size_t prompt) {
    const double half = kWay + kNumber + kBar;
    return prompt == 0 ? half : half + kMiddle;
  }
  static double outward(std::size_t prompt) { return prompt == 0 ? -1.0 : 1.0; }
  static Anchor away(std::size_t prompt) { return prompt == 0 ? Anchor::End : Anchor::Start; }

  std::string head() {
    std::string out;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      const std::string answer = quoted_token(bare_token(chart_.prompts[prompt].answer));
      const std::string what =
          fmt::format("{}: share of {}", prompt == 0 ? "first" : "second", answer);
      out += text_at(bar_begin(prompt), 14, "column", cut(what, kBar + kNumber, 12, false),
                     away(prompt));
      if (chart_.claims_tried > 0) {
        const double edge = prompt == 0 ? 0.0 : kWidth;
        const Anchor anchor = prompt == 0 ? Anchor::Start : Anchor::End;
        out += text_at(edge, 14, "column", "made as", anchor);
        out += text_at(edge, 29, "column", "the other", anchor);
      }
    }
    y_ = kHead;
    return out + "\n";
  }

  std::string section(std::string_view title) {
    std::string out =
        fmt::format(R"(<line class="rule" x1="0" x2="{:.0f}" y1="{:.1f}" y2="{:.1f}"/>)", kWidth,
                    y_ + 6, y_ + 6);
    out += text_at(kWidth / 2, y_ + 24, "column", title, Anchor::Middle) + "\n";
    y_ += kTitleHeight;
    return out;
  }

  std::string lines() {
    std::string out;
    std::string_view last;
    std::size_t number = 0;
    for (const VersusEntry* entry : lines_of(chart_)) {
      const std::string_view title =
          entry->kind == BoxKind::Word ? "words of the prompts" : title_of(entry->where);
      if (title != last) {
        out += section(title);
        last = title;
      }
      out += line(*entry, number++);
    }
    return out;
  }

  std::string line(const VersusEntry& entry, std::size_t number) {
    const bool word = entry.kind == BoxKind::Word;
    const double height = word ? kWordHeight : kLineHeight;
    const std::string says = alternative_text(chart_, entry);
    const bool first_idea = number == chart_.words.size();
    const std::string keys = use_ == SvgUse::Page
                                 ? fmt::format(
                                       " id=\"box-{0}\" data-panel=\"box-{0}\" data-box=\"{0}\" "
                                       "data-column=\"0\"{1} tabindex=\"0\" role=\"button\" "
                                       "aria-pressed=\"false\"",
                                       number, first_idea ? " data-first=\"\"" : "")
                                 : std::string(" role=\"img\"");
    std::string out = fmt::format(
        "<g class=\"box line {}\"{} transform=\"translate(0 {:.1f})\" aria-label=\"{}\">"
        "<title>{}</title>\n<rect class=\"frame\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"6\"/>\n",
        word ? "word" : "idea", keys, y_, escaped(says), escaped(says), kWidth, height);
    const double middle = word ? height / 2 + 5 : 17.0;
    out += text_at(kWidth / 2, middle, "name",
                   cut(shown_token(entry.label), kMiddle - 16, word ? 15.5 : kNameSize, !word),
                   Anchor::Middle);
    if (!word) {
      out +=
          text_at(kWidth / 2, 32, "where",
                  cut(where_text(chart_, entry), kMiddle - 16, kWhereSize, false), Anchor::Middle);
    }
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      out += bar(prompt, entry.halves[prompt].share, height, prompt == 0 ? "first" : "second");
      out += way(prompt, entry.halves[prompt].claim, height);
    }
    y_ += height;
    return out + "</g>\n";
  }

  std::string bar(std::size_t prompt, double share, double height, std::string_view kind) const {
    const double length = kBar * std::clamp(share / most_, 0.0, 1.0);
    const double begin = bar_begin(prompt);
    const double end = begin + outward(prompt) * length;
    return fmt::format(
               "<rect class=\"bar {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
               "height=\"{:.0f}\" rx=\"2\"/>",
               kind, std::min(begin, end), (height - kBarHeight) / 2, length, kBarHeight) +
           text_at(end + outward(prompt) * 5, height / 2 + 4, "number", percent_text(share),
                   away(prompt));
  }

  std::string way(std::size_t prompt, const std::optional<TriedClaim>& claim, double height) const {
    if (!claim) {
      return "";
    }
    return text_at(prompt == 0 ? 0.0 : kWidth, height / 2 + 4, claim->held() ? "way yes" : "way no",
                   marked_way(chart_, prompt, claim), prompt == 0 ? Anchor::Start : Anchor::End);
  }

  /// What is not explained, and all ideas at once.
  std::string rest() {
    std::string out = section("the rest");
    const auto add = [&](const char* name, const std::string& inside) {
      out += fmt::format("<g transform=\"translate(0 {:.1f})\">", y_) +
             text_at(kWidth / 2, kWordHeight / 2 + 5, "name", name, Anchor::Middle) + inside +
             "</g>\n";
      y_ += kWordHeight;
    };
    std::string bars;
    std::string ways;
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      bars += bar(prompt, chart_.prompts[prompt].unexplained, kWordHeight, "rest");
      ways += way(prompt, chart_.prompts[prompt].all, kWordHeight);
    }
    add("not explained", bars);
    if (!ways.empty()) {
      add("all these ideas at once", ways);
    }
    return out;
  }

  const VersusChart& chart_;
  SvgUse use_;
  double most_ = 0.0;  // share, which has the longest bar
  double y_ = 0.0;
};

}  // namespace

std::vector<const VersusEntry*> lines_of(const VersusChart& chart) {
  std::vector<const VersusEntry*> out;
  out.reserve(chart.words.size() + chart.ideas.size());
  for (const VersusEntry& entry : chart.words) {
    out.push_back(&entry);
  }
  for (const VersusEntry& entry : chart.ideas) {
    out.push_back(&entry);
  }
  return out;
}

std::string alternative_text(const VersusChart& chart, const VersusEntry& entry) {
  const auto& [first, second] = entry.halves;
  std::string out =
      fmt::format("{} {}, {}: {} of the first answer, {} of the second",
                  entry.kind == BoxKind::Word ? "Word" : "Idea", shown_token(entry.label),
                  entry.kind == BoxKind::Word ? "of the prompts" : title_of(entry.where),
                  percent_text(first.share), percent_text(second.share));
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    if (const auto& claim = entry.halves[prompt].claim) {
      out += fmt::format("; made in the {} as in the other, {}; the claim {}",
                         prompt == 0 ? "first" : "second", goes_text(chart, prompt, *claim),
                         verdict_text(*claim));
    }
  }
  return out;
}

SvgPicture draw_svg(const VersusChart& chart, SvgUse use) {
  return Drawing(chart, use).run();
}

}  // namespace cajal
