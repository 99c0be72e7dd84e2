#include "measure/continuations.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/cancel.h"
#include "model/sampling.h"

namespace cajal {
namespace {

// Beyond these a batch costs memory and gains nothing.
constexpr std::size_t kMostSequences = 256;
constexpr std::size_t kMostTokens = 8192;

/// Prompts that want as much, and are as long, beside each other: they end together.
std::vector<std::size_t> batching_order(std::span<const ShortPrompt> prompts) {
  std::vector<std::size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(prompts[a].bytes, prompts[a].ids.size()) <
           std::tuple(prompts[b].bytes, prompts[b].ids.size());
  });
  return order;
}

/// One batch on its way.
class Batcher {
 public:
  Batcher(Backend& backend, const Model& model, const Tokenizer& tokenizer,
          const ContinuationOptions& options)
      : backend_(backend), model_(model), tokenizer_(tokenizer), options_(options) {}

  void run(std::span<const ShortPrompt> prompts, std::span<const std::size_t> members,
           std::vector<std::string>& out) {
    KvCache cache(model_.config(), backend_, members.size());
    begin(prompts, members);
    while (!tokens_.empty()) {
      check_cancelled(options_.cancel);
      const Matrix logits =
          model_.forward(backend_, {tokens_, starts_}, cache,
                         {.precision = options_.precision, .points = options_.points});
      backend_.synchronize();
      take(logits.ref(), prompts, members, cache, out);
    }
  }

 private:
  void begin(std::span<const ShortPrompt> prompts, std::span<const std::size_t> members) {
    tokens_.clear();
    starts_ = {0};
    written_.assign(members.size(), 0);
    for (const std::size_t member : members) {
      const ShortPrompt& prompt = prompts[member];
      if (prompt.bytes != 0 && prompt.ids.size() <= model_.config().context) {
        tokens_.insert(tokens_.end(), prompt.ids.begin(), prompt.ids.end());
      }
      starts_.push_back(static_cast<std::int32_t>(tokens_.size()));
    }
  }

  /// Reads the next token of each living sequence off its row; those that live on are fed it.
  void take(ConstMatRef logits, std::span<const ShortPrompt> prompts,
            std::span<const std::size_t> members, const KvCache& cache,
            std::vector<std::string>& out) {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> starts = {0};
    std::size_t row = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (starts_[i + 1] != starts_[i]) {
        const TokenId id = sample_token(logits.row_range(row++, 1), {}, {}, 0, 0);
        const bool room = cache.length(i) < model_.config().context;
        if (goes_on(id, i, prompts[members[i]].bytes, out[members[i]]) && room) {
          tokens.push_back(id);
        }
      }
      starts.push_back(static_cast<std::int32_t>(tokens.size()));
    }
    tokens_ = std::move(tokens);
    starts_ = std::move(starts);
  }

  bool goes_on(TokenId id, std::size_t sequence, std::size_t bytes, std::string& text) {
    if (std::find(options_.stop.begin(), options_.stop.end(), id) != options_.stop.end()) {
      return false;
    }
    text += tokenizer_.bytes_of(id);
    return ++written_[sequence] < bytes && text.size() < bytes;
  }

  Backend& backend_;
  const Model& model_;
  const Tokenizer& tokenizer_;
  const ContinuationOptions& options_;
  std::vector<TokenId> tokens_;  // of the next pass
  std::vector<std::int32_t> starts_;
  std::vector<std::size_t> written_;  // [sequences] tokens
};

}  // namespace

std::vector<std::string> greedy_continuations(Backend& backend, const Model& model,
                                              const Tokenizer& tokenizer,
                                              std::span<const ShortPrompt> prompts,
                                              const ContinuationOptions& options) {
  std::vector<std::string> out(prompts.size());
  const std::vector<std::size_t> order = batching_order(prompts);
  Batcher batcher(backend, model, tokenizer, options);
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    for (std::size_t tokens = 0; end < order.size() && end - begin < kMostSequences; ++end) {
      tokens += prompts[order[end]].ids.size();
      if (tokens > kMostTokens && end != begin) {
        break;
      }
    }
    batcher.run(prompts, std::span(order).subspan(begin, end - begin), out);
    begin = end;
    if (options.progress) {
      options.progress(begin);
    }
  }
  return out;
}

}  // namespace cajal
