#include "service/open_dictionary.h"

#include <cstdlib>

#include "base/file.h"
#include "dictionary/identity.h"
#include "io/hash.h"
#include "io/hub_cache.h"
#include "model/generate.h"
#include "service/identity.h"
#include "service/specimen.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTexts = 4;
constexpr std::size_t kFitTokens = 64;  // of each, after its beginning
constexpr std::size_t kBegin = 64;      // of a prompt that they begin with, at most

/// Text that the model writes by itself: near to what it was trained on, whatever that was.
struct OwnText {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};
};

/// After a prompt until the model ends it: what comes then, on the end token and after it, may be
/// like nothing that the model was trained on.
OwnText text_after(Session& session, const std::vector<TokenId>& begin,
                   const std::vector<TokenId>& stop, const std::stop_token& cancel) {
  const std::vector<std::vector<TokenId>> prompts(kTexts, begin);
  const auto texts = generate(*session.backend, *session.model, nullptr, prompts,
                              {.max_tokens = std::min(kFitTokens, session.context() - begin.size()),
                               .sampling = {.temperature = 1.0, .seed = 1},
                               .stop_ids = stop,
                               .precision = session.precision,
                               .cancel = cancel});
  OwnText out;
  for (const Generation& text : texts) {
    if (text.finish == Finish::Cancelled) {
      fail(ErrorCode::Cancelled, "interrupted");
    }
    out.tokens.insert(out.tokens.end(), begin.begin(), begin.end());
    out.tokens.insert(out.tokens.end(), text.ids.begin(),
                      text.ids.end() - (text.finish == Finish::StopToken ? 1 : 0));
    out.starts.push_back(static_cast<std::int32_t>(out.tokens.size()));
  }
  return out;
}

/// One document after the other, as a model that ends and goes on has read them.
OwnText own_text(Session& session, const std::stop_token& cancel) {
  const auto& stop = session.special.stop;
  const TokenId first = session.special.bos.value_or(stop.empty() ? 0 : stop.front());
  return text_after(session, {first}, {}, cancel);
}

/// $XDG_CACHE_HOME/cajal/fits, or ~/.cache/cajal/fits; empty if neither is known.
fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') {
    return fs::path(cache) / "cajal" / "fits";
  }
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? fs::path() : fs::path(home) / ".cache/cajal/fits";
}

Json point_json(const std::optional<Point>& point) {
  return point ? Json(name_of(*point)) : Json();
}

Json to_json(const std::vector<LayerFit>& fits) {
  Json out(Json::Array{});
  for (const LayerFit& fit : fits) {
    out.push_back(Json::object({{"fvu", fit.fvu},
                                {"l0", fit.l0},
                                {"other", point_json(fit.other)},
                                {"other_fvu", fit.other_fvu}}));
  }
  return out;
}

/// What was measured before; nullopt where nothing usable is kept.
std::optional<std::vector<LayerFit>> kept_fits(const fs::path& file, const Dictionary& dictionary,
                                               const ModelConfig& config) {
  if (file.empty() || !fs::exists(file)) {
    return std::nullopt;
  }
  const std::vector<DictionarySite> sites = sites_of(dictionary, config);
  try {
    const Json document = Json::load(file);
    const Json::Array& list = document.as_array("");
    std::vector<LayerFit> out;
    for (std::size_t l = 0; l < sites.size() && l < list.size(); ++l) {
      const Json* other = list[l].find_value("other");
      out.push_back({.site = sites[l],
                     .fvu = list[l].at("fvu", "").as_double(""),
                     .l0 = list[l].at("l0", "").as_double(""),
                     .other = other == nullptr
                                  ? std::nullopt
                                  : std::optional(parse_point(other->as_string(""), config)),
                     .other_fvu = list[l].at("other_fvu", "").as_double("")});
    }
    return out.size() == sites.size() ? std::optional(std::move(out)) : std::nullopt;
  } catch (const Error&) {  // a cache that cannot be read is no cache
    return std::nullopt;
  }
}

/// A cache that cannot be written costs time the next time, no more.
void keep_fits(const fs::path& file, const std::vector<LayerFit>& fits) {
  std::error_code error;
  if (file.empty() || (fs::create_directories(file.parent_path(), error), error)) {
    return;
  }
  try {
    write_file(file, to_json(fits).dump() + "\n");
  } catch (const Error&) {
    return;
  }
}

/// Where fits on texts with this beginning are kept; `prompt` is empty for the model's own.
fs::path file_of_fits(const Session& session, const Dictionary& dictionary,
                      const std::vector<TokenId>& prompt) {
  const fs::path folder = cache_folder();
  if (folder.empty()) {
    return {};
  }
  std::string name = fmt::format("{}-{}-{}", model_hash(session.path), dictionary_hash(dictionary),
                                 session.precision_name());
  if (!prompt.empty()) {
    Hash hash;
    for (const TokenId id : prompt) {
      hash.add_number(static_cast<std::uint64_t>(id));
    }
    name += "-" + hash.digits();
  }
  return folder / (name + ".json");
}

std::vector<LayerFit> fits_of(Session& session, const Dictionary& dictionary,
                              const std::vector<TokenId>& prompt, const std::stop_token& cancel) {
  const fs::path file = file_of_fits(session, dictionary, prompt);
  if (auto kept = kept_fits(file, dictionary, session.model->config())) {
    return *kept;
  }
  const OwnText text = prompt.empty() ? own_text(session, cancel)
                                      : text_after(session, prompt, session.special.stop, cancel);
  std::vector<LayerFit> fits = measure_fit(*session.backend, *session.model, dictionary,
                                           {text.tokens, text.starts}, session.precision);
  keep_fits(file, fits);
  return fits;
}

std::vector<std::string> judged(Session& session, const Dictionary& dictionary,
                                std::span<const TokenId> prompt, const std::stop_token& cancel) {
  const std::vector<LayerFit> own = fits_of(session, dictionary, {}, cancel);
  if (session.special.bos || fits_well(own)) {
    return judge_fit(dictionary, own);
  }
  if (prompt.size() > 1) {  // a first token is not counted, and the model may write none
    const std::size_t most = std::min(kBegin, session.context() - 1);
    const auto begin = prompt.first(std::min(prompt.size(), most));
    return judge_fit(dictionary, fits_of(session, dictionary, {begin.begin(), begin.end()}, cancel),
                     "the prompt and what the model writes after it");
  }
  judge_fit(dictionary, own);  // refuses: that another point fits is a finding on any text
  return {
      fmt::format("{}: whether it is for this model was not found out: the model names no token "
                  "that begins a text, so that it writes none of its own to measure on",
                  dictionary.info().name)};
}

/// The dictionary that ships beside the specimen's model.
OpenedDictionary open_specimens(const LoadOptions& options) {
  const fs::path path = find_specimen_dictionary();
  OpenedDictionary out{
      .name = std::string(kSpecimen),
      .dictionary = load_dictionary(path, options),
      .notes = {fmt::format("no -d was given: using the specimen's, {}", path.string())}};
  const auto& notes = out.dictionary->info().notes;
  out.notes.insert(out.notes.end(), notes.begin(), notes.end());
  return out;
}

}  // namespace

void OpenedDictionary::describe(Provenance& provenance) const {
  provenance.dictionary = name;
  provenance.dictionary_hash = dictionary_hash(*dictionary);
}

LoadOptions load_options(const std::optional<std::size_t>& k) {
  return {.k = k ? std::optional(static_cast<double>(*k)) : std::nullopt};
}

std::string OpenedDictionary::scan() const {
  std::error_code error;
  return is_hub_name(name) && !fs::exists(name, error) ? name : "./data/features/cajal";
}

OpenedDictionary open_dictionary(const std::string& name, const LoadOptions& options) {
  if (name.empty()) {
    return open_specimens(options);
  }
  fs::path path = name;
  std::error_code error;
  if (!fs::exists(path, error)) {
    const auto found = is_hub_name(name) ? find_in_hub_cache(name) : std::nullopt;
    if (!found) {
      fail(ErrorCode::NotFound,
           "{}: no such file or folder, nor a name in the Hugging Face cache; give a dictionary's "
           "path (nothing is ever downloaded)",
           name);
    }
    path = *found;
  }
  OpenedDictionary out{.name = name, .dictionary = load_dictionary(path, options)};
  out.notes = out.dictionary->info().notes;
  return out;
}

OpenedDictionary open_dictionary_for(Session& session, const std::string& name,
                                     const LoadOptions& options, bool trust,
                                     const std::stop_token& cancel,
                                     std::span<const TokenId> prompt) {
  OpenedDictionary out = open_dictionary(name, options);
  sites_of(*out.dictionary, session.model->config());
  if (!trust) {
    const auto notes = judged(session, *out.dictionary, prompt, cancel);
    out.notes.insert(out.notes.end(), notes.begin(), notes.end());
  }
  return out;
}

}  // namespace cajal
