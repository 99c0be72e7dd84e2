#include "text/decoders.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/byte_run.h"
#include "text/byte_token.h"
#include "text/component.h"
#include "text/pattern.h"

namespace cajal {
namespace {

using Stage = std::unique_ptr<DecodeStage>;
using Made = std::unique_ptr<const Decoder>;

constexpr std::string_view kBroken = "\uFFFD";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  if (from.empty()) {
    return text;
  }
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string after_space(std::string_view text) {
  std::string out(1, ' ');
  return out.append(text);
}

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

/// For stages that need a token whole.
class WholeTokens : public DecodeStage {
 public:
  explicit WholeTokens(Stage next) : next_(std::move(next)) {}
  void chunk(std::string_view text) override { token_ += text; }
  void end_token() override {
    token(token_);
    token_.clear();
  }
  void finish() override {
    last();
    next_->finish();
  }

 protected:
  virtual void token(const std::string& text) = 0;
  virtual void last() {}
  void pass(std::string_view text) {
    next_->chunk(text);
    next_->end_token();
  }
  DecodeStage& next() { return *next_; }

 private:
  Stage next_;
  std::string token_;
};

/// A decoder made of one function from token to token.
class MapStage : public WholeTokens {
 public:
  MapStage(Stage next, const Decoder& decoder) : WholeTokens(std::move(next)), decoder_(decoder) {}

 protected:
  void token(const std::string& text) override { pass(decoder_.bytes_of(text)); }

 private:
  const Decoder& decoder_;
};

class ReplaceDecoder : public Decoder {
 public:
  ReplaceDecoder(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  Stage start(Stage next, Show) const override {
    return std::make_unique<MapStage>(std::move(next), *this);
  }
  std::string bytes_of(std::string piece) const override {
    std::vector<ByteRange> matches;
    pattern_.find_all(piece, matches);
    std::string out;
    std::size_t end = 0;
    for (const ByteRange match : matches) {
      out.append(piece, end, match.begin - end);
      out += content_;
      end = match.end;
    }
    return out.append(piece, end);
  }

 private:
  Pattern pattern_;
  std::string content_;
};

/// A run of byte tokens is UTF-8 as a whole, or one U+FFFD for each byte.
class ByteFallbackStage : public WholeTokens {
 public:
  ByteFallbackStage(Stage next, Show show) : WholeTokens(std::move(next)), show_(show) {}

 protected:
  void token(const std::string& text) override {
    if (const auto byte = byte_of_token(text)) {
      add_byte(*byte);
    } else {
      end_run();
      pass(text);
    }
  }
  void last() override { end_run(); }

 private:
  void add_byte(unsigned char byte) {
    run_ += static_cast<char>(byte);
    // What is broken stays so, and is shown when the run ends.
    if (show_ == Show::Soon && run_.size() <= 4 && is_valid_utf8(run_)) {
      next().chunk(run_);
      shown_ = true;
      run_.clear();
    }
  }
  void end_run() {
    if (!run_.empty() && is_valid_utf8(run_)) {
      pass(run_);
    } else {
      if (shown_) {
        next().end_token();
      }
      for (std::size_t i = 0; i < run_.size(); ++i) {
        pass(kBroken);
      }
    }
    run_.clear();
    shown_ = false;
  }

  Show show_;
  std::string run_;     // bytes not passed on yet
  bool shown_ = false;  // characters of the run were passed on
};

class ByteFallback : public Decoder {
 public:
  Stage start(Stage next, Show show) const override {
    return std::make_unique<ByteFallbackStage>(std::move(next), show);
  }
  std::string bytes_of(std::string piece) const override {
    const auto byte = byte_of_token(piece);
    return byte ? std::string(1, static_cast<char>(*byte)) : piece;
  }
};

/// All tokens become one.
class FuseStage : public DecodeStage {
 public:
  explicit FuseStage(Stage next) : next_(std::move(next)) {}
  void chunk(std::string_view text) override { next_->chunk(text); }
  void end_token() override {}
  void finish() override {
    next_->end_token();
    next_->finish();
  }

 private:
  Stage next_;
};

class Fuse : public Decoder {
 public:
  Stage start(Stage next, Show) const override {
    return std::make_unique<FuseStage>(std::move(next));
  }
  std::string bytes_of(std::string piece) const override { return piece; }
};

/// Takes up to `start` and `stop` times a character off the two ends of each token.
class StripStage : public DecodeStage {
 public:
  StripStage(Stage next, char32_t content, std::size_t start, std::size_t stop)
      : next_(std::move(next)), start_(start), stop_(stop), left_(start) {
    append_utf8(content_, content);
  }
  void chunk(std::string_view text) override {
    while (!text.empty()) {
      const std::size_t length = decode_utf8(text).length;
      character(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  void end_token() override {
    next_->end_token();
    left_ = start_;
    held_ = 0;
  }
  void finish() override { next_->finish(); }

 private:
  void character(std::string_view c) {
    const bool strip = c == content_;
    if (strip && left_ > 0) {
      --left_;
      return;
    }
    left_ = 0;
    if (strip && held_ < stop_) {
      ++held_;
      return;
    }
    if (!strip) {
      for (; held_ > 0; --held_) {
        next_->chunk(content_);
      }
    }
    next_->chunk(c);
  }
  Stage next_;
  std::string content_;
  std::size_t start_;
  std::size_t stop_;
  std::size_t left_;      // how many may still be taken off the beginning
  std::size_t held_ = 0;  // how many at the end wait for what follows
};

class StripDecoder : public Decoder {
 public:
  StripDecoder(char32_t content, std::size_t start, std::size_t stop)
      : content_(content), start_(start), stop_(stop) {}
  Stage start(Stage next, Show) const override {
    return std::make_unique<StripStage>(std::move(next), content_, start_, stop_);
  }
  std::string bytes_of(std::string piece) const override { return piece; }

 private:
  char32_t content_;
  std::size_t start_;
  std::size_t stop_;
};

class ByteLevelStage : public WholeTokens {
 public:
  ByteLevelStage(Stage next, const Decoder& decoder)
      : WholeTokens(std::move(next)), decoder_(decoder) {}

 protected:
  void token(const std::string& text) override {
    pending_ += decoder_.bytes_of(text);
    std::string complete;
    take_complete(pending_, complete);
    next().chunk(complete);
  }
  void last() override {
    next().chunk(sanitize_utf8(pending_));
    pending_.clear();
    next().end_token();
  }

 private:
  const Decoder& decoder_;
  std::string pending_;
};

class ByteLevelDecoder : public Decoder {
 public:
  Stage start(Stage next, Show) const override {
    return std::make_unique<ByteLevelStage>(std::move(next), *this);
  }
  std::string bytes_of(std::string piece) const override {
    auto bytes = byte_level_bytes(piece);
    return bytes ? *std::move(bytes) : piece;
  }
};

class MetaspaceStage : public DecodeStage {
 public:
  MetaspaceStage(Stage next, std::string replacement, bool drop_first)
      : next_(std::move(next)), replacement_(std::move(replacement)), dropping_(drop_first) {}
  void chunk(std::string_view text) override {
    next_->chunk(replaced(std::string(text), replacement_, dropping_ ? "" : " "));
  }
  void end_token() override {
    dropping_ = false;
    next_->end_token();
  }
  void finish() override { next_->finish(); }

 private:
  Stage next_;
  std::string replacement_;
  bool dropping_;  // in the first token they stand for nothing
};

class MetaspaceDecoder : public Decoder {
 public:
  MetaspaceDecoder(std::string replacement, bool drop_first)
      : replacement_(std::move(replacement)), drop_first_(drop_first) {}
  Stage start(Stage next, Show) const override {
    return std::make_unique<MetaspaceStage>(std::move(next), replacement_, drop_first_);
  }
  std::string bytes_of(std::string piece) const override {
    return replaced(std::move(piece), replacement_, " ");
  }

 private:
  std::string replacement_;
  bool drop_first_;
};

/// The end-of-word mark is a space, but not at the end.
class BpeStage : public WholeTokens {
 public:
  BpeStage(Stage next, const std::string& suffix) : WholeTokens(std::move(next)), suffix_(suffix) {}

 protected:
  void token(const std::string& text) override {
    if (held_) {
      pass(replaced(*held_, suffix_, " "));
    }
    held_ = text;
  }
  void last() override {
    if (held_) {
      pass(replaced(*std::exchange(held_, std::nullopt), suffix_, ""));
    }
  }

 private:
  const std::string& suffix_;
  std::optional<std::string> held_;
};

class BpeDecoder : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  Stage start(Stage next, Show) const override {
    return std::make_unique<BpeStage>(std::move(next), suffix_);
  }
  std::string bytes_of(std::string piece) const override {
    return replaced(std::move(piece), suffix_, " ");
  }

 private:
  std::string suffix_;
};

class WordPieceDecoder : public Decoder {
 public:
  WordPieceDecoder(std::string prefix, bool cleanup)
      : prefix_(std::move(prefix)), cleanup_(cleanup) {}
  Stage start(Stage next, Show) const override;
  std::string bytes_of(std::string piece) const override {
    const bool joined = !prefix_.empty() && piece.starts_with(prefix_);
    return tidy(joined ? piece.substr(prefix_.size()) : after_space(piece));
  }
  std::string tidy(std::string text) const {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kTidy = {
        {{" .", "."},
         {" ?", "?"},
         {" !", "!"},
         {" ,", ","},
         {" ' ", "'"},
         {" n't", "n't"},
         {" 'm", "'m"},
         {" do not", " don't"},
         {" 's", "'s"},
         {" 've", "'ve"},
         {" 're", "'re"}}};
    for (const auto& [from, to] : kTidy) {
      text = cleanup_ ? replaced(std::move(text), from, to) : std::move(text);
    }
    return text;
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

class WordPieceStage : public WholeTokens {
 public:
  WordPieceStage(Stage next, const WordPieceDecoder& decoder)
      : WholeTokens(std::move(next)), decoder_(decoder) {}

 protected:
  void token(const std::string& text) override {
    pass(std::exchange(first_, false) ? decoder_.tidy(text) : decoder_.bytes_of(text));
  }

 private:
  const WordPieceDecoder& decoder_;
  bool first_ = true;
};

Stage WordPieceDecoder::start(Stage next, Show) const {
  return std::make_unique<WordPieceStage>(std::move(next), *this);
}

/// Without a decoder, tokens are words.
class SpacesStage : public WholeTokens {
 public:
  using WholeTokens::WholeTokens;

 protected:
  void token(const std::string& text) override {
    pass(std::exchange(first_, false) ? text : after_space(text));
  }

 private:
  bool first_ = true;
};

class Spaces : public Decoder {
 public:
  Stage start(Stage next, Show) const override {
    return std::make_unique<SpacesStage>(std::move(next));
  }
  std::string bytes_of(std::string piece) const override { return after_space(piece); }
};

class DecoderSequence : public Decoder {
 public:
  explicit DecoderSequence(std::vector<Made> parts) : parts_(std::move(parts)) {}
  Stage start(Stage next, Show show) const override {
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      next = (*part)->start(std::move(next), show);
    }
    return next;
  }
  std::string bytes_of(std::string piece) const override {
    for (const Made& part : parts_) {
      piece = part->bytes_of(std::move(piece));
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
  return std::make_unique<ReplaceDecoder>(Pattern::from_json(c.at("pattern"), c.where("pattern")),
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
  return std::make_unique<StripDecoder>(content.front(), read_count(c, "start"),
                                        read_count(c, "stop"));
}

Made make_metaspace(const Component& c) {
  const bool never = c.text("prepend_scheme", "always") == "never";
  return std::make_unique<MetaspaceDecoder>(c.text("replacement"), !never);
}

struct Known {
  std::string_view type;
  Made (*make)(const Component&);
};

constexpr std::array<Known, 9> kKnown = {{
    {"Sequence", make_sequence},
    {"ByteLevel", [](const Component&) -> Made { return std::make_unique<ByteLevelDecoder>(); }},
    {"ByteFallback", [](const Component&) -> Made { return std::make_unique<ByteFallback>(); }},
    {"Fuse", [](const Component&) -> Made { return std::make_unique<Fuse>(); }},
    {"Strip", make_strip},
    {"Replace", make_replace},
    {"Metaspace", make_metaspace},
    {"BPEDecoder",
     [](const Component& c) -> Made {
       return std::make_unique<BpeDecoder>(c.text("suffix", "</w>"));
     }},
    {"WordPiece",
     [](const Component& c) -> Made {
       return std::make_unique<WordPieceDecoder>(c.text("prefix", "##"), c.flag("cleanup", true));
     }},
}};

}  // namespace

std::unique_ptr<const Decoder> make_decoder(const Json& json, std::string_view where) {
  if (json.is_null()) {
    return std::make_unique<Spaces>();
  }
  return make_component<Made>(json, where, kKnown, "decoder");
}

DecodeChain::DecodeChain(const Decoder& decoder, Show show)
    : first_(decoder.start(std::make_unique<Collect>(buffer_), show)) {}

void DecodeChain::push(std::string_view piece, std::string& out) {
  first_->chunk(piece);
  first_->end_token();
  out += buffer_;
  buffer_.clear();
}

void DecodeChain::finish(std::string& out) {
  first_->finish();
  out += buffer_;
  buffer_.clear();
}

}  // namespace cajal
