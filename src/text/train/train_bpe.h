// Trains a byte-level BPE tokenizer whose tokens are chosen for a microscope.
//
// What is said as an answer is one token, what must be looked up is spelled in pieces, and a number
// is always the same token. The result is a tokenizer.json that Hugging Face tokenizers reads, too:
// a piece of text that is in the vocabulary is one token ("ignore_merges"), so chosen words need no
// merges of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "text/added_tokens.h"
#include "text/pattern.h"
#include "text/train/learn_merges.h"

namespace cajal {

struct BpeRecipe {
  std::size_t vocab = 3000;
  /// Ids 0, 1, 2, ...; printable ASCII without spaces. Matched in the text before it is cut.
  std::vector<std::string> special = {"<pad>", "<bos>", "<eos>", "Human:", "Assistant:"};
  std::string bos = "<bos>";  // what encode() puts before a text; empty: nothing
  /// Words that are one token each, with a space before them and without, whichever the text has.
  /// Written with a leading space: only so.
  std::vector<std::string> whole;
  /// Words that are never one token (but `whole` counts more); see words_to_spell.
  std::vector<std::string> spelled;
  std::int64_t min_count = 2;  // of a pair that is joined
  std::size_t min_names = 2;   // of `spelled` words that share a piece which no other word has
};

/// Special tokens, the 256 bytes, numbers, `whole` words, then what merges give.
struct TrainedBpe {
  std::vector<std::string> special;
  PieceTable pieces;  // by id; of the special tokens their text
  std::vector<PiecePair> merges;
  std::string bos;
  std::string pattern;  // that cuts the text
};

/// 00 to 99 and 100 to 199; one digit is a byte. A longer number is cut into pairs from its left,
/// so that a year is two tokens.
std::vector<std::string> number_tokens();

/// The regular expression that cuts text into words: letters with a space before them, numbers,
/// each newline, each Han character or kana, runs of other signs, other white space. Runs of
/// letters are possessive: a word of any length needs no stack. `together` are words of several Han
/// characters that are not cut.
std::string word_pattern(std::vector<std::string> together = {});

/// Whether text is never cut inside `word`, so that it may be a `whole` one.
bool is_one_word(std::string_view word);

/// The words of names that are to be looked up: names of one word, and those words of longer names
/// that fewer than three names have. "San" of many cities needs no spelling: it says little.
std::vector<std::string> words_to_spell(const std::vector<std::string>& names);

/// Counts the words of a text that comes in parts. Every part is cut for itself.
class BpeTrainer {
 public:
  /// Throws InvalidArgument for special tokens, or whole words, that cannot be tokens.
  explicit BpeTrainer(BpeRecipe recipe);

  /// Throws InvalidArgument if the text is not valid UTF-8.
  void add(std::string_view text);
  /// Words counted so far, each once.
  std::size_t words() const noexcept { return counts_.size(); }
  /// The same whatever the order of the parts. Throws InvalidArgument if the vocabulary is too
  /// small for what must be in it, saying how much that is, or if no text was added.
  TrainedBpe train() const;

 private:
  void add_required(PieceTable& pieces) const;
  void add_whole(const std::string& word, PieceTable& pieces) const;
  std::vector<CountedWord> counted_words(const PieceTable& pieces) const;

  BpeRecipe recipe_;
  std::string text_pattern_;
  Pattern pattern_;
  AddedTokens special_;
  std::map<std::string, std::int64_t, std::less<>> counts_;
};

/// The file's contents.
Json to_tokenizer_json(const TrainedBpe& bpe);

}  // namespace cajal
