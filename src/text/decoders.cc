#include "text/decoders.h"

#include <array>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "text/component.h"
#include "text/decode_stages.h"
#include "text/decoder_kinds.h"

namespace cajal {
namespace {

using Made = std::unique_ptr<const Decoder>;

/// Where a chain ends.
class Collect : public DecodeStage {
 public:
  explicit Collect(std::string& out) : out_(out) {}
  void chunk(std::string_view text) override { out_ += text; }
  void end_token() override {}
  void finish() override {}

 private:
  std::string& out_;
};

class DecoderSequence : public Decoder {
 public:
  explicit DecoderSequence(std::vector<Made> parts) : parts_(std::move(parts)) {}
  Stage start(Stage next, const DecodeRun& run) const override {
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      next = (*part)->start(std::move(next), run);
    }
    return next;
  }
  std::string bytes_of(std::string piece, Growth& growth) const override {
    for (const Made& part : parts_) {
      piece = part->bytes_of(std::move(piece), growth);
    }
    return piece;
  }

 private:
  std::vector<Made> parts_;
};

Made make_sequence(const Component& c) {
  std::vector<Made> parts;
  for (const Component& part : c.parts("decoders")) {
    parts.push_back(make_decoder(part.json(), part.where()));
  }
  return std::make_unique<DecoderSequence>(std::move(parts));
}

Made make_replace(const Component& c) {
  return replace_decoder(Pattern::from_json(c.at("pattern"), c.where("pattern")),
                         c.text("content"));
}

std::size_t read_count(const Component& c, std::string_view field) {
  const std::int64_t count = c.at(field).as_int(c.where(field));
  if (count < 0) {
    fail(ErrorCode::CorruptData, "{}: {} is negative", c.where(field), count);
  }
  return static_cast<std::size_t>(count);
}

Made make_strip(const Component& c) {
  const std::u32string content = to_utf32(c.text("content"));
  if (content.size() != 1) {
    fail(ErrorCode::CorruptData, "{}: expected one character", c.where("content"));
  }
  return strip_decoder(content.front(), read_count(c, "start"), read_count(c, "stop"));
}

Made make_metaspace(const Component& c) {
  const bool never = c.text("prepend_scheme", "always") == "never";
  return metaspace_decoder(c.text("replacement"), !never);
}

struct Known {
  std::string_view type;
  Made (*make)(const Component&);
};

constexpr std::array<Known, 9> kKnown = {{
    {"Sequence", make_sequence},
    {"ByteLevel", [](const Component&) { return byte_level_decoder(); }},
    {"ByteFallback", [](const Component&) { return byte_fallback_decoder(); }},
    {"Fuse", [](const Component&) { return fuse_decoder(); }},
    {"Strip", make_strip},
    {"Replace", make_replace},
    {"Metaspace", make_metaspace},
    {"BPEDecoder", [](const Component& c) { return bpe_decoder(c.text("suffix", "</w>")); }},
    {"WordPiece",
     [](const Component& c) {
       return word_piece_decoder(c.text("prefix", "##"), c.flag("cleanup", true));
     }},
}};

}  // namespace

std::unique_ptr<const Decoder> make_decoder(const Json& json, std::string_view where) {
  if (json.is_null()) {
    return spaces_decoder();
  }
  return make_component<Made>(json, where, kKnown, "decoder");
}

DecodeChain::DecodeChain(const Decoder& decoder, Show show)
    : first_(decoder.start(std::make_unique<Collect>(buffer_), DecodeRun{show, growth_})) {}

void DecodeChain::push(std::string_view piece, std::string& out) {
  growth_.more_input(piece.size());
  first_->chunk(piece);
  first_->end_token();
  take(out);
}

void DecodeChain::finish(std::string& out) {
  first_->finish();
  take(out);
}

void DecodeChain::take(std::string& out) {
  shown_ += buffer_.size();
  growth_.check_size(shown_, "decoder");
  out += buffer_;
  buffer_.clear();
}

}  // namespace cajal
