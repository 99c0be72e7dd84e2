// The decoders that join tokens and turn them to bytes.
#include <optional>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/byte_run.h"
#include "text/byte_token.h"
#include "text/decode_stages.h"
#include "text/decoder_kinds.h"

namespace cajal {
namespace {

using Made = std::unique_ptr<const Decoder>;

constexpr std::string_view kBroken = "\uFFFD";

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
  Stage start(Stage next, const DecodeRun& run) const override {
    return std::make_unique<ByteFallbackStage>(std::move(next), run.show);
  }
  std::string bytes_of(std::string piece, Growth&) const override {
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
  Stage start(Stage next, const DecodeRun&) const override {
    return std::make_unique<FuseStage>(std::move(next));
  }
  std::string bytes_of(std::string piece, Growth&) const override { return piece; }
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
  Stage start(Stage next, const DecodeRun&) const override {
    return std::make_unique<StripStage>(std::move(next), content_, start_, stop_);
  }
  std::string bytes_of(std::string piece, Growth&) const override { return piece; }

 private:
  char32_t content_;
  std::size_t start_;
  std::size_t stop_;
};

class ByteLevelStage : public WholeTokens {
 public:
  explicit ByteLevelStage(Stage next) : WholeTokens(std::move(next)) {}

 protected:
  void token(const std::string& text) override {
    auto bytes = byte_level_bytes(text);
    pending_ += bytes ? *std::move(bytes) : text;
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
  std::string pending_;
};

class ByteLevelDecoder : public Decoder {
 public:
  Stage start(Stage next, const DecodeRun&) const override {
    return std::make_unique<ByteLevelStage>(std::move(next));
  }
  std::string bytes_of(std::string piece, Growth&) const override {
    auto bytes = byte_level_bytes(piece);
    return bytes ? *std::move(bytes) : piece;
  }
};

}  // namespace

Made byte_fallback_decoder() {
  return std::make_unique<ByteFallback>();
}

Made fuse_decoder() {
  return std::make_unique<Fuse>();
}

Made strip_decoder(char32_t content, std::size_t start, std::size_t stop) {
  return std::make_unique<StripDecoder>(content, start, stop);
}

Made byte_level_decoder() {
  return std::make_unique<ByteLevelDecoder>();
}

}  // namespace cajal
