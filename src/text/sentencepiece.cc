#include "text/sentencepiece.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_run.h"
#include "text/byte_token.h"
#include "text/models/bpe.h"
#include "text/models/unigram.h"
#include "text/score_merges.h"
#include "text/sentencepiece_normalizer.h"
#include "text/vocabulary.h"

namespace cajal {
namespace {

constexpr std::string_view kSpace = "\u2581";
constexpr double kUnknownPenalty = 10.0;
constexpr double kNever = -std::numeric_limits<double>::infinity();

bool is_text_piece(PieceType type) noexcept {
  return type == PieceType::Normal || type == PieceType::UserDefined || type == PieceType::Unused;
}

std::string with_spaces(std::string_view piece) {
  std::string out;
  while (!piece.empty()) {
    const std::size_t at = std::min(piece.size(), piece.find(kSpace));
    out += piece.substr(0, at);
    piece.remove_prefix(at);
    if (!piece.empty()) {
      out += ' ';
      piece.remove_prefix(kSpace.size());
    }
  }
  return out;
}

/// A segment of the normalised text; `id` is negative for a character that no piece covers.
struct Segment {
  TokenId id = 0;
  ByteRange range;
};

class Segmenter {
 public:
  Segmenter() = default;
  Segmenter(const Segmenter&) = delete;
  Segmenter& operator=(const Segmenter&) = delete;
  virtual ~Segmenter() = default;
  virtual void segment(std::string_view text, ByteRange range, std::vector<Segment>& out) const = 0;
};

/// Characters that are no pieces themselves can still be parts of one, so they have ids behind
/// those of the vocabulary.
class BpeSegmenter : public Segmenter {
 public:
  explicit BpeSegmenter(const SentencePieceModel& model)
      : pieces_(static_cast<TokenId>(model.pieces.size())), bpe_(make(model)) {}

  void segment(std::string_view text, ByteRange range, std::vector<Segment>& out) const override {
    std::vector<ModelToken> tokens;
    bpe_->tokens(text, range, tokens);
    for (const ModelToken& token : tokens) {
      out.push_back({token.id < pieces_ ? token.id : -1, token.range});
    }
  }

 private:
  static std::unique_ptr<const Bpe> make(const SentencePieceModel& model) {
    Vocabulary vocabulary;
    std::vector<double> scores(model.pieces.size(), kNever);
    for (std::size_t i = 0; i < model.pieces.size(); ++i) {
      const auto& piece = model.pieces[i];
      if (is_text_piece(piece.type)) {
        vocabulary.add(piece.text, static_cast<TokenId>(i));
        scores[i] = piece.score;
      }
    }
    auto next = static_cast<TokenId>(model.pieces.size());
    BpeOptions options;
    options.unknown = next;
    vocabulary.add("", next++);
    for (const auto& piece : model.pieces) {
      for (std::size_t at = 0; is_text_piece(piece.type) && at < piece.text.size();) {
        const std::size_t length = decode_utf8(std::string_view(piece.text).substr(at)).length;
        const std::string_view character = std::string_view(piece.text).substr(at, length);
        if (!vocabulary.id_of(character)) {
          vocabulary.add(character, next++);
        }
        at += length;
      }
    }
    std::vector<BpeMerge> merges = merges_by_score(vocabulary, scores);
    return std::make_unique<const Bpe>(std::move(vocabulary), merges, std::move(options));
  }

  TokenId pieces_;
  std::unique_ptr<const Bpe> bpe_;
};

class UnigramSegmenter : public Segmenter {
 public:
  explicit UnigramSegmenter(const SentencePieceModel& model) {
    double lowest = std::numeric_limits<double>::infinity();
    double highest = -lowest;
    for (const auto& piece : model.pieces) {
      if (piece.type == PieceType::Normal) {
        lowest = std::min(lowest, piece.score);
        highest = std::max(highest, piece.score);
      }
    }
    for (std::size_t i = 0; i < model.pieces.size(); ++i) {
      const auto& piece = model.pieces[i];
      if (piece.type == PieceType::Normal) {
        lattice_.add(piece.text, static_cast<TokenId>(i), piece.score);
      } else if (piece.type == PieceType::UserDefined) {  // a bonus, so that it is always taken
        const double score = static_cast<double>(piece.text.size()) * highest - 0.1;
        lattice_.add(piece.text, static_cast<TokenId>(i), score);
      }
    }
    lattice_.set_unknown_score(lowest - kUnknownPenalty);
  }

  void segment(std::string_view text, ByteRange range, std::vector<Segment>& out) const override {
    for (const UnigramStep& step : lattice_.best_path(text.substr(range.begin, range.size()))) {
      out.push_back({step.id, {range.begin + step.range.begin, range.begin + step.range.end}});
    }
  }

 private:
  UnigramLattice lattice_;
};

/// What SentencePieceProcessor::Decode does, token by token.
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
    if (at_start_ && drops && text.starts_with(kSpace)) {
      text.remove_prefix(kSpace.size());
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

class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(SentencePieceModel model, AddedEnds ends, std::string_view where)
      : model_(std::move(model)), ends_(ends), normalizer_(model_, where), where_(where) {
    if (model_.algorithm == SentencePieceModel::Algorithm::Bpe) {
      segmenter_ = std::make_unique<const BpeSegmenter>(model_);
    } else {
      segmenter_ = std::make_unique<const UnigramSegmenter>(model_);
    }
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
    return std::make_unique<SentencePieceDecoding>(model_, skip);
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
