#include "explain/chart/chart_boxes.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "explain/chart/chart_words.h"

namespace cajal {
namespace {

constexpr double kIdeaWidth = 176.0;
constexpr double kMark = 16.0;  // for ✓ and ✗ at the end of the first line

/// Of a letter, in parts of the size, after DejaVu Sans, which is wider than most.
double letter_width(char32_t c) {
  constexpr std::u32string_view kNarrow = U"iljIft.,;:'|!()[]“”‘’· ";
  constexpr std::u32string_view kWide = U"mwMW@%—…→";
  return kNarrow.find(c) != std::u32string_view::npos ? 0.37
         : kWide.find(c) != std::u32string_view::npos ? 0.96
         : c >= 'A' && c <= 'Z'                       ? 0.72
         : c >= 0x1100                                ? 1.0
                                                      : 0.625;
}

/// Of "12.345 logits"-like rows beneath the answer: the next likeliest.
std::string next_text(const Chart& chart) {
  const auto next =
      std::find_if(chart.alternatives.begin(), chart.alternatives.end(),
                   [&](const ChartAlternative& other) { return other.text != chart.answer; });
  return next == chart.alternatives.end()
             ? ""
             : fmt::format("next: {} {}", quoted_token(bare_token(next->text)),
                           probability_text(next->probability));
}

PlacedBox sized(std::size_t index, double width, double height) {
  return {.box = index, .width = width, .height = height};
}

PlacedBox word_box(const ChartBox& box, std::size_t index) {
  const std::string name = name_text(box);
  const double letter = 0.62 * kNameSize;  // a monospaced one
  const auto letters = static_cast<double>(terminal_width(name));
  const double mark = box.claim ? kMark : 0.0;
  PlacedBox out =
      sized(index, std::clamp(letters * letter + 2 * kInside + mark, 84.0, 190.0), 40.0);
  const auto fitting = static_cast<std::size_t>((out.width - 2 * kInside - mark) / letter + 0.01);
  out.name = {cut_to_width(name, fitting)};
  return out;
}

/// Two lines of a name; if it has to be cut, what tells it apart keeps the second.
std::vector<std::string> idea_lines(const ChartBox& box, double width) {
  const std::string name = name_text(box);
  std::vector<std::string> out = wrapped(name, width, kNameSize, true, 2);
  std::string joined;
  for (const std::string& line : out) {
    joined += joined.empty() ? line : " " + line;
  }
  if (joined.size() >= name.size() || box.apart.empty()) {
    return out;
  }
  out = wrapped(bare_token(box.label), width, kNameSize, true, 1);
  out.push_back(wrapped(shown_token(box.apart), width, kNameSize, true, 1).front());
  return out;
}

PlacedBox idea_box(const Chart& chart, const ChartBox& box, std::size_t index) {
  PlacedBox out = sized(index, kIdeaWidth, 0.0);
  const double inside = out.width - 2 * kInside;
  const double mark = box.claim ? kMark : 0.0;
  out.name = idea_lines(box, inside - mark);
  out.height = 38.0 + kLine * static_cast<double>(out.name.size());
  const std::string where = where_text(chart, box);
  out.where = wrapped(where, inside, kWhereSize, false, 1).front();
  return out;
}

PlacedBox answer_box(const Chart& chart, const ChartBox& box, std::size_t index) {
  const std::string name = name_text(box);
  const double wanted = std::max(text_width(name, kAnswerSize, true),
                                 text_width(next_text(chart), kWhereSize, false));
  PlacedBox out = sized(index, std::clamp(wanted + 2 * kInside, 140.0, 210.0), 96.0);
  const double inside = out.width - 2 * kInside;
  out.name = wrapped(name, inside, kAnswerSize, true, 1);
  out.where = wrapped(next_text(chart), inside, kWhereSize, false, 1).front();
  return out;
}

/// The longest beginning of whole characters up to which all do as `fits` asks.
template <typename Fits>
std::string_view beginning_where(std::string_view text, const Fits& fits) {
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t next = end + decode_utf8(text.substr(end)).length;
    if (!fits(text.substr(0, next))) {
      break;
    }
    end = next;
  }
  return text.substr(0, end);
}

/// Where a line ends of which the first `most` bytes fit: at a blank if there is one after the
/// first byte. At least one character, or nothing would ever fit.
std::size_t line_end(std::string_view text, std::size_t most) {
  if (most < text.size() && text[most] == ' ') {
    return most;
  }
  const std::size_t blank = text.substr(0, most).rfind(' ');
  const bool found = blank != std::string_view::npos && blank > 0;
  return found ? blank : std::max<std::size_t>(most, decode_utf8(text).length);
}

}  // namespace

double text_width(std::string_view text, double size, bool bold) {
  double out = 0.0;
  for (const char32_t c : to_utf32(text)) {
    out += letter_width(c);
  }
  return out * size * (bold ? 1.08 : 1.0);
}

std::vector<std::string> wrapped(std::string_view text, double width, double size, bool bold,
                                 std::size_t lines) {
  const auto fits = [&](const std::string& t) { return text_width(t, size, bold) <= width; };
  std::vector<std::string> out;
  while (!fits(std::string(text))) {
    const bool last = out.size() + 1 == lines;
    const std::string_view most = beginning_where(
        text, [&](std::string_view t) { return fits(std::string(t) + (last ? "…" : "")); });
    if (last) {
      out.push_back(std::string(most) + "…");
      return out;
    }
    const std::size_t cut = line_end(text, most.size());
    out.emplace_back(text.substr(0, cut));
    text.remove_prefix(cut + (cut < text.size() && text[cut] == ' ' ? 1 : 0));
  }
  out.emplace_back(text);
  return out;
}

PlacedBox box_of_text(const Chart& chart, std::size_t index) {
  const ChartBox& box = chart.boxes[index];
  switch (box.kind) {
    case BoxKind::Word:
      return word_box(box, index);
    case BoxKind::Idea:
      return idea_box(chart, box, index);
    case BoxKind::Answer:
      return answer_box(chart, box, index);
    case BoxKind::Unexplained: {
      PlacedBox out = sized(index, kIdeaWidth, 52.0);
      out.name = {"not explained"};
      out.where = where_text(chart, box);
      return out;
    }
  }
  return {};
}

}  // namespace cajal
