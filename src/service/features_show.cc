// Feature pages as text, as JSON, and as files of circuit-tracer's front end.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "service/features.h"

namespace cajal {
namespace {

constexpr std::size_t kWindow = 12;  // tokens on either side

double density(const FeaturePage& page, const AtlasStore& atlas) {
  return atlas.tokens() == 0
             ? 0.0
             : static_cast<double>(page.fires) / static_cast<double>(atlas.tokens());
}

/// The activation of the feature on a token of an example; 0 where it does not fire.
float activation_at(const FeatureExample& example, std::uint32_t token) {
  for (const auto& [at, value] : example.firing) {
    if (at == token) {
      return value;
    }
  }
  return 0.0F;
}

std::pair<std::size_t, std::size_t> window_of(const FeatureExample& example, std::size_t tokens) {
  const std::size_t at = example.token;
  return {at < kWindow ? 0 : at - kWindow, std::min(tokens, at + kWindow + 1)};
}

/// For a terminal: what a corpus holds must not move the cursor, and pieces may be half letters.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : sanitize_utf8(text)) {
    const bool control = static_cast<unsigned char>(c) < 32 || c == 127;
    out += c == '\n' ? "\\n"
           : control ? fmt::format("\\x{:02x}", static_cast<unsigned>(c))
                     : std::string(1, c);
  }
  return out;
}

/// The firing token in [[double brackets]].
std::string example_line(const FeatureExample& example, const AtlasStore& atlas) {
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  const auto [begin, end] = window_of(example, sequence.tokens.size());
  std::string out;
  for (std::size_t t = begin; t < end; ++t) {
    const std::string piece = atlas.piece(sequence.tokens[t]);
    out += t == example.token ? "[[" + piece + "]]" : piece;
  }
  return one_line(out);
}

std::string effects_line(const std::vector<TokenEffect>& effects, const AtlasStore& atlas) {
  std::string out;
  for (const TokenEffect& effect : effects) {
    out += fmt::format("{}\"{}\" {:+.2f}", out.empty() ? "" : ", ",
                       one_line(atlas.piece(effect.token)), effect.logit);
  }
  return out.empty() ? "not known" : out;
}

std::string neighbours_line(const std::vector<FeatureNeighbour>& neighbours,
                            const AtlasStore& atlas) {
  std::string out;
  for (const FeatureNeighbour& n : neighbours) {
    out += fmt::format("{}{} {:.2f}", out.empty() ? "" : ", ", name_of(n.id, atlas), n.score);
  }
  return out.empty() ? "none" : out;
}

Json label_json(const FeatureLabel& label) {
  Json out =
      Json::object({{"text", label.text},
                    {"how", name_of(label.source)},
                    {"score", label.source == LabelSource::None ? Json() : Json(label.score)}});
  if (label.source == LabelSource::Truth) {
    out.set("from", label.from);
  }
  return out;
}

Json example_json(const FeatureExample& example, const AtlasStore& atlas) {
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  const auto [begin, end] = window_of(example, sequence.tokens.size());
  Json tokens(Json::Array{});
  Json activations(Json::Array{});
  for (std::size_t t = begin; t < end; ++t) {
    tokens.push_back(atlas.piece(sequence.tokens[t]));
    activations.push_back(
        static_cast<double>(activation_at(example, static_cast<std::uint32_t>(t))));
  }
  return Json::object({{"document", sequence.document},
                       {"activation", static_cast<double>(example.activation)},
                       {"at", std::uint64_t{example.token - begin}},
                       {"tokens", std::move(tokens)},
                       {"activations", std::move(activations)}});
}

Json examples_json(const std::vector<FeatureExample>& examples, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const FeatureExample& example : examples) {
    out.push_back(example_json(example, atlas));
  }
  return out;
}

Json effects_json(const std::vector<TokenEffect>& effects, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const TokenEffect& effect : effects) {
    out.push_back(Json::object({{"id", effect.token},
                                {"piece", atlas.piece(effect.token)},
                                {"logit", static_cast<double>(effect.logit)}}));
  }
  return out;
}

Json neighbours_json(const std::vector<FeatureNeighbour>& neighbours, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const FeatureNeighbour& n : neighbours) {
    out.push_back(
        Json::object({{"feature", name_of(n.id, atlas)}, {"score", static_cast<double>(n.score)}}));
  }
  return out;
}

Json histogram_json(const FeaturePage& page) {
  Json from(Json::Array{});
  for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
    from.push_back(bin_begin(static_cast<double>(page.first), bin));
  }
  Json counts(Json::Array{});
  for (const std::uint32_t count : page.histogram) {
    counts.push_back(std::uint64_t{count});
  }
  return Json::object({{"from", std::move(from)}, {"tokens", std::move(counts)}});
}

Json firing_json(const std::vector<FiringFeature>& features, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const FiringFeature& f : features) {
    const auto page = atlas.page(f.id);
    const auto activation = static_cast<double>(f.activation);
    out.push_back(Json::object({{"feature", name_of(f.id, atlas)},
                                {"activation", activation},
                                {"token", f.token},
                                {"label", page ? Json(page->label.at(activation).text) : Json()}}));
  }
  return out;
}

/// Bytes that are no UTF-8 as \xNN, as the front end reads them.
std::string escaped(std::string_view bytes) {
  if (is_valid_utf8(bytes)) {
    return std::string(bytes);
  }
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 128 ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return out;
}

Json front_example(const FeatureExample& example, const AtlasStore& atlas) {
  const AtlasSequence sequence = atlas.sequence(example.sequence);
  const auto [begin, end] = window_of(example, sequence.tokens.size());
  Json tokens(Json::Array{});
  Json activations(Json::Array{});
  for (std::size_t t = begin; t < end; ++t) {
    tokens.push_back(escaped(atlas.piece(sequence.tokens[t])));
    activations.push_back(
        static_cast<double>(activation_at(example, static_cast<std::uint32_t>(t))));
  }
  return Json::object({{"tokens_acts_list", std::move(activations)},
                       {"train_token_ind", std::uint64_t{example.token - begin}},
                       {"is_repeated_datapoint", false},
                       {"tokens", std::move(tokens)}});
}

Json front_quantile(std::string name, const std::vector<FeatureExample>& examples,
                    const AtlasStore& atlas) {
  Json list(Json::Array{});
  for (const FeatureExample& example : examples) {
    list.push_back(front_example(example, atlas));
  }
  return Json::object({{"quantile_name", std::move(name)}, {"examples", std::move(list)}});
}

Json front_tokens(const std::vector<TokenEffect>& effects, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const TokenEffect& effect : effects) {
    out.push_back(escaped(atlas.piece(effect.token)));
  }
  return out;
}

Json front_end_json(const FeaturePage& page, const AtlasStore& atlas, const std::string& scan) {
  Json counts(Json::Array{});
  for (const std::uint32_t count : page.histogram) {
    counts.push_back(std::uint64_t{count});
  }
  Json quantiles(Json::Array{});
  quantiles.push_back(front_quantile("Top", page.top, atlas));
  quantiles.push_back(front_quantile("By strength", page.intervals, atlas));
  return Json::object({{"transcoder_id", scan},
                       {"index", std::uint64_t{page.id.feature}},
                       {"examples_quantiles", std::move(quantiles)},
                       {"top_logits", front_tokens(page.promoted, atlas)},
                       {"bottom_logits", front_tokens(page.suppressed, atlas)},
                       {"act_min", 0.0},
                       {"act_max", static_cast<double>(page.largest)},
                       {"histogram", std::move(counts)},
                       {"activation_frequency", density(page, atlas)},
                       {"label", page.label.text}});
}

}  // namespace

std::string text_of(const FeaturePage& page, const AtlasStore& atlas, std::size_t examples) {
  const AtlasLayer& layer = atlas.layers().at(page.id.site);
  std::string out = fmt::format("feature {}  {}\n", name_of(page.id, atlas),
                                page.label.text.empty()
                                    ? "(no label)"
                                    : fmt::format("{}  (by {}, {:.2f})", one_line(page.label.text),
                                                  name_of(page.label.source), page.label.score));
  out += fmt::format("reads {}, writes {}; fires on {:.4f} % of {} tokens, at most {:.3g}\n\n",
                     layer.input_point, layer.output_point, 100.0 * density(page, atlas),
                     atlas.tokens(), page.largest);
  for (std::size_t i = 0; i < std::min(examples, page.top.size()); ++i) {
    out += fmt::format("{:8.3g}  {}\n", page.top[i].activation, example_line(page.top[i], atlas));
  }
  out += page.intervals.empty() ? "" : "\nweaker:\n";
  for (std::size_t i = 1; i < std::min(examples, page.intervals.size()); ++i) {
    out += fmt::format("{:8.3g}  {}\n", page.intervals[i].activation,
                       example_line(page.intervals[i], atlas));
  }
  out += fmt::format("\npromotes:   {}\nsuppresses: {}\n", effects_line(page.promoted, atlas),
                     effects_line(page.suppressed, atlas));
  out += fmt::format("writes like: {}\nfires with:  {}\n", neighbours_line(page.near, atlas),
                     neighbours_line(page.together, atlas));
  return out;
}

Json to_json(const FeaturePage& page, const AtlasStore& atlas) {
  return Json::object({{"feature", name_of(page.id, atlas)},
                       {"label", label_json(page.label)},
                       {"density", density(page, atlas)},
                       {"largest", static_cast<double>(page.largest)},
                       {"histogram", histogram_json(page)},
                       {"top", examples_json(page.top, atlas)},
                       {"intervals", examples_json(page.intervals, atlas)},
                       {"promoted", effects_json(page.promoted, atlas)},
                       {"suppressed", effects_json(page.suppressed, atlas)},
                       {"near", neighbours_json(page.near, atlas)},
                       {"together", neighbours_json(page.together, atlas)}});
}

Json to_json(const TextFeatures& features, const AtlasStore& atlas) {
  Json tokens(Json::Array{});
  for (std::size_t t = 0; t < features.tokens.size(); ++t) {
    tokens.push_back(Json::object({{"piece", features.pieces[t]},
                                   {"text", features.texts[t]},
                                   {"features", firing_json(features.tokens[t], atlas)}}));
  }
  return Json::object(
      {{"tokens", std::move(tokens)}, {"overall", firing_json(features.overall, atlas)}});
}

Json list_json(const std::vector<FeatureId>& ids, const AtlasStore& atlas) {
  Json out(Json::Array{});
  for (const FeatureId id : ids) {
    const auto page = atlas.page(id);
    if (page) {
      out.push_back(Json::object({{"feature", name_of(id, atlas)},
                                  {"label", page->label.text},
                                  {"how", name_of(page->label.source)},
                                  {"density", density(*page, atlas)}}));
    }
  }
  return out;
}

std::size_t write_front_end(const AtlasStore& atlas, const std::filesystem::path& folder,
                            const std::string& scan) {
  const std::filesystem::path files = folder / "features" / scan;
  std::error_code error;
  std::filesystem::create_directories(files, error);
  check(!error, "{}: the folder cannot be made: {}", files.string(), error.message());
  std::size_t count = 0;
  atlas.visit([&](const FeaturePage& page) {
    if (page.fires != 0) {
      const std::uint64_t layer = atlas.layers().at(page.id.site).layer;
      const std::uint64_t sum = layer + page.id.feature;
      const std::uint64_t number = sum * (sum + 1) / 2 + page.id.feature;
      write_file(files / fmt::format("{}.json", number),
                 front_end_json(page, atlas, scan).dump() + "\n");
      ++count;
    }
    return true;
  });
  return count;
}

}  // namespace cajal
