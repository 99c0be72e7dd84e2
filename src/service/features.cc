#include "service/features.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "base/whole_number.h"
#include "dictionary/read_features.h"
#include "service/input.h"
#include "service/open_atlas.h"
#include "service/open_dictionary.h"
#include "service/target_token.h"

namespace cajal {
namespace {

constexpr double kDense = 0.1;  // share of the tokens

FieldTable<FeaturesRequest> features_own_fields() {
  return {
      {{.name = "feature",
        .help = "the feature to show: layer of the model and number",
        .value = "L:F",
        .positional = true},
       &FeaturesRequest::feature},
      {{.name = "atlas",
        .help = "the atlas, as cajal atlas wrote it (default: the specimen's)",
        .value = "FILE"},
       &FeaturesRequest::atlas},
      {{.name = "text", .help = "list the features that fire on a text", .value = "PROMPT"},
       &FeaturesRequest::text},
      {{.name = "search",
        .help = "list features by words in labels and examples",
        .value = "WORDS"},
       &FeaturesRequest::search},
      {{.name = "like", .help = "list the features nearest to one", .value = "L:F"},
       &FeaturesRequest::like},
      {{.name = "front_end",
        .help = "write files for circuit-tracer's front end into this folder",
        .value = "DIR"},
       &FeaturesRequest::front_end},
      {{.name = "dictionary",
        .help = "with --text, the dictionary that the atlas is of (default: the specimen's)",
        .letter = 'd',
        .value = "DICTIONARY"},
       &FeaturesRequest::dictionary},
      {{.name = "top", .help = "entries of a list", .letter = 'n', .min = 1, .max = 1000},
       &FeaturesRequest::top},
      {{.name = "all", .help = "with --text, special tokens and dense features, too"},
       &FeaturesRequest::all},
      {trust_field(), &FeaturesRequest::trust},
  };
}

bool stronger(const FiringFeature& a, const FiringFeature& b) {
  const float x = std::abs(a.activation);  // dictionaries with signed features have negative ones
  const float y = std::abs(b.activation);
  return x != y ? x > y : a.id < b.id;
}

/// Features that fire nearly everywhere, asked of the atlas once each.
class DenseFeatures {
 public:
  explicit DenseFeatures(const AtlasStore& atlas) : atlas_(atlas) {}
  bool has(FeatureId id) {
    const auto [at, added] = known_.emplace(id, false);
    if (added) {
      const auto page = atlas_.page(id);
      at->second =
          page && static_cast<double>(page->fires) > kDense * static_cast<double>(atlas_.tokens());
    }
    return at->second;
  }

 private:
  const AtlasStore& atlas_;
  std::map<FeatureId, bool> known_;
};

/// What fires, without dense features unless asked for.
std::vector<std::vector<FiringFeature>> firing(const std::vector<SparseRows>& codes,
                                               const std::vector<std::size_t>& rows,
                                               std::size_t tokens, const AtlasStore& atlas,
                                               bool all) {
  DenseFeatures dense(atlas);
  std::vector<std::vector<FiringFeature>> out(tokens);
  for (std::size_t site = 0; site < codes.size(); ++site) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const SparseRows::Row fired = codes[site].row(r);
      for (std::size_t i = 0; i < fired.size(); ++i) {
        const FeatureId id{static_cast<std::uint32_t>(site), fired.columns[i]};
        if (all || !dense.has(id)) {
          out[rows[r]].push_back({id, fired.values[i], rows[r]});
        }
      }
    }
  }
  return out;
}

/// Lower case of ASCII letters.
std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return out;
}

std::vector<std::string> search_words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : lowered(text) + " ") {
    if (c != ' ' && c != '\t' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

bool has_all(const std::string& text, const std::vector<std::string>& words) {
  const std::string low = lowered(text);
  return std::all_of(words.begin(), words.end(),
                     [&](const std::string& word) { return low.find(word) != std::string::npos; });
}

std::string near_text(const FeatureExample& example, const AtlasStore& atlas) {
  constexpr std::size_t kWindow = 12;
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  std::string out;
  for (std::size_t t = 0; t < sequence.tokens.size(); ++t) {
    if (t + kWindow >= example.token && t <= example.token + kWindow) {
      out += atlas.piece(sequence.tokens[t]);
    }
  }
  return out;
}

}  // namespace

const FieldTable<FeaturesRequest>& features_fields() {
  static const FieldTable<FeaturesRequest> table = [] {
    auto out = features_own_fields();
    append(out, model_fields<FeaturesRequest>());
    return out;
  }();
  return table;
}

void check_features(const FeaturesRequest& request) {
  const int things = (request.feature ? 1 : 0) + (request.text.empty() ? 0 : 1) +
                     (request.search.empty() ? 0 : 1) + (request.like.empty() ? 0 : 1) +
                     (request.front_end.empty() ? 0 : 1);
  check(things == 1, "give one of L:F, --text, --search, --like and --front-end");
}

FeatureId parse_feature(std::string_view text, const AtlasStore& atlas) {
  const std::size_t colon = text.find(':');
  const auto layer = whole_number(text.substr(0, colon));
  const auto feature =
      colon == std::string_view::npos ? std::nullopt : whole_number(text.substr(colon + 1));
  check(layer && feature, "'{}' is no feature: give layer and number, such as 3:1207", text);
  for (std::size_t site = 0; site < atlas.layers().size(); ++site) {
    const AtlasLayer& l = atlas.layers()[site];
    if (l.layer == *layer) {
      check(*feature < l.features, "layer {} has {} features; {} is none of them", l.layer,
            l.features, *feature);
      return {static_cast<std::uint32_t>(site), static_cast<std::uint32_t>(*feature)};
    }
  }
  std::string layers;
  for (const AtlasLayer& l : atlas.layers()) {
    layers += fmt::format("{}{}", layers.empty() ? "" : ", ", l.layer);
  }
  fail(ErrorCode::NotFound, "the atlas has no layer {}; it has {}", *layer, layers);
}

std::string name_of(FeatureId id, const AtlasStore& atlas) {
  return fmt::format("{}:{}", id.site < atlas.layers().size() ? atlas.layers()[id.site].layer : 0,
                     id.feature);
}

TextFeatures features_of_text(Session& session, const AtlasStore& atlas,
                              const FeaturesRequest& request, const std::stop_token& cancel) {
  InputOptions input;
  input.text = request.text;
  const std::vector<TokenId> ids = input_ids(session, input);
  const OpenedDictionary opened =
      open_dictionary_for(session, request.dictionary, {}, request.trust, cancel, ids);
  Provenance provenance = session.provenance();
  opened.describe(provenance);
  check_atlas_is_of(atlas, provenance);
  std::vector<std::size_t> rows;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (request.all || session.tokenizer == nullptr || !session.tokenizer->is_special(ids[t])) {
      rows.push_back(t);
    }
  }
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(ids.size())};
  const auto codes = read_features(*session.backend, *session.model, *opened.dictionary,
                                   {ids, starts}, rows, session.precision);
  TextFeatures out;
  for (const TokenId id : ids) {
    out.pieces.push_back(piece_text(session.tokenizer.get(), id));
    out.texts.push_back(text_of_token(session, id));
  }
  out.tokens = firing(codes, rows, ids.size(), atlas, request.all);
  std::map<FeatureId, FiringFeature> best;
  for (auto& token : out.tokens) {
    std::sort(token.begin(), token.end(), stronger);
    for (const FiringFeature& f : token) {
      const auto [at, added] = best.emplace(f.id, f);
      at->second = !added && stronger(f, at->second) ? f : at->second;
    }
    token.resize(std::min(token.size(), request.top));
  }
  for (const auto& [id, f] : best) {
    out.overall.push_back(f);
  }
  std::sort(out.overall.begin(), out.overall.end(), stronger);
  out.overall.resize(std::min(out.overall.size(), request.top));
  return out;
}

std::vector<FeatureId> search_features(const AtlasStore& atlas, std::string_view text,
                                       std::size_t most) {
  const std::vector<std::string> words = search_words_of(text);
  check(!words.empty(), "give a word to search for");
  std::vector<FeatureId> labelled;
  std::vector<FeatureId> shown;
  atlas.visit([&](const FeaturePage& page) {
    if (has_all(page.label.text, words)) {
      labelled.push_back(page.id);
    } else if (shown.size() < most &&
               std::any_of(page.top.begin(), page.top.end(), [&](const FeatureExample& e) {
                 return has_all(near_text(e, atlas), words);
               })) {
      shown.push_back(page.id);
    }
    return labelled.size() < most;
  });
  labelled.insert(labelled.end(), shown.begin(), shown.end());
  labelled.resize(std::min(labelled.size(), most));
  return labelled;
}

}  // namespace cajal
