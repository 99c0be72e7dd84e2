#include "text/models/unigram.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

struct Node {  // the best way to end at some byte
  double score = 0;
  std::uint32_t begin = 0;  // of its last piece
  TokenId id = 0;
  bool reached = false;

  void offer(double candidate, std::size_t from, TokenId piece) noexcept {
    if (!reached || candidate > score) {
      *this = {candidate, static_cast<std::uint32_t>(from), piece, true};
    }
  }
};

}  // namespace

void UnigramLattice::add(std::string_view piece, TokenId id, double score) {
  const auto index = static_cast<std::size_t>(id);
  if (scores_.size() <= index) {
    scores_.resize(index + 1);
  }
  scores_[index] = score;
  trie_.add(piece, id);
}

std::vector<UnigramStep> UnigramLattice::best_path(std::string_view text) const {
  std::vector<Node> nodes(text.size() + 1);
  nodes[0].reached = true;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t character = decode_utf8(text.substr(i)).length;
    const double before = nodes[i].score;
    bool covered = false;
    trie_.prefixes(text.substr(i), [&](std::size_t length, TokenId id) {
      nodes[i + length].offer(before + scores_[static_cast<std::size_t>(id)], i, id);
      covered = covered || length == character;
    });
    if (!covered) {
      nodes[i + character].offer(before + unknown_score_, i, -1);
    }
    i += character;
  }
  std::vector<UnigramStep> path;
  for (std::size_t end = text.size(); end > 0; end = nodes[end].begin) {
    path.push_back({nodes[end].id, {nodes[end].begin, end}});
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Unigram::Unigram(Vocabulary vocabulary, const std::vector<double>& scores, UnigramOptions options)
    : vocabulary_(std::move(vocabulary)), options_(options) {
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    lattice_.add(vocabulary_.piece(id), id, scores[i]);
    lowest = std::min(lowest, scores[i]);
  }
  lattice_.set_unknown_score(lowest - kUnknownPenalty);
  if (options_.byte_fallback) {
    for (int byte = 0; byte < 256; ++byte) {
      fallback_ids_.push_back(vocabulary_.id_of(fmt::format("<0x{:02X}>", byte)).value_or(-1));
    }
  }
}

void Unigram::tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const {
  const std::string_view view = text.substr(piece.begin, piece.size());
  std::optional<ByteRange> unknown;  // neighbours that no piece covers are one token
  for (const UnigramStep& step : lattice_.best_path(view)) {
    const ByteRange at{piece.begin + step.range.begin, piece.begin + step.range.end};
    if (step.id < 0 || step.id == options_.unknown) {
      unknown = ByteRange{unknown ? unknown->begin : at.begin, at.end};
      continue;
    }
    if (unknown) {
      add_unknown(text, *std::exchange(unknown, std::nullopt), out);
    }
    out.push_back({step.id, at, false});
  }
  if (unknown) {
    add_unknown(text, *unknown, out);
  }
}

void Unigram::add_unknown(std::string_view text, ByteRange at, std::vector<ModelToken>& out) const {
  const std::string_view view = text.substr(at.begin, at.size());
  if (const auto id = vocabulary_.id_of(view)) {  // joined, they can be a piece with a low score
    out.push_back({*id, at, false});
    return;
  }
  const bool bytes = options_.byte_fallback && std::all_of(view.begin(), view.end(), [&](char c) {
                       return fallback_ids_[static_cast<unsigned char>(c)] >= 0;
                     });
  if (bytes) {
    for (const char c : view) {
      out.push_back({fallback_ids_[static_cast<unsigned char>(c)], at, false});
    }
    return;
  }
  if (!options_.unknown) {
    fail(ErrorCode::InvalidArgument,
         "the text '{}' is not in the vocabulary, and the tokenizer has no token for the unknown",
         view.substr(0, 40));
  }
  out.push_back({*options_.unknown, at, true});
}

}  // namespace cajal
