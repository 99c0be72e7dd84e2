#include "corpus/world/word_facts.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "corpus/world/whole_words.h"

namespace cajal {
namespace {

constexpr std::uint64_t kApartFolds = 3;
constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kLanguagesApart = {
    {{1, 2}, {1, 3}, {1, 4}, {2, 3}, {2, 4}, {3, 4}}};
constexpr std::string_view kOpen = "“";
constexpr std::string_view kClose = "”";
constexpr std::array<std::string_view, 4> kRelationNames = {"opposite", "opposite in", "synonym",
                                                            "translation"};

std::size_t language_at(const Table& table, std::size_t row, std::size_t column) {
  const std::size_t language = language_of(table.at(row, column));
  if (language == kLanguageCount) {
    table.fail_at(row, fmt::format("'{}' is none of en, fr, es, de, zh", table.at(row, column)));
  }
  return language;
}

bool replace_once(std::string& text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) {
    return false;
  }
  text.replace(at, from.size(), to);
  return true;
}

bool cut_end(std::string& text, std::string_view end) {
  if (!text.ends_with(end)) {
    return false;
  }
  text.resize(text.size() - end.size());
  return true;
}

/// A Chinese form for an answer in Latin letters: a space in place of the quotation marks.
MarkedForm for_latin_answer(MarkedForm form) {
  const bool double_quotes = cut_end(form.mark, kOpen);
  if (!double_quotes && !cut_end(form.mark, "「")) {
    return {};
  }
  replace_once(form.form, double_quotes ? "{mark}{answer}”" : "{mark}{answer}」",
               "{mark} {answer}");
  return form;
}

/// The reverse; an empty form if there are quotation marks already.
MarkedForm for_chinese_answer(MarkedForm form) {
  for (const std::string_view quote : {"\"", "«", "„"}) {
    if (form.form.find(quote) != std::string::npos || form.mark.find(quote) != std::string::npos) {
      return {};
    }
  }
  form.mark += fmt::format(" {}", kOpen);
  return replace_once(form.form, "{mark} {answer}", "{mark}{answer}”") ? form : MarkedForm{};
}

}  // namespace

std::size_t language_of(std::string_view code) noexcept {
  const auto* const found = std::find(kLanguages.begin(), kLanguages.end(), code);
  return static_cast<std::size_t>(found - kLanguages.begin());
}

WordFacts::WordFacts(const Tables& tables) {
  load_pairs(tables);
  load_synonyms(tables);
  load_forms(tables);
  for (std::size_t i = 0; i < 2 * pairs_.size(); ++i) {
    hold_translation_apart(i / 2, i % 2);
  }
  const Table names = tables.table("languages", {"language", "en", "fr", "es", "de", "zh"});
  for (std::size_t row = 0; row < names.rows(); ++row) {
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      names_[language_at(names, row, 0)][l] = names.at(row, l + 1);
    }
  }
}

void WordFacts::load_pairs(const Tables& tables) {
  const Table table = tables.table("opposites", {"en_a", "en_b", "fr_a", "fr_b", "es_a", "es_b",
                                                 "de_a", "de_b", "zh_a", "zh_b", "held_out"});
  std::array<std::set<std::string>, kLanguageCount> seen;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    OppositePair pair;
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      for (std::size_t side = 0; side < 2; ++side) {
        pair.words[l][side] = table.at(row, 2 * l + side);
        if (!seen[l].insert(pair.words[l][side]).second) {
          table.fail_at(row, fmt::format("'{}' is there twice", pair.words[l][side]));
        }
      }
    }
    if (table.at(row, 10) != "-") {
      pair.held_out = language_at(table, row, 10);
      held_out_.push_back({pair.words[pair.held_out][0], pair.words[pair.held_out][1]});
    }
    pairs_.push_back(std::move(pair));
  }
  if (held_out_.empty() || held_out_.size() == pairs_.size()) {
    table.fail_at(0, "some pairs must be held out, and not all");
  }
}

void WordFacts::hold_translation_apart(std::size_t pair, std::size_t side) {
  Word one{.pair = pair, .side = side, .language = kEnglish};
  Word other = one;
  const std::string& name = meaning(one);
  if (held_out_fold(name, kApartFolds) != 0) {
    return;
  }
  const auto& languages =
      kLanguagesApart[held_out_fold(name + " languages", kLanguagesApart.size())];
  one.language = languages.first;
  other.language = languages.second;
  // "public" is English and French: where it is held out, so would be what English must teach
  if (is_of_one_language(one) && is_of_one_language(other)) {
    apart_.emplace_back(one, other);
  }
}

bool WordFacts::is_of_one_language(Word word) const {
  for (std::size_t l = 0; l < kLanguageCount; ++l) {
    const Word other{.pair = word.pair, .side = word.side, .language = l};
    if (l != word.language && text(other) == text(word)) {
      return false;
    }
  }
  return true;
}

std::vector<std::vector<std::string>> WordFacts::held_out_translations() const {
  std::vector<std::vector<std::string>> out;
  for (const auto& [one, other] : apart_) {
    out.push_back({text(one), text(other)});
  }
  return out;
}

bool WordFacts::leaks(std::string_view text) const {
  return holds_any(text, held_out_) ||
         std::any_of(apart_.begin(), apart_.end(), [&](const TwoWords& two) {
           return holds_words(text, this->text(two.first)) &&
                  holds_words(text, this->text(two.second));
         });
}

void WordFacts::load_synonyms(const Tables& tables) {
  const Table table = tables.table("synonyms", {"meaning", "en", "fr", "es", "de", "zh"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    std::size_t found = 0;
    for (OppositePair& pair : pairs_) {
      for (std::size_t side = 0; side < 2; ++side) {
        if (pair.words[kEnglish][side] != table.at(row, 0)) {
          continue;
        }
        ++found;
        for (std::size_t l = 0; l < kLanguageCount; ++l) {
          pair.synonyms[l][side] = table.at(row, l + 1);
        }
      }
    }
    if (found != 1) {
      table.fail_at(row, fmt::format("'{}' is no word of world/opposites.tsv", table.at(row, 0)));
    }
  }
}

void WordFacts::load_forms(const Tables& tables) {
  const Table table = tables.table("word_forms", {"language", "relation", "form"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::size_t language = language_at(table, row, 0);
    const auto* const relation =
        std::find(kRelationNames.begin(), kRelationNames.end(), table.at(row, 1));
    if (relation == kRelationNames.end()) {
      table.fail_at(row, fmt::format("'{}' is no relation of words", table.at(row, 1)));
    }
    Form form{.own = parse_marked_form(table, row, 2, {"{a}", "{answer}"}), .other = {}};
    form.other = language == kChinese ? for_latin_answer(form.own) : for_chinese_answer(form.own);
    forms_[language][static_cast<std::size_t>(relation - kRelationNames.begin())].push_back(
        std::move(form));
  }
  for (std::size_t l = 0; l < kLanguageCount; ++l) {
    for (std::size_t r = 0; r < kRelations; ++r) {
      if (forms_[l][r].size() < 3) {
        table.fail_at(0, fmt::format("language {} has fewer than 3 forms of relation '{}'",
                                     kLanguages[l], kRelationNames[r]));
      }
    }
  }
}

const MarkedForm& WordFacts::form_of(const Saying& saying) const {
  const Form& form = forms_of(saying.frame, saying.relation)[saying.form];
  return (saying.frame == kChinese) == (saying.answer.language == kChinese) ? form.own : form.other;
}

bool WordFacts::can_say(const Saying& saying) const {
  if (saying.frame == kChinese) {
    return saying.word.language == kChinese && !form_of(saying).form.empty();
  }
  const bool quoted = forms_of(saying.frame, saying.relation)[saying.form].other.form.empty();
  return !quoted || (saying.word.language != kChinese && saying.answer.language != kChinese);
}

std::string WordFacts::fact_of(const Saying& saying) const {
  const std::string_view to = kLanguages[saying.answer.language];
  const std::string word =
      fmt::format("{} {}", kLanguages[saying.word.language], text(saying.word));
  switch (saying.relation) {
    case Relation::Opposite:
      return fmt::format("{}: opposite", word);
    case Relation::OppositeIn:
      return fmt::format("{}: opposite in {}", word, to);
    case Relation::Synonym:
      return fmt::format("{}: synonym", word);
    case Relation::Translation:
      return fmt::format("{}: {}", word, to);
  }
  return {};
}

std::vector<Slot> WordFacts::slots_of(const Saying& saying) const {
  const bool opposite =
      saying.relation == Relation::Opposite || saying.relation == Relation::OppositeIn;
  const std::string relation =
      opposite ? "opposite"
               : std::string(kRelationNames[static_cast<std::size_t>(saying.relation)]);
  const std::string from(kLanguages[saying.word.language]);
  const std::string to(kLanguages[saying.answer.language]);
  const bool quotes = saying.word.language == kChinese && saying.frame != kChinese;
  const bool synonym_said = saying.relation == Relation::Synonym;
  return {
      {.name = "a",
       .text = text(saying.word),
       .meanings = {{"meaning", meaning(saying.word)}, {"language", from}},
       .before = std::string(quotes ? kOpen : ""),
       .after = std::string(quotes ? kClose : "")},
      {.name = "language",
       .text = names_[saying.frame][saying.answer.language],
       .meanings = {{"language", to}}},
      {.name = "mark",
       .text = form_of(saying).mark,
       .meanings = {{"meaning", meaning(saying.answer)}, {"language", to}, {"relation", relation}}},
      {.name = "answer",
       .text = synonym_said ? synonym(saying.answer) : text(saying.answer),
       .meanings = {
           {"meaning", meaning(saying.answer)}, {"language", to}, {"fact", fact_of(saying)}}}};
}

void WordFacts::append_saying(Document& document, const Saying& saying) const {
  const std::size_t begin = document.text.size();
  const std::size_t spans = document.spans.size();
  append_form(document, form_of(saying).form, slots_of(saying));
  const auto mark =
      std::find_if(document.spans.begin() + static_cast<std::ptrdiff_t>(spans),
                   document.spans.end(), [](const Span& span) { return span.kind == "relation"; });
  if (mark != document.spans.end() && mark->begin > begin) {
    document.spans.push_back({.begin = begin,
                              .end = mark->begin,
                              .kind = "language",
                              .value = std::string(kLanguages[saying.frame])});
  }
}

Question WordFacts::question(const Saying& saying, std::string_view kind) const {
  Question out = question_of(form_of(saying).form, slots_of(saying), kind,
                             {"meaning", "language", "relation"});
  out.form = saying.form;
  // of the word that is asked about, what is hidden is the answer's alone
  const auto mark = std::find_if(out.hidden.begin(), out.hidden.end(),
                                 [](const Span& span) { return span.kind == "relation"; });
  const std::size_t begin = mark == out.hidden.end() ? 0 : mark->begin;
  std::erase_if(out.hidden, [begin](const Span& span) { return span.begin < begin; });
  return out;
}

std::vector<std::string> WordFacts::whole_words() const {
  std::vector<std::string> out;
  for (const OppositePair& pair : pairs_) {
    for (std::size_t l = 0; l < kLanguageCount; ++l) {
      for (const std::string& word : pair.words[l]) {
        out.push_back(l == kChinese ? word : " " + word);
      }
    }
  }
  return out;
}

}  // namespace cajal
