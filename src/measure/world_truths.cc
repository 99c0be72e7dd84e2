#include "measure/world_truths.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/random.h"
#include "corpus/world/dice.h"
#include "dictionary/read_features.h"

namespace cajal {
namespace {

/// What fires on the tokens of documents, batch by batch. What is given back says how many there
/// were.
template <typename Add>
TruthResult read_truths(const Asked& asked, const Dictionary& dictionary,
                        const DocumentSource& documents, const TruthRun& run, const Add& add) {
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
    add(*batch, rows,
        read_features(asked.backend, asked.model, dictionary, batch->batch(), rows,
                      asked.precision));
    out.documents = batch->first_document + batch->documents.size();
    out.tokens += rows.size();
    if (run.progress) {
      run.progress(out.tokens);
    }
  }
  return out;
}

}  // namespace

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
  TruthFeatures truth(dictionary.feature_counts(), run.options);
  TruthResult out =
      read_truths(asked, dictionary, documents, run,
                  [&](const TokenBatch& batch, std::span<const std::size_t> rows,
                      std::span<const SparseRows> codes) { truth.add(batch, rows, codes); });
  out.labels = truth.labels();
  out.rare = truth.rare();
  return out;
}

std::vector<TruthLabel> find_truths_of(const JointFeatures& groups, double least_f1,
                                       const Asked& asked, const Dictionary& dictionary,
                                       const DocumentSource& documents, const TruthRun& run) {
  const std::size_t count = groups.size();
  TruthFeatures truth({&count, 1}, run.options);
  read_truths(asked, dictionary, documents, run,
              [&](const TokenBatch& batch, std::span<const std::size_t> rows,
                  std::span<const SparseRows> codes) {
                const SparseRows read = groups.read(codes);
                truth.add(batch, rows, {&read, 1});
              });
  return truth.pairs(least_f1);
}

}  // namespace cajal
