#include "explain/chart/versus_page.h"

#include <fmt/format.h>

#include "base/markup.h"
#include "explain/chart/chart_words.h"
#include "explain/chart/page_frame.h"
#include "explain/chart/page_parts.h"
#include "explain/chart/versus_svg.h"
#include "explain/chart/versus_words.h"

namespace cajal {
namespace {

constexpr std::array<const char*, kVersusPrompts> kNames = {"first", "second"};

std::string prompts_html(const VersusChart& chart) {
  std::string out;
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    const VersusPrompt& own = chart.prompts[prompt];
    out += prompt_html(own.tokens, own.answer, fmt::format("prompt {}", kNames[prompt]));
    out += paragraph("how", fmt::format("{}, with probability {}", value_text(chart, prompt),
                                        probability_text(own.answer_probability)));
  }
  return out;
}

std::string stage_html(const VersusChart& chart) {
  const SvgPicture picture = draw_svg(chart, SvgUse::Page);
  return fmt::format(
             "<div class=\"stage\">\n<div>\n<div class=\"chart\" style=\"--width:{:.0f}px\">\n",
             picture.width) +
         picture.text +
         "</div>\n<p class=\"legend\"><span><i></i>share of the first answer</span>"
         "<span><i class=\"against\"></i>share of the second answer</span>"
         "<span><i class=\"unknown\"></i>not explained</span>"
         "<span>✓ ✗ what was predicted held or failed when tried</span></p>\n" +
         paragraph("how", way_explained(chart) + ".") + "</div>\n";
}

class Panels {
 public:
  explicit Panels(const VersusChart& chart) : chart_(chart) {}

  std::string run() const {
    std::string out;
    std::size_t number = 0;
    for (const VersusEntry* entry : lines_of(chart_)) {
      out += fmt::format("<section class=\"panel\" id=\"panel-box-{}\">\n{}</section>\n", number++,
                         panel(*entry));
    }
    return out;
  }

 private:
  std::string panel(const VersusEntry& entry) const {
    std::string out = fmt::format("<h2>{}</h2>\n", escaped(shown_token(entry.label)));
    out += paragraph("how", entry.kind == BoxKind::Word ? std::string("words of the prompts")
                                                        : std::string(title_of(entry.where)));
    for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
      out += half(entry, prompt);
    }
    return out;
  }

  std::string half(const VersusEntry& entry, std::size_t prompt) const {
    const VersusHalf& own = entry.halves[prompt];
    std::string out = heading(fmt::format("In the {} prompt", kNames[prompt]));
    out += "<table>" + row("share of the answer", percent_text(own.share)) +
           row("gives it, by the graph", signed_text(own.effect) + " logits") +
           (entry.kind == BoxKind::Idea ? row("fires", percent_text(own.fires)) : "") +
           "</table>\n";
    if (own.claim) {
      out += heading("Made here as in the other, " + goes_text(chart_, prompt, *own.claim),
                     "feature patching, nothing frozen") +
             claim_html(*own.claim);
    } else if (!entry.exchangeable) {
      out += paragraph("how", "not exchanged: one of the prompts has no features where it stands");
    } else if (chart_.claims_tried > 0) {
      out += paragraph("how", "made here as in the other, it would change nothing worth a claim");
    }
    return own.box && entry.kind == BoxKind::Idea ? out + idea_words(*own.box, prompt) : out;
  }

  std::string idea_words(const ChartBox& box, std::size_t prompt) const {
    Chart words;  // what places need of a chart
    words.tokens = chart_.prompts[prompt].tokens;
    std::string out = paragraph("how", "“" + name_text(box) + "”, " + where_text(words, box));
    if (!box.named_by.empty()) {
      out += paragraph("how", fmt::format("named {}; the name holds for {} of it",
                                          shown_token(box.named_by), percent_text(box.confidence)));
    }
    out += box.examples.empty() ? "" : examples_html(box);
    out += box.promotes.empty() ? "" : heading("Makes likelier") + tokens_html(box.promotes);
    return out + (box.members.empty() ? "" : members_html(words, box));
  }

  const VersusChart& chart_;
};

/// What was predicted and measured in each prompt, then both verdicts.
std::string tried_cells(const VersusEntry& entry) {
  std::string verdicts;
  std::string numbers;
  for (std::size_t prompt = 0; prompt < kVersusPrompts; ++prompt) {
    const auto& claim = entry.halves[prompt].claim;
    numbers += number_cell(claim ? signed_text(claim->predicted) : "") +
               number_cell(claim ? signed_text(claim->measured) : "");
    verdicts += claim ? fmt::format("{}{}: {}", verdicts.empty() ? "" : "; ", kNames[prompt],
                                    verdict_text(*claim))
                      : "";
  }
  return numbers + cell(verdicts);
}

std::string table_html(const VersusChart& chart) {
  std::string out =
      "<table>\n<caption>Ideas and words</caption>\n<thead><tr><th>what</th><th>where</th>"
      "<th class=\"n\">share, first</th><th class=\"n\">second</th>"
      "<th class=\"n\">predicted, first</th><th class=\"n\">measured</th>"
      "<th class=\"n\">predicted, second</th><th class=\"n\">measured</th>"
      "<th>when tried</th></tr></thead>\n<tbody>\n";
  for (const VersusEntry* entry : lines_of(chart)) {
    out += "<tr>" + cell(shown_token(entry->label)) +
           cell(entry->kind == BoxKind::Word ? "word" : std::string(title_of(entry->where))) +
           number_cell(percent_text(entry->halves[0].share)) +
           number_cell(percent_text(entry->halves[1].share)) + tried_cells(*entry) + "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

std::string footer_html(const VersusChart& chart) {
  const auto& [first, second] = chart.prompts;
  std::string out = "<footer>";
  out += footer_figure("claims that held when tried",
                       fmt::format("{} of {}", chart.claims_held, chart.claims_tried),
                       "feature patching, nothing frozen: sign right, size within a factor of "
                       "about 3, beyond 95 % of random groups");
  out += footer_figure("not explained",
                       percent_text(first.unexplained) + " and " + percent_text(second.unexplained),
                       "1 - replacement score");
  out += footer_figure("completeness",
                       fmt::format("{:.2f} and {:.2f}", first.completeness, second.completeness),
                       "share of the inputs of all nodes that is not error");
  out += footer_figure("rows sum to",
                       residual_text(std::max(first.largest_residual, second.largest_residual)),
                       "largest relative difference between a row's sum and what it explains");
  return out + (chart.footer.empty() ? "" : "<span>" + escaped(chart.footer) + "</span>") +
         "</footer>\n";
}

}  // namespace

std::string to_html(const VersusChart& chart) {
  return page_of(chart.title, prompts_html(chart) + stage_html(chart) +
                                  "<aside aria-live=\"polite\" aria-label=\"What is chosen\">\n" +
                                  Panels(chart).run() + "</aside>\n</div>\n" +
                                  notes_html(chart.notes) +
                                  "<details>\n<summary>View as table</summary>\n" +
                                  table_html(chart) + "</details>\n" + footer_html(chart));
}

}  // namespace cajal
