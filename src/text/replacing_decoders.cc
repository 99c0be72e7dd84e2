// The decoders that replace parts of tokens.
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/decode_stages.h"
#include "text/decoder_kinds.h"
#include "text/find_text.h"

namespace cajal {
namespace {

using Made = std::unique_ptr<const Decoder>;

/// `text` with every `from` replaced.
std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     Growth& growth, std::string_view component) {
  growth.work(text.size(), component);
  if (from.empty() || from.size() > text.size()) {
    return std::string(text);
  }
  const Finder finder(from);
  std::string out;
  std::size_t end = 0;
  for (std::size_t at = finder.next(text, 0); at != Finder::kNone; at = finder.next(text, end)) {
    growth.check_size(out.size() + text.size() + to.size(), component);
    out.append(text, end, at - end).append(to);
    end = at + from.size();
  }
  return out.append(text, end);
}

std::string after_space(std::string_view text) {
  std::string out(1, ' ');
  return out.append(text);
}

/// A decoder made of one function from token to token.
class MapStage : public WholeTokens {
 public:
  MapStage(Stage next, const Decoder& decoder, Growth& growth)
      : WholeTokens(std::move(next)), decoder_(decoder), growth_(growth) {}

 protected:
  void token(const std::string& text) override { pass(decoder_.bytes_of(text, growth_)); }

 private:
  const Decoder& decoder_;
  Growth& growth_;
};

class ReplaceDecoder : public Decoder {
 public:
  ReplaceDecoder(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  Stage start(Stage next, const DecodeRun& run) const override {
    return std::make_unique<MapStage>(std::move(next), *this, run.growth);
  }
  std::string bytes_of(std::string piece, Growth& growth) const override {
    growth.work(piece.size(), "Replace decoder");
    std::vector<ByteRange> matches;
    pattern_.find_all(piece, matches);
    std::string out;
    std::size_t end = 0;
    for (const ByteRange match : matches) {
      growth.check_size(out.size() + piece.size() + content_.size(), "Replace decoder");
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

class MetaspaceStage : public DecodeStage {
 public:
  MetaspaceStage(Stage next, std::string replacement, bool drop_first, Growth& growth)
      : next_(std::move(next)),
        replacement_(std::move(replacement)),
        dropping_(drop_first),
        growth_(growth) {}
  void chunk(std::string_view text) override {
    next_->chunk(replaced(text, replacement_, dropping_ ? "" : " ", growth_, "Metaspace decoder"));
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
  Growth& growth_;
};

class MetaspaceDecoder : public Decoder {
 public:
  MetaspaceDecoder(std::string replacement, bool drop_first)
      : replacement_(std::move(replacement)), drop_first_(drop_first) {}
  Stage start(Stage next, const DecodeRun& run) const override {
    return std::make_unique<MetaspaceStage>(std::move(next), replacement_, drop_first_, run.growth);
  }
  std::string bytes_of(std::string piece, Growth& growth) const override {
    return replaced(piece, replacement_, " ", growth, "Metaspace decoder");
  }

 private:
  std::string replacement_;
  bool drop_first_;
};

/// The end-of-word mark is a space, but not at the end.
class BpeStage : public WholeTokens {
 public:
  BpeStage(Stage next, const std::string& suffix, Growth& growth)
      : WholeTokens(std::move(next)), suffix_(suffix), growth_(growth) {}

 protected:
  void token(const std::string& text) override {
    if (held_) {
      pass(replaced(*held_, suffix_, " ", growth_, "BPEDecoder"));
    }
    held_ = text;
  }
  void last() override {
    if (held_) {
      pass(replaced(*std::exchange(held_, std::nullopt), suffix_, "", growth_, "BPEDecoder"));
    }
  }

 private:
  const std::string& suffix_;
  Growth& growth_;
  std::optional<std::string> held_;
};

class BpeDecoder : public Decoder {
 public:
  explicit BpeDecoder(std::string suffix) : suffix_(std::move(suffix)) {}
  Stage start(Stage next, const DecodeRun& run) const override {
    return std::make_unique<BpeStage>(std::move(next), suffix_, run.growth);
  }
  std::string bytes_of(std::string piece, Growth& growth) const override {
    return replaced(piece, suffix_, " ", growth, "BPEDecoder");
  }

 private:
  std::string suffix_;
};

class WordPieceDecoder : public Decoder {
 public:
  WordPieceDecoder(std::string prefix, bool cleanup)
      : prefix_(std::move(prefix)), cleanup_(cleanup) {}
  Stage start(Stage next, const DecodeRun& run) const override;
  std::string bytes_of(std::string piece, Growth& growth) const override {
    const bool joined = !prefix_.empty() && piece.starts_with(prefix_);
    return tidy(joined ? piece.substr(prefix_.size()) : after_space(piece), growth);
  }
  std::string tidy(std::string text, Growth& growth) const {
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
      text = cleanup_ ? replaced(text, from, to, growth, "WordPiece decoder") : std::move(text);
    }
    return text;
  }

 private:
  std::string prefix_;
  bool cleanup_;
};

class WordPieceStage : public WholeTokens {
 public:
  WordPieceStage(Stage next, const WordPieceDecoder& decoder, Growth& growth)
      : WholeTokens(std::move(next)), decoder_(decoder), growth_(growth) {}

 protected:
  void token(const std::string& text) override {
    pass(std::exchange(first_, false) ? decoder_.tidy(text, growth_)
                                      : decoder_.bytes_of(text, growth_));
  }

 private:
  const WordPieceDecoder& decoder_;
  Growth& growth_;
  bool first_ = true;
};

Stage WordPieceDecoder::start(Stage next, const DecodeRun& run) const {
  return std::make_unique<WordPieceStage>(std::move(next), *this, run.growth);
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
  Stage start(Stage next, const DecodeRun&) const override {
    return std::make_unique<SpacesStage>(std::move(next));
  }
  std::string bytes_of(std::string piece, Growth&) const override { return after_space(piece); }
};

}  // namespace

Made replace_decoder(Pattern pattern, std::string content) {
  return std::make_unique<ReplaceDecoder>(std::move(pattern), std::move(content));
}

Made metaspace_decoder(std::string replacement, bool drop_first) {
  return std::make_unique<MetaspaceDecoder>(std::move(replacement), drop_first);
}

Made bpe_decoder(std::string suffix) {
  return std::make_unique<BpeDecoder>(std::move(suffix));
}

Made word_piece_decoder(std::string prefix, bool cleanup) {
  return std::make_unique<WordPieceDecoder>(std::move(prefix), cleanup);
}

Made spaces_decoder() {
  return std::make_unique<Spaces>();
}

}  // namespace cajal
