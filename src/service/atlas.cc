#include "service/atlas.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "service/asked.h"
#include "service/atlas_building.h"
#include "service/beginning.h"
#include "service/open_dictionary.h"

namespace cajal {
namespace {

FieldTable<AtlasRequest> atlas_own_fields() {
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
      {{.name = "tokens", .help = "tokens to read; the last piece of text is read whole", .min = 2},
       &AtlasRequest::tokens},
      {{.name = "seed", .help = "chooses documents and examples"}, &AtlasRequest::seed},
      {{.name = "checkpoint_every",
        .help = "seconds between checkpoints, which --resume goes on from"},
       &AtlasRequest::checkpoint_every},
      {{.name = "resume", .help = "go on from the last checkpoint"}, &AtlasRequest::resume},
      {trust_field(), &AtlasRequest::trust},
  };
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

/// What a checkpoint must have in common with the run that goes on from it.
std::string description_of(const AtlasRequest& request, const Provenance& provenance) {
  return Json::object({{"model", provenance.model_hash},
                       {"dictionary", provenance.dictionary_hash},
                       {"tokenizer", provenance.tokenizer_hash},
                       {"precision", provenance.precision},
                       {"device", provenance.device},
                       {"corpus",
                        request.world ? "world " + *request.world : fingerprint_of(request.corpus)},
                       {"documents", request.documents},
                       {"tokens", request.tokens},
                       {"seed", request.seed}})
      .dump();
}

}  // namespace

const FieldTable<AtlasRequest>& atlas_fields() {
  static const FieldTable<AtlasRequest> table = [] {
    auto out = model_fields<AtlasRequest>();
    append(out, atlas_own_fields());
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
                        const AtlasProgress& progress) {
  check_atlas(request);
  check_reads_text(session, "a corpus is text");
  const AtlasText text = text_of(request);
  const OpenedDictionary opened =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel);
  session.notes.insert(session.notes.end(), opened.notes.begin(), opened.notes.end());
  AtlasResult out{.provenance = session.provenance()};
  opened.describe(out.provenance);
  out.provenance.seed = request.seed;
  AtlasCheckpoint checkpoint(file, description_of(request, out.provenance), beginning_of(request));
  AtlasBuilding building(session, request, *opened.dictionary, checkpoint, progress);
  building.read(text, cancel);
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
  checkpoint.remove();
  out.features = pages.size();
  out.tokens = building.tokens();
  out.sequences = contents.sequences.size();
  count_labels(pages, out);
  out.bytes = std::filesystem::file_size(file);
  out.tokens_per_s = building.tokens_per_s();
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
