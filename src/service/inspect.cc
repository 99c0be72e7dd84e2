#include "service/inspect.h"

#include <algorithm>

#include "io/gguf.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "service/describe.h"
#include "service/identity.h"
#include "service/open_dictionary.h"
#include "service/session.h"

namespace cajal {
namespace {

constexpr std::string_view kSentence =
    "The little girl went to the park with her mother, and they were very happy to play there.";
constexpr std::size_t kCheckTokens = 24;

bool holds_model(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? std::filesystem::exists(path / "config.json")
                                             : path.extension() == ".gguf";
}

bool holds_tensors(const std::filesystem::path& path) {
  return path.extension() == ".safetensors" || path.extension() == ".npz" ||
         path.extension() == ".npy" || path.string().ends_with(".index.json") ||
         std::filesystem::exists(path / "model.safetensors");
}

/// A file that is nothing but, perhaps, a dictionary.
bool is_torch(const std::filesystem::path& path) {
  return path.extension() == ".pt" || path.extension() == ".pth";
}

/// Ids spread over the vocabulary, for a model that cannot read text.
std::vector<TokenId> spread_ids(const ModelConfig& config) {
  const std::size_t count = std::min(kCheckTokens, config.context);
  std::vector<TokenId> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<TokenId>((i * 7919 + 3) % config.vocab));
  }
  return out;
}

std::vector<TokenId> sentence_ids(const Session& session) {
  if (!session.tokenizer || session.names_only) {
    return {};
  }
  std::vector<TokenId> ids = session.tokenizer->encode_ids(kSentence);
  ids.resize(std::min(ids.size(), session.context()));
  const auto outside = [&](TokenId id) {
    return static_cast<std::size_t>(id) >= session.model->config().vocab;
  };
  return std::any_of(ids.begin(), ids.end(), outside) ? std::vector<TokenId>() : ids;
}

SelfCheck run_check(Session& session, const std::stop_token& cancel) {
  std::vector<TokenId> ids = sentence_ids(session);
  const bool is_sentence = ids.size() >= 2;
  if (!is_sentence) {
    ids = spread_ids(session.model->config());
  }
  return self_check(*session.backend, *session.model, ids, session.precision, is_sentence, cancel);
}

void add_gguf(Json& details, const std::filesystem::path& path) {
  const auto file = Gguf::open(path);
  details.set("gguf", Json::object({{"version", static_cast<std::int64_t>(file->version())},
                                    {"tensors", describe_tensors(file->tensors())},
                                    {"metadata", describe_metadata(*file)}}));
}

InspectResult inspect_model(const InspectRequest& request, const std::filesystem::path& path,
                            const std::stop_token& cancel) {
  Session session = open_session(request);
  InspectResult out{.kind = "model", .details = describe_model(*session.model)};
  out.details.set("tokenizer", session.tokenizer
                                   ? describe_tokenizer(*session.tokenizer, session.special)
                                   : Json());
  out.details.set("stop", Json::array_of(session.special.stop));
  if (path.extension() == ".gguf") {
    add_gguf(out.details, path);
  } else {
    out.details.set("tensors", Safetensors::open(path)->tensors().size());
  }
  if (request.check) {
    out.check = run_check(session, cancel);
  }
  out.provenance = session.provenance();
  out.notes = session.notes;
  return out;
}

Json describe_safetensors(const std::filesystem::path& path) {
  const auto file = Safetensors::open(path);
  Json metadata = Json::object({});
  for (const auto& [key, value] : file->metadata()) {
    metadata.append_member(key, value);
  }
  return Json::object(
      {{"metadata", std::move(metadata)}, {"tensors", describe_tensors(file->tensors())}});
}

Json describe_numpy(const std::filesystem::path& path) {
  std::vector<StoredTensor> tensors;
  if (path.extension() == ".npy") {
    const auto array = Npy::open(path);
    tensors.push_back(array->tensor());
    return Json::object({{"tensors", describe_tensors(tensors)}});
  }
  const auto archive = Npz::open(path);
  std::vector<std::shared_ptr<const Npy>> arrays;  // keep what `tensors` refers to
  for (const std::string& name : archive->names()) {
    arrays.push_back(archive->read(name));
    tensors.push_back(arrays.back()->tensor());
  }
  return Json::object({{"tensors", describe_tensors(tensors)}});
}

Json describe_layer(const DictionaryLayer& layer) {
  return Json::object({{"layer", layer.layer},
                       {"features", layer.features()},
                       {"d_in", layer.d_in()},
                       {"d_out", layer.d_out()},
                       {"targets", layer.targets()},
                       {"activation", name_of(layer.activation.kind)},
                       {"k", layer.activation.k > 0 ? Json(layer.activation.k) : Json()},
                       {"skip", static_cast<bool>(layer.w_skip)},
                       {"input_point", layer.input_point},
                       {"output_point", layer.output_point}});
}

/// `path` is where request.model was found.
InspectResult inspect_dictionary(const InspectRequest& request, const std::filesystem::path& path) {
  const OpenedDictionary opened = open_dictionary(path.string());
  const Dictionary& dictionary = *opened.dictionary;
  if (request.check) {
    check_weights(dictionary);
  }
  Json layers(Json::Array{});
  for (const DictionaryLayer& layer : dictionary.layers()) {
    layers.push_back(describe_layer(layer));
  }
  const std::string& model = dictionary.info().model_name;
  InspectResult out{.kind = "dictionary",
                    .details = Json::object({{"dictionary", name_of(dictionary.kind())},
                                             {"format", dictionary.info().format},
                                             {"model", model.empty() ? Json() : Json(model)},
                                             {"dtype", name_of(dictionary.dtype())},
                                             {"features", dictionary.features()},
                                             {"parameters", dictionary.parameters()},
                                             {"layers", std::move(layers)}})};
  opened.describe(out.provenance);
  out.provenance.dictionary = request.model;
  out.notes = opened.notes;
  return out;
}

InspectResult inspect_tensors(const std::filesystem::path& path) {
  const bool numpy = path.extension() == ".npy" || path.extension() == ".npz";
  return {.kind = "tensors", .details = numpy ? describe_numpy(path) : describe_safetensors(path)};
}

/// The tokenizer of what is nothing else; a file that is none says what it was taken for.
std::shared_ptr<const Tokenizer> last_guess(const std::filesystem::path& path) {
  try {
    return load_tokenizer(path);
  } catch (const Error& error) {
    const bool content =
        error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::Unsupported;
    if (!content || std::filesystem::is_directory(path)) {
      throw;
    }
    fail(error.code(),
         "{}; it was read as a tokenizer, for its name does not end like that of a GGUF (.gguf), "
         "safetensors (.safetensors) or NumPy file (.npz, .npy); of a model give the folder",
         error.what());
  }
}

void check_no_run_options(const InspectRequest& request) {
  check(!request.check, "{}: --check is for models, and this is none", request.model);
  check(request.device == ModelOptions().device && request.precision.empty() && !request.threads &&
            request.vocab.empty(),
        "{}: --device, --precision, --threads and --vocab are for models, and this is none",
        request.model);
}

InspectResult inspect_tokenizer(const std::filesystem::path& path) {
  const auto tokenizer = last_guess(path);
  if (!tokenizer) {
    fail(ErrorCode::Unsupported,
         "{}: is no model (config.json), tokenizer (tokenizer.json, tokenizer.model), GGUF, "
         "safetensors or npz file",
         path.string());
  }
  SpecialIds special;
  if (std::filesystem::is_directory(path)) {
    special = read_special_ids(path, tokenizer.get(), tokenizer->vocab_size());
  }
  InspectResult out{.kind = "tokenizer", .details = describe_tokenizer(*tokenizer, special)};
  out.provenance.tokenizer = tokenizer->description();
  out.provenance.tokenizer_hash = tokenizer_hash(path);
  out.notes = special.notes;
  return out;
}

Json check_json(const SelfCheck& check, bool passed) {
  Json checks(Json::Array{});
  for (const CheckResult& one : check.checks) {
    checks.push_back(Json::object({{"name", one.name},
                                   {"largest_error", one.largest_error},
                                   {"tolerance", one.tolerance},
                                   {"passed", one.passed}}));
  }
  return Json::object({{"passed", passed},
                       {"checks", std::move(checks)},
                       {"mean_nll", check.mean_nll},
                       {"uniform_nll", check.uniform_nll},
                       {"warnings", Json::array_of(check.warnings)}});
}

}  // namespace

const FieldTable<InspectRequest>& inspect_fields() {
  static const FieldTable<InspectRequest> table = [] {
    FieldTable<InspectRequest> out = {{{.name = "path",
                                        .help = "a model, dictionary, tokenizer or file of tensors",
                                        .value = "PATH",
                                        .positional = true},
                                       &InspectRequest::path}};
    append(out, model_fields<InspectRequest>());
    out.push_back({{.name = "check", .help = "check that the model's inner values fit together"},
                   &InspectRequest::check});
    return out;
  }();
  return table;
}

bool InspectResult::passed() const {
  return !check || std::all_of(check->checks.begin(), check->checks.end(),
                               [](const CheckResult& one) { return one.passed; });
}

InspectResult inspect(const InspectRequest& request, const std::stop_token& cancel) {
  InspectRequest found = request;
  if (!request.path.empty()) {
    found.model = request.path;
  }
  const FoundModel model = find_model(found.model);
  if (is_dictionary(model.path) || is_torch(model.path)) {
    return inspect_dictionary(found, model.path);
  }
  if (holds_model(model.path)) {
    return inspect_model(found, model.path, cancel);
  }
  check_no_run_options(found);
  InspectResult out =
      holds_tensors(model.path) ? inspect_tensors(model.path) : inspect_tokenizer(model.path);
  out.provenance.model = found.model;
  return out;
}

Json to_json(const InspectResult& result) {
  Json out = Json::object({{"kind", result.kind}});
  for (const auto& [name, value] : result.details.as_object("details")) {
    out.append_member(name, value);
  }
  return out.set("check", result.check ? check_json(*result.check, result.passed()) : Json());
}

}  // namespace cajal
