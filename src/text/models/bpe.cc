#include "text/models/bpe.h"

#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"
#include "text/byte_level.h"

namespace cajal {
namespace {

constexpr std::string_view kWordStart = "\u2581";

std::array<TokenId, 256> fallback_tokens(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) {
    out[byte] = vocabulary.id_of(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  return out;
}

Symbol symbol(TokenId id, std::size_t begin, std::size_t end) {
  return {id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
}

/// Whether a "▁" stands behind another character in `piece`.
bool crosses_word_start(std::string_view piece) {
  for (std::size_t at = piece.find(kWordStart, 1); at != std::string_view::npos;
       at = piece.find(kWordStart, at + 1)) {
    if (!piece.substr(0, at).ends_with(kWordStart)) {
      return true;
    }
  }
  return false;
}

/// Collects unknown characters until it is known how they end.
class Unknowns {
 public:
  Unknowns(const BpeOptions& options, std::vector<Symbol>& symbols)
      : options_(options), symbols_(symbols) {}
  void add(std::size_t begin, std::size_t end) {
    if (!options_.unknown) {
      return;
    }
    const bool joined = options_.fuse_unknown && open_ && symbols_.back().end == begin;
    if (joined) {
      symbols_.back().end = static_cast<std::uint32_t>(end);
    } else {
      symbols_.push_back(symbol(*options_.unknown, begin, end));
    }
    open_ = true;
  }
  void close() noexcept { open_ = false; }

 private:
  const BpeOptions& options_;
  std::vector<Symbol>& symbols_;
  bool open_ = false;  // the last symbol is an unknown one
};

}  // namespace

Bpe::Bpe(Vocabulary vocabulary, const std::vector<BpeMerge>& merges, BpeOptions options)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)) {
  merges_.reserve(merges.size());
  for (const BpeMerge& merge : merges) {
    merges_.add(merge.left, merge.right, {merge.rank, merge.result});
  }
  byte_ids_.fill(-1);
  if (options_.units == BpeUnits::Bytes) {
    index_bytes();
  } else {
    cut_before_words_ = find_word_borders();
  }
  fallback_ids_ = fallback_tokens(vocabulary_);
}

void Bpe::index_bytes() {
  const auto& alphabet = byte_level_alphabet();
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string piece;
    append_utf8(piece, alphabet[byte]);
    byte_ids_[byte] = vocabulary_.id_of(piece).value_or(-1);
  }
  if (!options_.ignore_merges) {
    return;
  }
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = vocabulary_.piece(id);
    if (vocabulary_.id_of(piece) == id) {
      if (const auto bytes = byte_level_bytes(piece)) {
        raw_.add(*bytes, id);
      }
    }
  }
}

/// With the pieces of SentencePiece, no token has a "▁" behind another character, so the words of
/// a text can be merged one by one, with a cache, and nothing changes.
bool Bpe::find_word_borders() const {
  if (options_.ignore_merges || !options_.continuing_prefix.empty() ||
      !options_.end_suffix.empty() || !vocabulary_.id_of(kWordStart)) {
    return false;
  }
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    if (crosses_word_start(vocabulary_.piece(static_cast<TokenId>(i)))) {
      return false;
    }
  }
  return true;
}

template <typename Visit>
void Bpe::for_each_word(std::string_view text, ByteRange piece, const Visit& visit) const {
  std::size_t begin = piece.begin;
  text = text.substr(0, piece.end);
  if (cut_before_words_) {
    std::size_t at = text.find(kWordStart, begin + 1);
    while (at != std::string_view::npos) {
      if (!text.substr(begin, at - begin).ends_with(kWordStart)) {
        visit(ByteRange{begin, at});
        begin = at;
      }
      at = text.find(kWordStart, at + kWordStart.size());
    }
  }
  visit(ByteRange{begin, piece.end});
}

void Bpe::tokens(std::string_view text, ByteRange piece, std::vector<ModelToken>& out) const {
  std::vector<Symbol> symbols;
  for_each_word(text, piece, [&](ByteRange word) {
    merge_piece(text.substr(word.begin, word.size()), symbols);
    for (const Symbol& s : symbols) {
      out.push_back({s.id, {word.begin + s.begin, word.begin + s.end}, false});
    }
  });
}

void Bpe::ids(std::string_view text, std::span<const ByteRange> pieces,
              std::vector<TokenId>& out) const {
  auto cache = caches_.take();
  std::vector<Symbol> scratch;
  for (const ByteRange piece : pieces) {
    for_each_word(text, piece, [&](ByteRange word) {
      piece_ids(text.substr(word.begin, word.size()), *cache, scratch, out);
    });
  }
  caches_.give_back(std::move(cache));
}

void Bpe::piece_ids(std::string_view piece, PieceCache& cache, std::vector<Symbol>& scratch,
                    std::vector<TokenId>& out) const {
  const bool keep = !piece.empty() && piece.size() <= PieceCache::kMostBytes;
  PieceCache::Entry* place = nullptr;
  if (keep) {
    const auto key = PieceCache::key_of(piece);
    place = &cache.place(key);
    if (place->key == key) {
      out.insert(out.end(), place->ids.begin(), place->ids.begin() + place->count);
      return;
    }
  }
  merge_piece(piece, scratch);
  const bool fits = keep && scratch.size() <= PieceCache::kMostIds;
  if (fits) {
    place->key = PieceCache::key_of(piece);
    place->count = 0;
  }
  for (const Symbol& s : scratch) {
    out.push_back(s.id);
    if (fits) {
      place->ids[place->count++] = s.id;
    }
  }
}

void Bpe::merge_piece(std::string_view piece, std::vector<Symbol>& symbols) const {
  symbols.clear();
  if (const auto id = whole_piece(piece)) {
    symbols.push_back(symbol(*id, 0, piece.size()));
    return;
  }
  if (options_.units == BpeUnits::Bytes) {
    split_bytes(piece, symbols);
  } else {
    split_characters(piece, symbols);
  }
  merges_.apply(symbols);
}

std::optional<TokenId> Bpe::whole_piece(std::string_view piece) const {
  if (!options_.ignore_merges) {
    return std::nullopt;
  }
  return options_.units == BpeUnits::Bytes ? raw_.id_of(piece) : vocabulary_.id_of(piece);
}

void Bpe::split_bytes(std::string_view piece, std::vector<Symbol>& symbols) const {
  Unknowns unknowns(options_, symbols);
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(piece[i])];
    if (id >= 0) {
      symbols.push_back(symbol(id, i, i + 1));
      unknowns.close();
    } else {
      unknowns.add(i, i + 1);
    }
  }
}

void Bpe::split_characters(std::string_view piece, std::vector<Symbol>& symbols) const {
  Unknowns unknowns(options_, symbols);
  std::string spelled;
  for (std::size_t i = 0; i < piece.size();) {
    const std::size_t end = i + decode_utf8(piece.substr(i)).length;
    std::string_view key = piece.substr(i, end - i);
    const bool prefixed = i > 0 && !options_.continuing_prefix.empty();
    const bool suffixed = end == piece.size() && !options_.end_suffix.empty();
    if (prefixed || suffixed) {
      spelled = prefixed ? options_.continuing_prefix : "";
      spelled += key;
      spelled += suffixed ? options_.end_suffix : "";
      key = spelled;
    }
    if (const auto id = vocabulary_.id_of(key)) {
      symbols.push_back(symbol(*id, i, end));
      unknowns.close();
    } else if (add_byte_tokens(piece, {i, end}, symbols)) {
      unknowns.close();
    } else {
      unknowns.add(i, end);
    }
    i = end;
  }
}

bool Bpe::add_byte_tokens(std::string_view piece, ByteRange at,
                          std::vector<Symbol>& symbols) const {
  if (!options_.byte_fallback) {
    return false;
  }
  for (std::size_t i = at.begin; i < at.end; ++i) {
    if (fallback_ids_[static_cast<unsigned char>(piece[i])] < 0) {
      return false;
    }
  }
  for (std::size_t i = at.begin; i < at.end; ++i) {
    symbols.push_back(symbol(fallback_ids_[static_cast<unsigned char>(piece[i])], i, i + 1));
  }
  return true;
}

}  // namespace cajal
