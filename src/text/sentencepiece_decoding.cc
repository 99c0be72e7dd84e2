#include "text/sentencepiece_decoding.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/byte_run.h"
#include "text/byte_token.h"

namespace cajal {
namespace {

class SentencePieceDecoding : public Decoding {
 public:
  SentencePieceDecoding(const SentencePieceModel& model, SkipSpecial skip)
      : model_(model), skip_(skip) {}

  void push(TokenId id, std::string& out) override {
    if (id < 0 || static_cast<std::size_t>(id) >= model_.pieces.size()) {
      return;
    }
    const auto& piece = model_.pieces[static_cast<std::size_t>(id)];
    const std::size_t before = out.size();
    if (piece.type == PieceType::Byte) {
      bytes_ += static_cast<char>(byte_of_token(piece.text).value_or('?'));
      show_bytes(out, false);
    } else {
      show_bytes(out, true);
      at_start_ = at_start_ && !space_seen_ && !any_shown_ && out.size() == before;
      show_piece(piece, out);
    }
    any_shown_ = any_shown_ || out.size() > before;
  }
  void finish(std::string& out) override { show_bytes(out, true); }

 private:
  void show_piece(const SentencePieceModel::Piece& piece, std::string& out) {
    space_seen_ = false;
    if (piece.type == PieceType::Control) {
      out += skip_ == SkipSpecial::Yes ? std::string_view() : piece.text;
      return;
    }
    if (piece.type == PieceType::Unknown) {
      out += model_.unknown_surface;
      return;
    }
    std::string_view text = piece.text;
    const bool drops = model_.add_dummy_prefix || model_.remove_extra_spaces;
    if (at_start_ && drops && text.starts_with(kSentencePieceSpace)) {
      text.remove_prefix(kSentencePieceSpace.size());
      space_seen_ = !model_.remove_extra_spaces;  // else all leading spaces go
    }
    out += with_spaces(text);
  }

  /// A byte that is part of no character becomes one U+FFFD.
  void show_bytes(std::string& out, bool last) {
    while (!bytes_.empty() && (last || !could_become_character(bytes_))) {
      const CodePoint c = decode_utf8(bytes_);
      append_utf8(out, c.value);
      bytes_.erase(0, c.valid ? c.length : 1);
    }
  }

  const SentencePieceModel& model_;
  SkipSpecial skip_;
  std::string bytes_;  // not shown yet
  bool at_start_ = true;
  bool space_seen_ = false;  // the piece before dropped its space
  bool any_shown_ = false;
};

}  // namespace

std::string with_spaces(std::string_view piece) {
  std::string out;
  while (!piece.empty()) {
    const std::size_t at = std::min(piece.size(), piece.find(kSentencePieceSpace));
    out += piece.substr(0, at);
    piece.remove_prefix(at);
    if (!piece.empty()) {
      out += ' ';
      piece.remove_prefix(kSentencePieceSpace.size());
    }
  }
  return out;
}

std::unique_ptr<Decoding> start_sentencepiece_decoding(const SentencePieceModel& model,
                                                       SkipSpecial skip) {
  return std::make_unique<SentencePieceDecoding>(model, skip);
}

}  // namespace cajal
