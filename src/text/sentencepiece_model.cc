#include "text/sentencepiece_model.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

constexpr std::size_t kMostPieces = std::size_t{1} << 24U;

/// One field of a protocol-buffer message.
struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint or a fixed-width field
  std::string_view bytes;   // of a length-delimited one
};

/// Walks over the fields of one message.
class Message {
 public:
  Message(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  std::optional<Field> next() {
    if (at_ == bytes_.size()) {
      return std::nullopt;
    }
    const std::uint64_t key = varint();
    Field out{key >> 3U, 0, {}};
    switch (key & 7U) {
      case 0:
        out.value = varint();
        break;
      case 1:
        out.value = fixed(8);
        break;
      case 2:
        out.bytes = take(varint());
        break;
      case 5:
        out.value = fixed(4);
        break;
      default:
        bad("it has a field of an unknown wire type");
    }
    return out;
  }

  [[noreturn]] void bad(std::string_view why) const {
    fail(ErrorCode::CorruptData, "{}: no SentencePiece model: at byte {} of a message of {}, {}",
         where_, at_, bytes_.size(), why);
  }

 private:
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) {
        bad("a number is cut short");
      }
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      out |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return out;
      }
    }
    bad("a number has more than 64 bits");
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) {
      bad("a field goes past the end");
    }
    const std::string_view out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }
  std::uint64_t fixed(std::size_t size) {
    const std::string_view raw = take(size);
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < size; ++i) {
      out |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    }
    return out;
  }

  std::string_view bytes_;
  std::string_view where_;
  std::size_t at_ = 0;
};

// Field numbers are those of sentencepiece_model.proto.

SentencePieceModel::Piece read_piece(std::string_view bytes, std::string_view where) {
  SentencePieceModel::Piece out;
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->number == 1) {
      out.text = field->bytes;
    } else if (field->number == 2) {
      out.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
    } else if (field->number == 3) {
      if (field->value < 1 || field->value > 6) {
        message.bad("a piece has an unknown type");
      }
      out.type = static_cast<PieceType>(field->value);
    }
  }
  if (out.text.empty() || !is_valid_utf8(out.text) || !std::isfinite(out.score)) {
    message.bad("a piece is empty, not UTF-8, or its score is not finite");
  }
  return out;
}

void read_trainer(SentencePieceModel& out, std::string_view bytes, std::string_view where) {
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->number == 3) {
      if (field->value != 1 && field->value != 2) {
        fail(ErrorCode::Unsupported,
             "{}: a SentencePiece model of type {}; Unigram (1) and BPE (2) are supported", where,
             field->value);
      }
      out.algorithm = static_cast<SentencePieceModel::Algorithm>(field->value);
    } else if (field->number == 24) {
      out.space_is_suffix = field->value != 0;
    } else if (field->number == 35) {
      out.byte_fallback = field->value != 0;
    } else if (field->number == 44) {
      out.unknown_surface = sanitize_utf8(field->bytes);
    } else if (field->number == 41 || field->number == 42) {
      const bool valid = field->value < out.pieces.size() || field->value < kMostPieces;
      (field->number == 41 ? out.bos : out.eos) =
          valid ? std::optional(static_cast<TokenId>(field->value)) : std::nullopt;
    }
  }
}

void read_normalizer(SentencePieceModel& out, std::string_view bytes, std::string_view where) {
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->number == 2) {
      out.charsmap = field->bytes;
    } else if (field->number == 3) {
      out.add_dummy_prefix = field->value != 0;
    } else if (field->number == 4) {
      out.remove_extra_spaces = field->value != 0;
    } else if (field->number == 5) {
      out.escape_spaces = field->value != 0;
    }
  }
}

/// bos and eos are 1 and 2 unless the file says otherwise, where those are control pieces.
void settle_ends(SentencePieceModel& out) {
  const auto control = [&](std::optional<TokenId> id) {
    return id && static_cast<std::size_t>(*id) < out.pieces.size() &&
           out.pieces[static_cast<std::size_t>(*id)].type == PieceType::Control;
  };
  out.bos = control(out.bos) ? out.bos : std::nullopt;
  out.eos = control(out.eos) ? out.eos : std::nullopt;
}

}  // namespace

SentencePieceModel SentencePieceModel::parse(std::string_view bytes, std::string_view where) {
  SentencePieceModel out;
  out.bos = 1;
  out.eos = 2;
  Message message(bytes, where);
  while (const auto field = message.next()) {
    if (field->number == 1) {
      if (out.pieces.size() == kMostPieces) {
        message.bad("there are too many pieces");
      }
      out.pieces.push_back(read_piece(field->bytes, where));
    } else if (field->number == 2) {
      read_trainer(out, field->bytes, where);
    } else if (field->number == 3) {
      read_normalizer(out, field->bytes, where);
    }
  }
  const auto unknown = std::count_if(out.pieces.begin(), out.pieces.end(), [](const Piece& piece) {
    return piece.type == PieceType::Unknown;
  });
  if (unknown != 1) {
    fail(ErrorCode::CorruptData,
         "{}: no SentencePiece model: {} pieces, {} of them for the unknown (it takes one)", where,
         out.pieces.size(), unknown);
  }
  settle_ends(out);
  return out;
}

}  // namespace cajal
