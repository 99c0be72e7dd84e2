#include "service/atlas_building.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "atlas/label.h"
#include "atlas/logit_effects.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/seconds.h"
#include "corpus/world/world.h"
#include "dictionary/decoder_cosine.h"
#include "dictionary/read_features.h"
#include "measure/world_truths.h"

namespace cajal {
namespace {

constexpr std::size_t kTokensNamed = 5;  // promoted, suppressed
constexpr std::size_t kNear = 5;
constexpr double kTruthLabel = 0.5;  // F1 from which a truth names a feature
constexpr std::size_t kMostCosines = std::size_t{1} << 16;

double ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1));
}

}  // namespace

AtlasText text_of(const AtlasRequest& request) {
  if (request.world) {
    const auto world = std::make_shared<World>();
    const DocumentSource documents =
        world_documents(world->tasks_named(*request.world), request.seed, request.documents);
    return {.documents = [world, documents](std::uint64_t index) { return documents(index); },
            .has_truth = true,
            .share = [&request](std::uint64_t next) { return ratio(next, request.documents); }};
  }
  const auto stream = open_corpus(request.corpus);
  return {
      .documents = source_of(stream),
      .has_truth = stream->may_have_spans(),
      .share = [stream](std::uint64_t) { return ratio(stream->bytes_read(), stream->bytes()); }};
}

AtlasBuilding::AtlasBuilding(Session& session, const AtlasRequest& request,
                             const Dictionary& dictionary, AtlasCheckpoint& checkpoint,
                             const AtlasProgress& progress)
    : session_(session),
      request_(request),
      dictionary_(dictionary),
      checkpoint_(checkpoint),
      progress_(progress),
      state_{.builder = AtlasBuilder(dictionary.feature_counts(), {.seed = request.seed}),
             .truth = TruthFeatures(dictionary.feature_counts())} {}

void AtlasBuilding::read(const AtlasText& text, const std::stop_token& cancel) {
  has_truth_ = text.has_truth;
  TokenBatches batches(
      *session_.tokenizer, text.documents,
      batch_options(session_.model->config(), session_.special.bos, request_.tokens));
  const auto share = [&] {
    return std::max(text.share(batches.position().document),
                    ratio(batches.tokens(), request_.tokens));
  };
  if (checkpoint_.load(state_)) {
    batches.restore(state_.position);
    share_before_ = share();
  }
  tokens_before_ = tokens();
  start_ = saved_ = Clock::now();
  while (true) {
    if (cancel.stop_requested()) {
      interrupted();
    }
    auto batch = batches.next();
    if (!batch) {
      break;
    }
    read(*batch);
    state_.position = batches.position();
    ++state_.batches;
    save_if_due();
    show(share());
  }
  seconds_ = seconds_between(start_, Clock::now());
  check(tokens() != 0, "the corpus has no token that a feature could fire on");
  state_.builder.drop_unused();
}

void AtlasBuilding::read(TokenBatch& batch) {
  const std::optional<TokenId> bos = session_.special.bos;
  const std::vector<std::size_t> rows =
      bos ? rows_except(batch.tokens, std::span(&*bos, 1)) : rows_except(batch.tokens, {});
  const auto codes = read_features(*session_.backend, *session_.model, dictionary_, batch.batch(),
                                   rows, session_.precision);
  for (Document& document : batch.documents) {
    std::erase_if(document.spans, [](const Span& span) { return span.kind == "fact"; });
  }
  // Two counts that share nothing: each on a thread of its own.
  parallel_for(has_truth_ ? 2 : 1, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      i == 0 ? state_.builder.add(batch, rows, codes) : state_.truth.add(batch, rows, codes);
    }
  });
}

void AtlasBuilding::save_if_due() {
  const auto now = Clock::now();
  if (seconds_between(saved_, now) >= static_cast<double>(request_.checkpoint_every)) {
    state_.builder.drop_unused();  // and so the file is no larger than need be
    checkpoint_.save(state_);
    saved_ = now;
  }
}

void AtlasBuilding::interrupted() {
  state_.builder.drop_unused();
  checkpoint_.save(state_);
  fail(ErrorCode::Cancelled, "interrupted after {} tokens; go on with --resume", tokens());
}

void AtlasBuilding::show(double share) const {
  if (!progress_) {
    return;
  }
  const double seconds = seconds_between(start_, Clock::now());
  const double done = std::clamp(share - share_before_, 1e-9, 1.0);
  progress_(
      {.what = fmt::format("{} tokens, {:.0f} %", tokens(), 100.0 * share),
       .tokens_per_s = static_cast<double>(tokens() - tokens_before_) / std::max(seconds, 1e-9),
       .seconds_left = seconds / done * (1.0 - share)});
}

double AtlasBuilding::tokens_per_s() const {
  return static_cast<double>(tokens() - tokens_before_) / std::max(seconds_, 1e-9);
}

std::vector<FeaturePage> AtlasBuilding::pages(const std::stop_token& cancel) {
  std::vector<FeaturePage> out;
  for (std::size_t site = 0; site < dictionary_.layers().size(); ++site) {
    if (cancel.stop_requested()) {
      interrupted();
    }
    if (progress_) {
      progress_({.what = fmt::format("{} tokens read; pages of layer {}", tokens(),
                                     dictionary_.layers()[site].layer)});
    }
    std::vector<FeaturePage> more = pages_of_layer(site);
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }
  name_by_truth(out);
  return out;
}

std::vector<FeaturePage> AtlasBuilding::pages_of_layer(std::size_t site) {
  std::vector<FeaturePage> out;
  const std::size_t features = dictionary_.layers()[site].features();
  const auto effects = logit_effects(*session_.backend, *session_.model, dictionary_, site,
                                     kTokensNamed, session_.precision);
  DecoderCosines cosines;
  if (features <= kMostCosines) {
    cosines = decoder_cosines(*session_.backend, dictionary_, site, kNear);
  }
  for (std::size_t f = 0; f < features; ++f) {
    const std::size_t number = state_.builder.number(site) + f;
    FeaturePage page = state_.builder.page(number);
    page.promoted = effects[f].promoted;
    page.suppressed = effects[f].suppressed;
    if (!cosines.nearest.empty()) {
      for (const NearFeature& near : cosines.nearest[f]) {
        page.near.push_back({{static_cast<std::uint32_t>(site), near.feature}, near.cosine});
      }
    }
    page.label = label_of(state_.builder.peak_tokens(number), page.promoted,
                          [&](TokenId id) { return session_.tokenizer->bytes_of(id); });
    out.push_back(std::move(page));
  }
  return out;
}

AtlasContents AtlasBuilding::contents(const std::vector<FeaturePage>& pages) const {
  AtlasContents out{.tokens = state_.builder.tokens(), .sequences = state_.builder.sequences()};
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

void AtlasBuilding::name_by_truth(std::vector<FeaturePage>& pages) const {
  if (!has_truth_) {
    return;
  }
  std::map<FeatureId, const TruthLabel*> best;
  const std::vector<TruthLabel> labels = state_.truth.of_features(kTruthLabel);
  for (const TruthLabel& label : labels) {
    best[{static_cast<std::uint32_t>(label.site), label.feature}] = &label;
  }
  for (FeaturePage& page : pages) {
    if (const auto found = best.find(page.id); found != best.end()) {
      const TruthLabel& label = *found->second;
      page.label = {fmt::format("{}={}", label.kind, label.value), LabelSource::Truth, label.f1,
                    label.threshold};
    }
  }
}

}  // namespace cajal
