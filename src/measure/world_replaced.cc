#include "measure/world_replaced.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/random.h"
#include "corpus/world/dice.h"
#include "dictionary/read_features.h"
#include "measure/dictionary_replacement.h"

namespace cajal {
namespace {

/// A dictionary whose loss is added back at once: the model's own value, but for rounding.
class WithErrors : public Replacement {
 public:
  explicit WithErrors(DictionaryRecorder& recorder) : recorder_(recorder) {}
  void replace(std::size_t site, ConstMatRef input, MatRef output) override {
    recorder_.replace(site, input, output);
    convert(recorder_.reconstruction(site).ref(), output);
    add_scaled(recorder_.error(site).ref(), 1.0, output);
  }

 private:
  DictionaryRecorder& recorder_;
};

/// All tokens of a pass but a <bos> at the beginning of a sequence.
RowsOf all_but_first(std::optional<TokenId> bos) {
  return [skips = bos.has_value()](const PointContext& context) {
    std::vector<std::size_t> out;
    for (std::size_t t = 0; t < context.positions.size(); ++t) {
      if (!skips || context.positions[t] != 0) {
        out.push_back(t);
      }
    }
    return out;
  };
}

}  // namespace

ReplacedScores score_replaced(const Asked& asked, const Dictionary& dictionary,
                              std::optional<TokenId> bos, std::span<const Task* const> tasks,
                              const WorldScoreOptions& options) {
  const std::vector<DictionarySite> sites = sites_of(dictionary, asked.model.config());
  const auto with = [&](Replacement& replacement) {
    const PointSet points = splice_points(sites, all_but_first(bos), replacement);
    Asked changed = asked;
    changed.points = &points;
    return score_world(changed, tasks, options);
  };
  ReplacedScores out;
  out.own = score_world(asked, tasks, options);
  DictionaryReplacement plain(asked.backend, dictionary, asked.precision);
  out.replaced = with(plain);
  DictionaryRecorder recorder(asked.backend, dictionary, asked.precision);
  WithErrors exact(recorder);
  out.with_errors = with(exact);
  return out;
}

std::vector<Point> probe_points(const Dictionary& dictionary, const ModelConfig& config) {
  std::vector<Point> out = {{.kind = PointKind::Embeddings}};
  const std::vector<DictionarySite> sites = sites_of(dictionary, config);
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (dictionary.layers()[s].d_in() == config.d_model &&
        std::find(out.begin(), out.end(), sites[s].input) == out.end()) {
      out.push_back(sites[s].input);
    }
  }
  return out;
}

DocumentSource world_documents(const std::vector<const Task*>& tasks, std::uint64_t seed,
                               std::uint64_t count) {
  double total = 0.0;
  for (const Task* task : tasks) {
    total += std::max(task->weight(), 1e-9);
  }
  return [=](std::uint64_t index) -> std::optional<Document> {
    if (index >= count) {
      return std::nullopt;
    }
    const std::uint64_t bits = random_bits(seed, name_hash("measured"), index);
    double place = static_cast<double>(bits >> 11) * 0x1p-53 * total;
    const Task* chosen = tasks.back();
    for (const Task* task : tasks) {
      place -= std::max(task->weight(), 1e-9);
      if (place < 0.0) {
        chosen = task;
        break;
      }
    }
    return chosen->generate(Split::Train, seed, index);
  };
}

TruthResult find_truth_features(const Asked& asked, const Dictionary& dictionary,
                                const DocumentSource& documents, const TruthRun& run) {
  std::vector<std::size_t> features;
  for (const DictionaryLayer& layer : dictionary.layers()) {
    features.push_back(layer.features());
  }
  TruthFeatures truth(features, run.options);
  const auto without_facts = [&](std::uint64_t index) {
    std::optional<Document> document = documents(index);
    if (document) {
      std::erase_if(document->spans, [](const Span& span) { return span.kind == "fact"; });
    }
    return document;
  };
  TokenBatches batches(asked.tokenizer, without_facts,
                       batch_options(asked.model.config(), run.bos, SIZE_MAX));
  TruthResult out;
  while (const auto batch = batches.next()) {
    check_cancelled(run.cancel);
    const std::vector<std::size_t> rows = run.bos
                                              ? rows_except(batch->tokens, std::span(&*run.bos, 1))
                                              : rows_except(batch->tokens, {});
    truth.add(*batch, rows,
              read_features(asked.backend, asked.model, dictionary, batch->batch(), rows,
                            asked.precision));
    out.documents = batch->first_document + batch->documents.size();
    out.tokens += rows.size();
    if (run.progress) {
      run.progress(out.tokens);
    }
  }
  out.labels = truth.labels();
  out.rare = truth.rare();
  return out;
}

}  // namespace cajal
