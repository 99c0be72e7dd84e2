#include "text/sentencepiece.h"

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_token.h"
#include "text/sentencepiece_decoding.h"
#include "text/sentencepiece_normalizer.h"
#include "text/sentencepiece_segmenters.h"
#include "text/vocabulary.h"

namespace cajal {
namespace {

class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(SentencePieceModel model, AddedEnds ends, std::string_view where)
      : model_(std::move(model)),
        ends_(ends),
        normalizer_(model_, where),
        where_(where),
        segmenter_(make_segmenter(model_)) {
    byte_ids_.fill(-1);
    for (std::size_t i = 0; i < model_.pieces.size(); ++i) {
      index_piece(static_cast<TokenId>(i));
    }
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    Encoding out;
    const auto add = [&](TokenId id, std::string_view piece, TokenSpan span) {
      out.ids.push_back(id);
      out.pieces.emplace_back(piece);
      out.offsets.push_back(span);
    };
    const auto extend = [&](std::string_view piece, std::size_t end) {
      out.pieces.back() += piece;
      out.offsets.back().end = end;
    };
    const bool special = options.add_special_tokens;
    if (special && ends_.bos && model_.bos) {
      add(*model_.bos, piece(*model_.bos), {});
    }
    for_each_token(text, add, extend);
    if (special && ends_.eos && model_.eos) {
      add(*model_.eos, piece(*model_.eos), {});
    }
    return out;
  }

  std::vector<TokenId> encode_ids(std::string_view text,
                                  const EncodeOptions& options) const override {
    std::vector<TokenId> out;
    if (options.add_special_tokens && ends_.bos && model_.bos) {
      out.push_back(*model_.bos);
    }
    for_each_token(
        text, [&](TokenId id, std::string_view, TokenSpan) { out.push_back(id); },
        [](std::string_view, std::size_t) {});
    if (options.add_special_tokens && ends_.eos && model_.eos) {
      out.push_back(*model_.eos);
    }
    return out;
  }

  std::unique_ptr<Decoding> start_decoding(SkipSpecial skip, Show) const override {
    return start_sentencepiece_decoding(model_, skip);
  }
  std::string bytes_of(TokenId id) const override {
    if (!has(id)) {
      return {};
    }
    const auto& piece = model_.pieces[static_cast<std::size_t>(id)];
    const auto byte = byte_of_token(piece.text);
    return piece.type == PieceType::Byte && byte ? std::string(1, static_cast<char>(*byte))
                                                 : with_spaces(piece.text);
  }
  std::size_t vocab_size() const override { return model_.pieces.size(); }
  bool has(TokenId id) const override {
    return id >= 0 && static_cast<std::size_t>(id) < model_.pieces.size();
  }
  std::optional<TokenId> id_of(std::string_view piece) const override {
    return vocabulary_.id_of(piece);
  }
  std::string_view piece(TokenId id) const override {
    return has(id) ? std::string_view(model_.pieces[static_cast<std::size_t>(id)].text)
                   : std::string_view();
  }
  bool is_special(TokenId id) const override {
    return has(id) && model_.pieces[static_cast<std::size_t>(id)].type == PieceType::Control;
  }
  std::span<const AddedToken> added_tokens() const override { return added_; }
  std::optional<TokenId> bos_id() const override { return model_.bos; }
  std::optional<TokenId> eos_id() const override { return model_.eos; }
  std::string description() const override {
    const bool bpe = model_.algorithm == SentencePieceModel::Algorithm::Bpe;
    return fmt::format("SentencePiece {}, {} tokens, {}", bpe ? "BPE" : "Unigram",
                       model_.pieces.size(), where_);
  }

 private:
  void index_piece(TokenId id) {
    const auto& piece = model_.pieces[static_cast<std::size_t>(id)];
    vocabulary_.add(piece.text, id);
    const auto byte = byte_of_token(piece.text);
    if (piece.type == PieceType::Byte && byte) {
      byte_ids_[*byte] = id;
    } else if (piece.type == PieceType::Unknown) {
      unknown_ = id;
    } else if (piece.type == PieceType::Control || piece.type == PieceType::UserDefined) {
      AddedToken token;
      token.id = id;
      token.content = piece.text;
      token.special = piece.type == PieceType::Control;
      added_.push_back(std::move(token));
    }
  }

  std::vector<Segment> segments(std::string_view text) const {
    std::vector<Segment> out;
    std::size_t begin = 0;  // of what is not segmented yet
    std::size_t i = 0;
    while (i < text.size()) {
      const ByteTrie::Match match = normalizer_.user_defined(text.substr(i));
      if (match.length == 0) {
        i += decode_utf8(text.substr(i)).length;
        continue;
      }
      if (begin < i) {
        segmenter_->segment(text, {begin, i}, out);
      }
      out.push_back({match.value, {i, i + match.length}});
      i += match.length;
      begin = i;
    }
    if (begin < text.size()) {
      segmenter_->segment(text, {begin, text.size()}, out);
    }
    return out;
  }

  /// add(id, piece, span) for each token; extend(piece, end) where an unknown one goes on.
  template <typename Add, typename Extend>
  void for_each_token(std::string_view text, const Add& add, const Extend& extend) const {
    check(text.size() < std::numeric_limits<std::uint32_t>::max() / 8,
          "a text of {} bytes is too long to encode at once; cut it", text.size());
    const NormalizedPieces normalized = normalizer_.apply(text);
    bool after_unknown = false;
    for (const Segment& segment : segments(normalized.text)) {
      const std::string_view view =
          std::string_view(normalized.text).substr(segment.range.begin, segment.range.size());
      const TokenSpan span{normalized.origin[segment.range.begin],
                           normalized.origin[segment.range.end]};
      const bool unknown = segment.id < 0;
      if (!unknown) {
        add(segment.id, piece(segment.id), span);
      } else if (model_.byte_fallback) {
        add_bytes(view, span, add);
      } else if (after_unknown) {
        extend(view, span.end);
      } else {
        add(unknown_, view, span);
      }
      after_unknown = unknown;
    }
  }

  template <typename Add>
  void add_bytes(std::string_view view, TokenSpan span, const Add& add) const {
    for (std::size_t i = 0; i < view.size(); ++i) {
      const TokenId id = byte_ids_[static_cast<unsigned char>(view[i])];
      const TokenSpan place = i + 1 == view.size() ? span : TokenSpan{span.begin, span.begin};
      add(id < 0 ? unknown_ : id, piece(id < 0 ? unknown_ : id), place);
    }
  }

  SentencePieceModel model_;
  AddedEnds ends_;
  SentencePieceNormalizer normalizer_;
  std::string where_;
  std::unique_ptr<const Segmenter> segmenter_;
  Vocabulary vocabulary_;
  std::array<TokenId, 256> byte_ids_{};
  TokenId unknown_ = 0;
  std::vector<AddedToken> added_;
};

}  // namespace

std::shared_ptr<const Tokenizer> make_sentencepiece_tokenizer(SentencePieceModel model,
                                                              AddedEnds ends,
                                                              std::string_view where) {
  return std::make_shared<const SentencePieceTokenizer>(std::move(model), ends, where);
}

}  // namespace cajal
