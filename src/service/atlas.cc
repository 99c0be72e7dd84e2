#include "service/atlas.h"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "atlas/atlas_builder.h"
#include "atlas/label.h"
#include "atlas/logit_effects.h"
#include "base/error.h"
#include "base/parallel.h"
#include "corpus/reader.h"
#include "corpus/world/world.h"
#include "dictionary/decoder_cosine.h"
#include "dictionary/read_features.h"
#include "measure/world_replaced.h"
#include "service/open_dictionary.h"

namespace cajal {
namespace {

constexpr std::size_t kTokensNamed = 5;  // promoted, suppressed
constexpr std::size_t kNear = 5;
constexpr double kTruthLabel = 0.5;  // F1 from which a truth names a feature
constexpr std::size_t kMostCosines = std::size_t{1} << 16;

FieldTable<AtlasRequest> own_fields() {
  return {
      {dictionary_field(), &AtlasRequest::dictionary},
      {{.name = "corpus",
        .help = "text to read: .jsonl with a \"text\" (and spans of truth), or plain (repeatable)",
        .value = "FILE"},
       &AtlasRequest::corpus},
      {{.name = "world",
        .help = "read what the specimen learns instead: a task's documents, or all tasks'",
        .value = "TASK",
        .bare = true},
       &AtlasRequest::world},
      {{.name = "documents", .help = "documents of the world", .min = 1}, &AtlasRequest::documents},
      {{.name = "tokens", .help = "read at most so many tokens", .min = 2}, &AtlasRequest::tokens},
      {{.name = "seed", .help = "chooses documents and examples"}, &AtlasRequest::seed},
      {trust_field(), &AtlasRequest::trust},
  };
}

class Building {
 public:
  Building(Session& session, const AtlasRequest& request, const Dictionary& dictionary)
      : session_(session),
        request_(request),
        dictionary_(dictionary),
        builder_(feature_counts(dictionary), {.seed = request.seed}),
        truth_(feature_counts(dictionary)) {}

  static std::vector<std::size_t> feature_counts(const Dictionary& dictionary) {
    std::vector<std::size_t> out;
    for (const DictionaryLayer& layer : dictionary.layers()) {
      out.push_back(layer.features());
    }
    return out;
  }

  /// `truths`: whether any document says what is true of it. Those without spans then count, too:
  /// what fires on them is a false alarm.
  void read(const DocumentSource& documents, bool truths, const std::stop_token& cancel,
            const std::function<void(std::string_view)>& progress) {
    has_truth_ = truths;
    const std::optional<TokenId> bos = session_.special.bos;
    TokenBatches batches(*session_.tokenizer, documents,
                         batch_options(session_.model->config(), bos, request_.tokens));
    while (auto batch = batches.next()) {
      if (cancel.stop_requested()) {
        fail(ErrorCode::Cancelled, "interrupted");
      }
      const std::vector<std::size_t> rows =
          bos ? rows_except(batch->tokens, std::span(&*bos, 1)) : rows_except(batch->tokens, {});
      const auto codes = read_features(*session_.backend, *session_.model, dictionary_,
                                       batch->batch(), rows, session_.precision);
      for (Document& document : batch->documents) {
        std::erase_if(document.spans, [](const Span& span) { return span.kind == "fact"; });
      }
      // Two counts that share nothing: each on a thread of its own.
      parallel_for(has_truth_ ? 2 : 1, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          i == 0 ? builder_.add(*batch, rows, codes) : truth_.add(*batch, rows, codes);
        }
      });
      if (progress) {
        progress(fmt::format("{} tokens", builder_.tokens()));
      }
    }
    check(builder_.tokens() != 0, "the corpus has no token that a feature could fire on");
    builder_.drop_unused();
  }

  std::vector<FeaturePage> pages(const std::stop_token& cancel) {
    std::vector<FeaturePage> out;
    std::size_t number = 0;
    for (std::size_t site = 0; site < dictionary_.layers().size(); ++site) {
      if (cancel.stop_requested()) {
        fail(ErrorCode::Cancelled, "interrupted");
      }
      const std::size_t features = dictionary_.layers()[site].features();
      const auto effects = logit_effects(*session_.backend, *session_.model, dictionary_, site,
                                         kTokensNamed, session_.precision);
      DecoderCosines cosines;
      if (features <= kMostCosines) {
        cosines = decoder_cosines(*session_.backend, dictionary_, site, kNear);
      }
      for (std::size_t f = 0; f < features; ++f, ++number) {
        FeaturePage page = builder_.page(number);
        page.promoted = effects[f].promoted;
        page.suppressed = effects[f].suppressed;
        if (!cosines.nearest.empty()) {
          for (const NearFeature& near : cosines.nearest[f]) {
            page.near.push_back({{static_cast<std::uint32_t>(site), near.feature}, near.cosine});
          }
        }
        page.label = label_of(builder_.peak_tokens(number), page.promoted,
                              [&](TokenId id) { return session_.tokenizer->bytes_of(id); });
        out.push_back(std::move(page));
      }
    }
    name_by_truth(out);
    return out;
  }

  AtlasContents contents(const std::vector<FeaturePage>& pages) const {
    AtlasContents out{.tokens = builder_.tokens(), .sequences = builder_.sequences()};
    const std::vector<DictionarySite> sites = sites_of(dictionary_, session_.model->config());
    for (std::size_t s = 0; s < sites.size(); ++s) {
      out.layers.push_back({.layer = dictionary_.layers()[s].layer,
                            .input_point = name_of(sites[s].input),
                            .output_point = name_of(sites[s].output),
                            .features = dictionary_.layers()[s].features()});
    }
    std::set<TokenId> shown;
    for (const auto& [number, sequence] : out.sequences) {
      shown.insert(sequence.tokens.begin(), sequence.tokens.end());
    }
    for (const FeaturePage& page : pages) {
      for (const auto* effects : {&page.promoted, &page.suppressed}) {
        for (const TokenEffect& effect : *effects) {
          shown.insert(effect.token);
        }
      }
    }
    for (const TokenId id : shown) {
      const std::string bytes = session_.tokenizer->bytes_of(id);
      out.pieces[id] = bytes.empty() ? std::string(session_.tokenizer->piece(id)) : bytes;
    }
    return out;
  }

  std::uint64_t tokens() const { return builder_.tokens(); }

 private:
  void name_by_truth(std::vector<FeaturePage>& pages) const {
    if (!has_truth_) {
      return;
    }
    std::map<FeatureId, const TruthLabel*> best;
    const std::vector<TruthLabel> labels = truth_.of_features(kTruthLabel);
    for (const TruthLabel& label : labels) {
      best[{static_cast<std::uint32_t>(label.site), label.feature}] = &label;
    }
    for (FeaturePage& page : pages) {
      if (const auto found = best.find(page.id); found != best.end()) {
        const TruthLabel& label = *found->second;
        page.label = {fmt::format("{}={}", label.kind, label.value), LabelSource::Truth, label.f1};
      }
    }
  }

  Session& session_;
  const AtlasRequest& request_;
  const Dictionary& dictionary_;
  AtlasBuilder builder_;
  TruthFeatures truth_;
  bool has_truth_ = false;
};

void read_all(Building& building, const AtlasRequest& request, const std::stop_token& cancel,
              const std::function<void(std::string_view)>& progress) {
  if (request.world) {
    const World world;
    building.read(
        world_documents(world.tasks_named(*request.world), request.seed, request.documents), true,
        cancel, progress);
    return;
  }
  std::vector<Document> documents;
  for (const std::string& file : request.corpus) {
    std::vector<Document> more = read_documents(file);
    std::move(more.begin(), more.end(), std::back_inserter(documents));
  }
  const bool truths = std::any_of(documents.begin(), documents.end(),
                                  [](const Document& d) { return !d.spans.empty(); });
  building.read(source_of(documents), truths, cancel, progress);
}

void count_labels(const std::vector<FeaturePage>& pages, AtlasResult& result) {
  for (const FeaturePage& page : pages) {
    result.alive += page.fires != 0 ? 1U : 0U;
    switch (page.label.source) {
      case LabelSource::None:
        break;
      case LabelSource::Truth:
        ++result.by_truth;
        break;
      case LabelSource::Token:
        ++result.by_token;
        break;
      case LabelSource::Context:
        ++result.by_context;
        break;
      case LabelSource::Logits:
        ++result.by_logits;
        break;
    }
  }
}

}  // namespace

const FieldTable<AtlasRequest>& atlas_fields() {
  static const FieldTable<AtlasRequest> table = [] {
    auto out = model_fields<AtlasRequest>();
    append(out, own_fields());
    return out;
  }();
  return table;
}

void check_atlas(const AtlasRequest& request) {
  check(request.corpus.empty() == request.world.has_value(),
        "give what to read: either --corpus FILE or --world");
}

AtlasResult build_atlas(Session& session, const AtlasRequest& request,
                        const std::filesystem::path& file, const std::stop_token& cancel,
                        const std::function<void(std::string_view)>& progress) {
  check_atlas(request);
  if (session.tokenizer == nullptr || session.names_only) {
    fail(ErrorCode::Unsupported,
         "{}: a corpus is text, and this model has no tokenizer; add its tokenizer.json",
         session.name);
  }
  const OpenedDictionary opened =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel);
  session.notes.insert(session.notes.end(), opened.notes.begin(), opened.notes.end());
  AtlasResult out{.provenance = session.provenance()};
  opened.describe(out.provenance);
  out.provenance.seed = request.seed;
  Building building(session, request, *opened.dictionary);
  const auto start = std::chrono::steady_clock::now();
  read_all(building, request, cancel, progress);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const std::vector<FeaturePage> pages = building.pages(cancel);
  AtlasContents contents = building.contents(pages);
  contents.meta = {{"version", version_text()},
                   {"model", out.provenance.model},
                   {"model_hash", out.provenance.model_hash},
                   {"dictionary", out.provenance.dictionary},
                   {"dictionary_hash", out.provenance.dictionary_hash},
                   {"tokenizer_hash", out.provenance.tokenizer_hash},
                   {"precision", out.provenance.precision},
                   {"seed", fmt::format("{}", request.seed)}};
  write_atlas(file, contents, pages);
  out.features = pages.size();
  out.tokens = building.tokens();
  out.sequences = contents.sequences.size();
  count_labels(pages, out);
  out.bytes = std::filesystem::file_size(file);
  out.tokens_per_s = static_cast<double>(out.tokens) / std::max(seconds.count(), 1e-9);
  return out;
}

Json to_json(const AtlasResult& result) {
  return Json::object({{"features", result.features},
                       {"alive", result.alive},
                       {"tokens", result.tokens},
                       {"sequences", result.sequences},
                       {"labels", Json::object({{"truth", result.by_truth},
                                                {"token", result.by_token},
                                                {"context", result.by_context},
                                                {"logits", result.by_logits}})},
                       {"bytes", std::uint64_t{result.bytes}},
                       {"tokens_per_s", result.tokens_per_s}});
}

}  // namespace cajal
