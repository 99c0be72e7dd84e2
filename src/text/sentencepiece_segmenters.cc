#include "text/sentencepiece_segmenters.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "text/models/bpe.h"
#include "text/models/unigram.h"
#include "text/score_merges.h"
#include "text/vocabulary.h"

namespace cajal {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

bool is_text_piece(PieceType type) noexcept {
  return type == PieceType::Normal || type == PieceType::UserDefined || type == PieceType::Unused;
}

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

}  // namespace

std::unique_ptr<const Segmenter> make_segmenter(const SentencePieceModel& model) {
  if (model.algorithm == SentencePieceModel::Algorithm::Bpe) {
    return std::make_unique<const BpeSegmenter>(model);
  }
  return std::make_unique<const UnigramSegmenter>(model);
}

}  // namespace cajal
