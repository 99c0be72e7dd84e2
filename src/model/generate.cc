#include "model/generate.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "text/stream_decoder.h"

namespace cajal {
namespace {

/// Holds text back while it may be the beginning of a stop string.
class StopFilter {
 public:
  explicit StopFilter(std::span<const std::string> stops) : stops_(stops) {}

  /// What may be shown now. Sets stopped() if a stop string is complete: the text ends before it.
  std::string push(std::string_view text) {
    held_ += text;
    std::size_t cut = std::string::npos;
    for (const std::string& stop : stops_) {
      cut = std::min(cut, held_.find(stop));
    }
    stopped_ = cut != std::string::npos;
    return take(stopped_ ? cut : held_.size() - longest_beginning());
  }
  std::string finish() { return stopped_ ? std::string() : take(held_.size()); }
  bool stopped() const noexcept { return stopped_; }

 private:
  std::string take(std::size_t count) {
    std::string out = held_.substr(0, count);
    held_.erase(0, count);
    return out;
  }
  /// Length of the longest end of held_ that a stop string begins with.
  std::size_t longest_beginning() const {
    std::size_t longest = 0;
    for (const std::string& stop : stops_) {
      for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n) {
        if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) {
          longest = n;
        }
      }
    }
    return longest;
  }

  std::span<const std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

/// One sequence on its way to its end.
class Writer {
 public:
  Writer(std::size_t index, std::vector<TokenId> prompt, std::shared_ptr<const Tokenizer> tokenizer,
         const GenerateOptions& options, const TextSink& sink)
      : index_(index),
        history_(std::move(prompt)),
        options_(options),
        sink_(sink),
        filter_(options.stop_strings) {
    if (tokenizer != nullptr) {
      decoder_.emplace(std::move(tokenizer));
    }
  }

  bool done() const noexcept { return done_; }
  TokenId last() const { return out_.ids.back(); }

  void take(ConstMatRef logits) {
    const TokenId id = sample_token(logits, history_, options_.sampling, index_, out_.ids.size());
    if (options_.logprobs > 0 || options_.keep_logprobs) {
      const std::vector<double> all = log_softmax(logits);
      out_.tokens.push_back({.id = id,
                             .logprob = all[static_cast<std::size_t>(id)],
                             .best = best_tokens(all, options_.logprobs)});
    }
    out_.ids.push_back(id);
    history_.push_back(id);
    const auto& stops = options_.stop_ids;
    if (std::find(stops.begin(), stops.end(), id) != stops.end()) {
      end(Finish::StopToken);
      return;
    }
    show(decoder_ ? decoder_->push(id) : std::string());
    if (filter_.stopped()) {
      end(Finish::StopString);
    } else if (out_.ids.size() == options_.max_tokens) {
      end(Finish::Length);
    }
  }

  void end(Finish why) {
    done_ = true;
    if (decoder_ && !filter_.stopped()) {
      show(decoder_->finish());
      emit(filter_.finish());
    }
    out_.finish = filter_.stopped() ? Finish::StopString : why;
  }

  Generation result() { return std::move(out_); }

 private:
  void show(const std::string& text) { emit(filter_.push(text)); }
  void emit(const std::string& text) {
    out_.text += text;
    if (sink_ && !text.empty()) {
      sink_(index_, text);
    }
  }

  std::size_t index_;
  std::vector<TokenId> history_;
  const GenerateOptions& options_;
  const TextSink& sink_;
  std::optional<StreamDecoder> decoder_;
  StopFilter filter_;
  Generation out_;
  bool done_ = false;
};

void check_request(const Model& model, const Tokenizer* tokenizer,
                   std::span<const std::vector<TokenId>> prompts, const GenerateOptions& options,
                   const KvCache& cache) {
  validate(options.sampling);
  check(cache.sequences() == prompts.size(),
        "the cache holds {} sequences, but there are {} prompts", cache.sequences(),
        prompts.size());
  check(options.stop_strings.empty() || tokenizer != nullptr,
        "stop strings need a tokenizer, and this model has none");
  for (const std::string& stop : options.stop_strings) {
    check(!stop.empty(), "a stop string must not be empty");
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    check(!prompts[i].empty(), "prompt {} is empty; give at least one token", i);
    const std::size_t length = cache.length(i) + prompts[i].size();
    // The last new token is not fed back, so it needs no room.
    const std::size_t fed = options.max_tokens - std::min<std::size_t>(options.max_tokens, 1);
    const std::size_t context = model.config().context;
    check(
        length <= context && fed <= context - length,
        "{} tokens of prompt and {} new ones exceed the context of this model, which is {} tokens",
        length, options.max_tokens, model.config().context);
  }
}

/// New tokens of every sequence, in the layout a forward pass takes.
struct Feed {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};

  void add(std::span<const TokenId> ids) {
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    starts.push_back(static_cast<std::int32_t>(tokens.size()));
  }
};

Feed next_feed(const std::vector<Writer>& writers) {
  Feed feed;
  for (const Writer& writer : writers) {
    const TokenId last = writer.done() ? 0 : writer.last();
    feed.add(std::span(&last, writer.done() ? 0 : 1));
  }
  return feed;
}

/// Runs the feed; each sequence that had tokens gets its row of logits.
void step(Backend& backend, const Model& model, KvCache& cache, const GenerateOptions& options,
          const Feed& feed, std::vector<Writer>& writers) {
  const Matrix logits = model.forward(backend, {feed.tokens, feed.starts}, cache,
                                      {.precision = options.precision, .points = options.points});
  std::size_t row = 0;
  for (std::size_t i = 0; i < writers.size(); ++i) {
    if (feed.starts[i + 1] != feed.starts[i]) {
      writers[i].take(logits.ref().row_range(row, 1));
      ++row;
    }
  }
}

}  // namespace

std::string_view name_of(Finish finish) noexcept {
  switch (finish) {
    case Finish::Length:
      return "length";
    case Finish::StopToken:
      return "stop";
    case Finish::StopString:
      return "stop_string";
    case Finish::Cancelled:
      break;
  }
  return "cancelled";
}

std::vector<Generation> generate(Backend& backend, const Model& model,
                                 std::shared_ptr<const Tokenizer> tokenizer,
                                 std::span<const std::vector<TokenId>> prompts,
                                 const GenerateOptions& options, const TextSink& sink,
                                 KvCache* cache) {
  KvCache own(model.config(), backend, cache == nullptr ? prompts.size() : 0);
  KvCache& used = cache == nullptr ? own : *cache;
  check_request(model, tokenizer.get(), prompts, options, used);
  std::vector<Writer> writers;
  Feed feed;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::vector<TokenId> history(used.tokens(i).begin(), used.tokens(i).end());
    history.insert(history.end(), prompts[i].begin(), prompts[i].end());
    writers.emplace_back(i, std::move(history), tokenizer, options, sink);
    feed.add(prompts[i]);
    if (options.max_tokens == 0) {
      writers.back().end(Finish::Length);
    }
  }
  while (std::any_of(writers.begin(), writers.end(), [](const Writer& w) { return !w.done(); })) {
    if (options.cancel.stop_requested()) {
      for (Writer& writer : writers) {
        if (!writer.done()) {
          writer.end(Finish::Cancelled);
        }
      }
      break;
    }
    step(backend, model, used, options, feed, writers);
    feed = next_feed(writers);
  }
  std::vector<Generation> out;
  for (Writer& writer : writers) {
    out.push_back(writer.result());
  }
  return out;
}

}  // namespace cajal
