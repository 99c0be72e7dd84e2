// Words that rhyme, and what a couplet says that ends in one of them.
//
// The end of line 1 chooses a family of rhymes, its beginning a theme, and the two together one
// word. Line 2 begins and goes on in ways that belong to that word alone ("Purring by the fire sat
// a furry cat"), so that whoever writes it must have chosen the word at the line break.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/world/task.h"

namespace cajal {

/// What one family of rhymes or one theme has: endings or beginnings of line 1.
struct LineParts {
  std::string name;
  std::vector<std::string> texts;
};

struct RhymeWord {
  std::size_t family = 0;
  std::size_t theme = 0;
  std::string word;
  std::vector<std::string> beginnings;  // of line 2: "Purring by the fire"
  std::vector<std::string> middles;     // "sat a furry"
};

/// Line 1 by its parts, and the word that it asks for.
struct Couplet {
  std::size_t word = 0;
  std::size_t beginning = 0;
  std::size_t ending = 0;
};

class CoupletFacts {
 public:
  /// Throws CorruptData naming table and line: a word or first word that is there twice, a family
  /// with two words for a theme, a name without parts.
  explicit CoupletFacts(const Tables& tables);

  const std::vector<LineParts>& families() const noexcept { return families_; }
  const std::vector<LineParts>& themes() const noexcept { return themes_; }
  const std::vector<RhymeWord>& words() const noexcept { return words_; }

  const std::string& beginning(const Couplet& couplet) const {
    return themes_[words_[couplet.word].theme].texts[couplet.beginning];
  }
  const std::string& ending(const Couplet& couplet) const {
    return families_[words_[couplet.word].family].texts[couplet.ending];
  }
  /// "We walked around the zoo, and there we sat"
  std::string first_line(const Couplet& couplet) const;
  /// A sixth of the first lines.
  bool is_held_out(const Couplet& couplet) const;
  /// Every couplet, word by word.
  std::vector<Couplet> couplets() const;
  /// The word that the text ends in.
  std::optional<std::size_t> last_word(std::string_view line) const;
  /// Whether the line is one that belongs to its last word, begin and middle.
  bool agrees(std::string_view line) const;
  std::size_t longest_line() const noexcept { return longest_; }

 private:
  void load_words(const Tables& tables);

  std::vector<LineParts> families_;
  std::vector<LineParts> themes_;
  std::vector<RhymeWord> words_;
  std::size_t longest_ = 0;  // of second lines, in bytes
};

/// The first line of a continuation, without the full stop.
std::string_view second_line(std::string_view continuation);

}  // namespace cajal
