#include "text/pipeline.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/valid_text.h"

namespace cajal {
namespace {

class PipelineDecoding : public Decoding {
 public:
  PipelineDecoding(const Pipeline& pipeline, SkipSpecial skip, Show show)
      : pipeline_(pipeline), skip_(skip), chain_(*pipeline.decoder, show) {}
  void push(TokenId id, std::string& out) override {
    if (const AddedToken* const added = pipeline_.added.find(id)) {
      if (skip_ == SkipSpecial::No || !added->special) {
        chain_.push(pipeline_.added.spelling(id), out);
      }
    } else if (pipeline_.model->vocabulary().has(id)) {
      chain_.push(pipeline_.model->vocabulary().piece(id), out);
    }
  }
  void finish(std::string& out) override { chain_.finish(out); }

 private:
  const Pipeline& pipeline_;
  SkipSpecial skip_;
  DecodeChain chain_;
};

class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(Pipeline pipeline) : parts_(std::move(pipeline)) {
    size_ = parts_.model->vocabulary().size();
    for (const AddedToken& token : parts_.added.all()) {
      size_ = std::max(size_, static_cast<std::size_t>(token.id) + 1);
    }
  }

  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    const ValidText valid(text);
    Encoding out;
    std::vector<ModelToken> tokens;
    std::size_t shown_bytes = 0;
    Growth growth(valid.text().size());
    for_each_part(valid.text(), options, growth, true, [&](const Part& part) {
      if (part.token) {
        append(out, *part.token, part.text.text, part.text.source({0, part.text.text.size()}));
        return;
      }
      const PreTokenized cut = pre_tokenize(part);
      for (const ByteRange piece : cut.pieces) {
        tokens.clear();
        parts_.model->tokens(cut.text.text, piece, tokens);
        for (const ModelToken& token : tokens) {
          const std::string_view shown =
              token.shows_text ? cut.text.view(token.range) : this->piece(token.id);
          shown_bytes += shown.size();
          growth.check_size(shown_bytes, "name of unknown text");
          append(out, token.id, shown, cut.text.source(token.range));
        }
      }
    });
    if (parts_.post.trim_offsets) {
      parts_.post.trim(out, valid.text());
    }
    for (TokenSpan& span : out.offsets) {
      span = valid.original(span);
    }
    return options.add_special_tokens ? surrounded(std::move(out)) : out;
  }

  std::vector<TokenId> encode_ids(std::string_view text,
                                  const EncodeOptions& options) const override {
    const ValidText valid(text);
    std::vector<TokenId> out;
    if (options.add_special_tokens) {
      for (const auto& special : parts_.post.before) {
        out.push_back(special.id);
      }
    }
    Growth growth(valid.text().size());
    for_each_part(valid.text(), options, growth, false, [&](const Part& part) {
      if (part.token) {
        out.push_back(*part.token);
      } else {
        const PreTokenized cut = pre_tokenize(part);
        parts_.model->ids(cut.text.text, cut.pieces, out);
      }
    });
    if (options.add_special_tokens) {
      for (const auto& special : parts_.post.after) {
        out.push_back(special.id);
      }
    }
    return out;
  }

  std::unique_ptr<Decoding> start_decoding(SkipSpecial skip, Show show) const override {
    return std::make_unique<PipelineDecoding>(parts_, skip, show);
  }
  std::string bytes_of(TokenId id) const override {
    if (!has(id)) {
      return {};
    }
    Growth growth(piece(id).size());
    return parts_.decoder->bytes_of(std::string(piece(id)), growth);
  }

  std::size_t vocab_size() const override { return size_; }
  bool has(TokenId id) const override {
    return parts_.added.find(id) != nullptr || parts_.model->vocabulary().has(id);
  }
  std::optional<TokenId> id_of(std::string_view piece) const override {
    const std::optional<TokenId> added = parts_.added.id_of(piece);
    return added ? added : parts_.model->vocabulary().id_of(piece);
  }
  std::string_view piece(TokenId id) const override {
    const AddedToken* const added = parts_.added.find(id);
    return added != nullptr ? std::string_view(added->content)
                            : parts_.model->vocabulary().piece(id);
  }
  bool is_special(TokenId id) const override {
    const AddedToken* const added = parts_.added.find(id);
    return added != nullptr && added->special;
  }
  std::span<const AddedToken> added_tokens() const override { return parts_.added.all(); }
  std::optional<TokenId> bos_id() const override { return parts_.bos; }
  std::optional<TokenId> eos_id() const override { return parts_.eos; }
  std::string description() const override {
    return fmt::format("{}, {} tokens, {}", parts_.model->name(), size_, parts_.source);
  }

 private:
  /// An added token with the text it took, or a text to be cut.
  struct Part {
    AlignedText text;
    std::optional<TokenId> token;
    bool at_start = false;
  };

  template <typename Visit>
  void for_each_part(std::string_view text, const EncodeOptions& options, Growth& growth,
                     bool tracked, const Visit& visit) const {
    using Stage = AddedTokens::Stage;
    check(text.size() < std::numeric_limits<std::uint32_t>::max() / 4,
          "a text of {} bytes is too long to encode at once; cut it", text.size());
    for (const AddedPart& part :
         parts_.added.split(text, Stage::AsGiven, options.special_as_text)) {
      AlignedText taken = identity_text(text.substr(part.range.begin, part.range.size()),
                                        part.range.begin, tracked, &growth);
      if (part.token) {
        visit(Part{std::move(taken), part.token, false});
        continue;
      }
      if (parts_.normalizer != nullptr) {
        parts_.normalizer->apply(taken);
      }
      const bool at_start = part.range.begin == 0;
      const std::vector<AddedPart> inner =
          parts_.added.split(taken.text, Stage::Normalized, options.special_as_text);
      if (inner.size() == 1) {
        visit(Part{std::move(taken), inner.front().token, at_start});
        continue;
      }
      for (const AddedPart& piece : inner) {
        visit(Part{slice(taken, piece.range), piece.token, at_start && piece.range.begin == 0});
      }
    }
  }

  PreTokenized pre_tokenize(const Part& part) const {
    PreTokenized out{part.text, {}, part.at_start};
    if (!part.text.text.empty()) {
      out.pieces.push_back({0, part.text.text.size()});
    }
    if (parts_.pre_tokenizer != nullptr) {
      parts_.pre_tokenizer->apply(out);
    }
    return out;
  }

  static void append(Encoding& out, TokenId id, std::string_view piece, TokenSpan span) {
    out.ids.push_back(id);
    out.pieces.emplace_back(piece);
    out.offsets.push_back(span);
  }

  Encoding surrounded(Encoding inner) const {
    Encoding out;
    for (const auto& special : parts_.post.before) {
      append(out, special.id, special.piece, {});
    }
    out.ids.insert(out.ids.end(), inner.ids.begin(), inner.ids.end());
    std::move(inner.pieces.begin(), inner.pieces.end(), std::back_inserter(out.pieces));
    out.offsets.insert(out.offsets.end(), inner.offsets.begin(), inner.offsets.end());
    for (const auto& special : parts_.post.after) {
      append(out, special.id, special.piece, {});
    }
    return out;
  }

  Pipeline parts_;
  std::size_t size_ = 0;
};

}  // namespace

std::shared_ptr<const Tokenizer> make_pipeline_tokenizer(Pipeline pipeline) {
  return std::make_shared<const PipelineTokenizer>(std::move(pipeline));
}

}  // namespace cajal
