#include "explain/chart/chart_words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/split.h"
#include "base/utf8.h"
#include "explain/words.h"

namespace cajal {
namespace {

constexpr std::string_view kMinus = "\u2212";
constexpr std::size_t kRunsShown = 2;

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFFFE || c == 0xFFFF;
}

/// The words of the prompt at these positions, neighbours as one.
std::vector<std::string> texts_at(const Chart& chart, const std::vector<std::uint32_t>& positions) {
  std::vector<std::string> tokens;
  for (const ChartToken& token : chart.tokens) {
    tokens.push_back(token.text);
  }
  std::vector<std::string> out;
  std::string run;
  for (const PromptWord& word : words_of(tokens)) {
    const bool here = std::any_of(positions.begin(), positions.end(), [&](std::uint32_t p) {
      return p >= word.first && p <= word.last;
    });
    for (std::uint32_t p = word.first; here && p <= word.last; ++p) {
      run += tokens[p];
    }
    if (!here && !run.empty()) {
      out.push_back(bare_token(std::exchange(run, {})));
    }
  }
  if (!run.empty()) {
    out.push_back(bare_token(run));
  }
  return out;
}

std::string token_at(const Chart& chart, std::uint32_t position) {
  return position < chart.tokens.size() ? quoted_token(bare_token(chart.tokens[position].text))
                                        : "?";
}

/// Unicode's East Asian Width W and F, in the blocks that matter.
bool is_wide(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 10> kWide = {{{0x1100, 0x115F},
                                                                    {0x2E80, 0x303E},
                                                                    {0x3041, 0xA4CF},
                                                                    {0xAC00, 0xD7A3},
                                                                    {0xF900, 0xFAFF},
                                                                    {0xFE30, 0xFE6F},
                                                                    {0xFF00, 0xFF60},
                                                                    {0xFFE0, 0xFFE6},
                                                                    {0x1F300, 0x1FAFF},
                                                                    {0x20000, 0x3FFFD}}};
  return std::any_of(kWide.begin(), kWide.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

bool is_mark(char32_t c) {
  return (c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F);
}

std::size_t columns_of(char32_t c) {
  return is_mark(c) ? 0 : is_wide(c) ? 2 : 1;
}

}  // namespace

std::string percent_text(double share) {
  const double percent = 100.0 * std::abs(share);
  if (!std::isfinite(percent)) {
    return "?";
  }
  const std::string digits = percent >= 0.95   ? fmt::format("{:.0f}", percent)
                             : percent >= 0.05 ? fmt::format("{:.1f}", percent)
                                               : "0";
  return fmt::format("{}{} %", share < 0.0 && digits != "0" ? kMinus : "", digits);
}

std::string signed_text(double logits) {
  if (!std::isfinite(logits)) {
    return "?";
  }
  const double size = std::abs(logits);
  const std::string digits = size >= 0.995 || size < 0.0005 ? fmt::format("{:.1f}", size)
                             : size >= 0.0995               ? fmt::format("{:.2f}", size)
                                                            : fmt::format("{:.3f}", size);
  return fmt::format("{}{}", size < 0.0005 ? "" : logits < 0.0 ? kMinus : "+", digits);
}

std::string probability_text(double probability) {
  if (probability > 0.0 && probability < 0.001) {
    return "<0.001";
  }
  return probability < 0.0995 && probability > 0.0 ? fmt::format("{:.3f}", probability)
                                                   : fmt::format("{:.2f}", probability);
}

std::string residual_text(double residual) {
  if (!(residual > 0.0) || !std::isfinite(residual)) {
    return "0";
  }
  auto power = static_cast<int>(std::floor(std::log10(residual)));
  double digit = std::round(residual / std::pow(10.0, power));
  if (digit >= 10.0) {
    digit = 1.0;
    ++power;
  }
  return fmt::format("{:.0f}e{}", digit, power);
}

std::string shown_token(std::string_view text) {
  std::string out;
  for (const char32_t c : to_utf32(text)) {
    if (c == '\n') {
      out += "↵";
    } else if (c == '\t') {
      out += "⇥";
    } else {
      append_utf8(out, is_control(c) ? kReplacement : c);
    }
  }
  return out;
}

std::string quoted_token(std::string_view text) {
  return fmt::format("“{}”", shown_token(text));
}

std::string bare_token(std::string_view text) {
  const std::string_view inside = trimmed(text);
  if (!inside.empty()) {
    return shown_token(inside);
  }
  const std::string shown = shown_token(text);
  const std::string_view marks = trimmed(shown);
  return marks.empty() ? "␣" : std::string(marks);
}

std::string layers_text(const ChartBox& box) {
  return box.first_layer == box.last_layer
             ? fmt::format("layer {}", box.first_layer)
             : fmt::format("layers {}–{}", box.first_layer, box.last_layer);
}

std::string positions_text(const Chart& chart, const ChartBox& box) {
  const std::vector<std::string> texts = texts_at(chart, box.positions);
  std::string out;
  for (std::size_t i = 0; i < std::min(texts.size(), kRunsShown); ++i) {
    out += (i == 0 ? "at " : ", ") + quoted_token(texts[i]);
  }
  return texts.size() > kRunsShown ? out + ", …" : out;
}

std::string where_text(const Chart& chart, const ChartBox& box) {
  switch (box.kind) {
    case BoxKind::Word:
      return fmt::format("{} of the answer", percent_text(box.share));
    case BoxKind::Idea: {
      const std::string at = positions_text(chart, box);
      return layers_text(box) + (at.empty() ? "" : " · " + at);
    }
    case BoxKind::Answer:
      return fmt::format("probability {}", probability_text(chart.answer_probability));
    case BoxKind::Unexplained:
      return fmt::format("{} of the answer", percent_text(chart.unexplained));
  }
  return {};
}

std::string name_text(const ChartBox& box) {
  const std::string label = bare_token(box.label);
  return box.kind == BoxKind::Answer ? quoted_token(label)
         : box.apart.empty()         ? label
                                     : label + ", " + shown_token(box.apart);
}

std::string short_name(const ChartBox& box, std::size_t columns) {
  constexpr std::size_t kLeast = 6;  // columns that are left of a label
  const std::string whole = name_text(box);
  const std::string apart = box.apart.empty() ? "" : ", " + shown_token(box.apart);
  const std::size_t taken = terminal_width(apart);
  return terminal_width(whole) <= columns || apart.empty() || taken + kLeast > columns
             ? cut_to_width(whole, columns)
             : cut_to_width(bare_token(box.label), columns - taken) + apart;
}

std::string route_text(const Chart& chart, const ChartRoute& route) {
  std::string out;
  const ChartBox* before = nullptr;
  for (const std::string& id : route.boxes) {
    const ChartBox* box = chart.box(id);
    if (box == nullptr || box->kind == BoxKind::Answer) {
      continue;
    }
    const bool beside =
        before != nullptr && before->kind == BoxKind::Word && box->kind == BoxKind::Word;
    out += (out.empty() ? "" : beside ? ", " : " → ") + name_text(*box);
    before = box;
  }
  return out;
}

std::string verdict_text(const TriedClaim& claim) {
  if (claim.held()) {
    return "held";
  }
  std::string why;
  const auto add = [&why](bool right, const char* what) {
    if (!right) {
      why += (why.empty() ? "" : ", ") + std::string(what);
    }
  };
  add(claim.sign, "wrong sign");
  add(claim.size, "another size");
  add(claim.beyond, "no more than random groups do");
  return "did not hold: " + why;
}

std::string member_text(const Chart& chart, const ChartMember& member) {
  return fmt::format("{}:{} at {}", member.layer, member.feature, token_at(chart, member.position));
}

std::string head_text(const Chart& chart, const ChartHead& head) {
  return fmt::format("head {}.{}, {} reads {}", head.layer, head.head, token_at(chart, head.to),
                     token_at(chart, head.from));
}

std::size_t terminal_width(std::string_view text) noexcept {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text.substr(at));
    out += columns_of(c.value);
    at += c.length;
  }
  return out;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  if (terminal_width(text) <= columns) {
    return std::string(text);
  }
  std::size_t width = 1;  // of …
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text.substr(at));
    width += columns_of(c.value);
    if (width > columns) {
      break;
    }
    at += c.length;
  }
  return columns == 0 ? "" : std::string(text.substr(0, at)) + "…";
}

}  // namespace cajal
