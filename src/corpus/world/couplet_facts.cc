#include "corpus/world/couplet_facts.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace cajal {
namespace {

constexpr std::uint64_t kFolds = 6;
constexpr std::string_view kBetween = " / ";

std::vector<LineParts> load_parts(const Table& table) {
  std::vector<LineParts> out;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string& name = table.at(row, 0);
    auto found =
        std::find_if(out.begin(), out.end(), [&](const LineParts& p) { return p.name == name; });
    if (found == out.end()) {
      out.push_back({.name = name, .texts = {}});
      found = out.end() - 1;
    }
    found->texts.push_back(table.at(row, 1));
  }
  return out;
}

std::size_t place_of(const std::vector<LineParts>& parts, const Table& table, std::size_t row,
                     std::size_t column) {
  const std::string& name = table.at(row, column);
  const auto found =
      std::find_if(parts.begin(), parts.end(), [&](const LineParts& p) { return p.name == name; });
  if (found == parts.end()) {
    table.fail_at(row, fmt::format("nothing is known of '{}'", name));
  }
  return static_cast<std::size_t>(found - parts.begin());
}

std::vector<std::string> split_choices(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(kBetween, at), text.size());
    out.emplace_back(text.substr(at, end - at));
    at = end + kBetween.size();
  }
  return out;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" ,"));
}

std::size_t longest_of(const std::vector<std::string>& texts) {
  std::size_t out = 0;
  for (const std::string& text : texts) {
    out = std::max(out, text.size());
  }
  return out;
}

}  // namespace

CoupletFacts::CoupletFacts(const Tables& tables)
    : families_(load_parts(tables.table("couplet_rhymes", {"family", "ending"}))),
      themes_(load_parts(tables.table("couplet_themes", {"theme", "beginning"}))) {
  load_words(tables);
}

void CoupletFacts::load_words(const Tables& tables) {
  const Table table =
      tables.table("couplet_words", {"family", "theme", "word", "beginnings", "middles"});
  std::set<std::string, std::less<>> seen;
  std::set<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    RhymeWord word{.family = place_of(families_, table, row, 0),
                   .theme = place_of(themes_, table, row, 1),
                   .word = table.at(row, 2),
                   .beginnings = split_choices(table.at(row, 3)),
                   .middles = split_choices(table.at(row, 4))};
    if (!places.emplace(word.family, word.theme).second) {
      table.fail_at(row, fmt::format("family '{}' has two words of theme '{}'", table.at(row, 0),
                                     table.at(row, 1)));
    }
    bool fresh = seen.insert(word.word).second;
    for (const std::string& text : word.beginnings) {
      fresh = seen.emplace(first_word(text)).second && fresh;
    }
    if (!fresh) {
      table.fail_at(row, "the word, or the first word of a beginning, is there twice");
    }
    longest_ = std::max(
        longest_, longest_of(word.beginnings) + longest_of(word.middles) + word.word.size() + 2);
    words_.push_back(std::move(word));
  }
}

std::string CoupletFacts::first_line(const Couplet& couplet) const {
  return fmt::format("{}, {}", beginning(couplet), ending(couplet));
}

bool CoupletFacts::is_held_out(const Couplet& couplet) const {
  return held_out_fold(first_line(couplet), kFolds) == 0;
}

std::vector<Couplet> CoupletFacts::couplets() const {
  std::vector<Couplet> out;
  for (std::size_t w = 0; w < words_.size(); ++w) {
    for (std::size_t b = 0; b < themes_[words_[w].theme].texts.size(); ++b) {
      for (std::size_t e = 0; e < families_[words_[w].family].texts.size(); ++e) {
        out.push_back({.word = w, .beginning = b, .ending = e});
      }
    }
  }
  return out;
}

std::optional<std::size_t> CoupletFacts::last_word(std::string_view line) const {
  const std::size_t space = line.find_last_of(' ');
  const std::string_view last = space == std::string_view::npos ? line : line.substr(space + 1);
  for (std::size_t w = 0; w < words_.size(); ++w) {
    if (words_[w].word == last) {
      return w;
    }
  }
  return std::nullopt;
}

bool CoupletFacts::agrees(std::string_view line) const {
  const std::optional<std::size_t> found = last_word(line);
  if (!found) {
    return false;
  }
  const RhymeWord& word = words_[*found];
  const bool begins =
      std::any_of(word.beginnings.begin(), word.beginnings.end(),
                  [&](const std::string& text) { return first_word(text) == first_word(line); });
  return begins &&
         std::any_of(word.middles.begin(), word.middles.end(), [&](const std::string& text) {
           return line.ends_with(fmt::format(" {} {}", text, word.word));
         });
}

std::string_view second_line(std::string_view continuation) {
  const std::size_t begin = std::min(continuation.find_first_not_of(' '), continuation.size());
  const std::string_view text = continuation.substr(begin);
  return text.substr(0, text.find_first_of(".\n"));
}

}  // namespace cajal
