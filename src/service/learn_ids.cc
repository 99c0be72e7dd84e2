#include "service/learn_ids.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "base/error.h"
#include "corpus/id_prompts.h"
#include "corpus/world/dice.h"
#include "model/generate.h"

namespace cajal {
namespace {

constexpr std::size_t kAtOnce = 256;  // prompts that are answered together

using Ids = std::vector<TokenId>;

/// The prompts of an entry, those that are held out last and by place.
struct SplitPrompts {
  std::vector<Ids> prompts;
  std::size_t train = 0;
};

SplitPrompts split_prompts(std::vector<Ids> drawn, double heldout) {
  SplitPrompts out;
  std::vector<std::pair<double, Ids>> last;
  for (Ids& ids : drawn) {
    const double place = place_in_split(ids);
    if (place < 1.0 - heldout) {
      out.prompts.push_back(std::move(ids));
    } else {
      last.emplace_back(place, std::move(ids));
    }
  }
  std::sort(last.begin(), last.end());
  out.train = out.prompts.size();
  for (auto& [place, ids] : last) {
    out.prompts.push_back(std::move(ids));
  }
  return out;
}

class IdsPreparation {
 public:
  IdsPreparation(const LearnRecipe& recipe, const Session& session, const std::stop_token& stop)
      : recipe_(recipe), session_(session), stop_(stop) {}

  GrowData run() {
    const std::vector<TokenId>& ends = session_.special.stop;
    check(!ends.empty(),
          "{}: names no token that ends a text (eos_token_id), which answers to ids need",
          session_.name);
    GrowData out;
    out.bos = out.eos = out.pad = ends.front();
    Json hashes(Json::Array{});
    for (const RecipeData& data : recipe_.data) {
      check(!data.ids.empty(), "{}: data: has ids and texts; a model is asked in one way",
            recipe_.file.string());
      add(data, out, hashes);
    }
    out.fingerprint = Json::object({{"ids", std::move(hashes)}});
    return out;
  }

 private:
  void add(const RecipeData& data, GrowData& out, Json& hashes) {
    const IdPrompts prompts(data.ids);
    const std::size_t vocab = session_.model->config().vocab;
    check(static_cast<std::size_t>(prompts.largest()) < vocab,
          "ids: there is no token {} in this model; give ids from 0 to {}", prompts.largest(),
          vocab - 1);
    const SplitPrompts split =
        split_prompts(prompts.draw(recipe_.seed, data.prompts), data.heldout);
    const Framing framing = {out.bos, out.eos, session_.context()};
    auto train = std::make_shared<TokenizedTexts>(framing);
    auto heldout = std::make_shared<TokenizedTexts>(framing);
    std::uint64_t hash = 0;
    for (std::size_t begin = 0; begin < split.prompts.size(); begin += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, split.prompts.size() - begin);
      const std::span<const Ids> some = std::span(split.prompts).subspan(begin, count);
      std::vector<Ids> documents = answered(some, data.answer);
      for (std::size_t i = 0; i < documents.size(); ++i) {
        (begin + i < split.train ? train : heldout)->add_document(documents[i]);
        hash = hash * 0x100000001B3U ^ name_hash(fmt::format("{}", fmt::join(documents[i], ",")));
      }
    }
    hashes.push_back(fmt::format("{:016x}", hash));
    out.parts.push_back({.name = "ids",
                         .source = std::move(train),
                         .weight = data.weight,
                         .from = data.from,
                         .until = data.until});
    if (heldout->documents() != std::size_t{0}) {
      out.heldout.push_back(std::move(heldout));
    }
  }

  /// The prompts with their answers.
  std::vector<Ids> answered(std::span<const Ids> prompts, std::size_t tokens) const {
    const std::size_t length = prompts.front().size();
    check(length < session_.context(), "ids: {} slots fill the model's context of {}", length,
          session_.context());
    GenerateOptions options;
    options.max_tokens = std::min(tokens, session_.context() - length);
    options.stop_ids = session_.special.stop;
    options.precision = session_.precision;
    options.cancel = stop_;
    const std::vector<Generation> answers =
        generate(*session_.backend, *session_.model, nullptr, prompts, options);
    std::vector<Ids> out(prompts.begin(), prompts.end());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (answers[i].finish == Finish::Cancelled) {
        fail(ErrorCode::Cancelled, "interrupted");
      }
      out[i].insert(out[i].end(), answers[i].ids.begin(), answers[i].ids.end());
    }
    return out;
  }

  const LearnRecipe& recipe_;
  const Session& session_;
  const std::stop_token& stop_;
};

}  // namespace

GrowData prepare_ids(const LearnRecipe& recipe, const Session& session,
                     const std::stop_token& stop) {
  return IdsPreparation(recipe, session, stop).run();
}

}  // namespace cajal
