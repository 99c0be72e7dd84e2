#include "service/session.h"

#include "base/parallel.h"
#include "io/gguf.h"
#include "io/hash.h"
#include "io/hub_cache.h"
#include "service/identity.h"
#include "service/names.h"
#include "service/specimen.h"

namespace cajal {
namespace {

bool is_gguf(const std::filesystem::path& path) {
  return path.extension() == ".gguf";
}

Precision choose_precision(const ModelOptions& options, Session& session) {
  const Backend& backend = *session.backend;
  if (!options.precision.empty()) {
    const Precision asked = parse_precision(options.precision);
    if (!backend.has(asked)) {
      fail(ErrorCode::Unsupported,
           "precision {}: this machine has no bf16 arithmetic for device {}; use --precision f32",
           options.precision, backend.name());
    }
    if (backend.activation_dtype() == DType::F64) {
      session.notes.push_back(
          fmt::format("device {} computes in f64, whatever --precision says", backend.name()));
    }
    return asked;
  }
  const Precision precision = session.model->default_precision(backend);
  if (precision == Precision::F32 && session.model->stored_dtype() == DType::BF16 &&
      !backend.has(Precision::BF16x2)) {
    session.notes.push_back(fmt::format(
        "{} is stored in bf16, but this machine has no bf16 arithmetic; computing in f32",
        session.name));
  }
  return precision;
}

std::shared_ptr<const Tokenizer> name_ids(const ModelOptions& options, const Session& session) {
  check_nameless(session.name, session.tokenizer.get());
  return load_names(options.vocab, session.model->config().vocab, session.special.stop);
}

}  // namespace

std::string Session::precision_name() const {
  return backend->activation_dtype() == DType::F64 ? "f64" : std::string(cajal::name_of(precision));
}

Provenance Session::provenance() const {
  Provenance out;
  out.model = name;
  out.model_hash = model_hash(path);
  if (tokenizer) {
    out.tokenizer = tokenizer->description();
    out.tokenizer_hash = vocab.empty() ? tokenizer_hash(path) : hash_of_file(vocab);
  }
  out.precision = precision_name();
  out.device = backend->name();
  return out;
}

FoundModel find_model(const std::string& model) {
  if (model.empty()) {
    const std::filesystem::path path = find_specimen();
    return {.name = std::string(kSpecimen),
            .path = path,
            .notes = {fmt::format("no -m was given: using the specimen, {}", path.string())}};
  }
  std::error_code error;
  if (std::filesystem::exists(model, error)) {
    return {.name = model, .path = model};
  }
  if (is_hub_name(model)) {
    if (auto found = find_in_hub_cache(model)) {
      return {.name = model, .path = *found};
    }
    const auto cache = hub_cache_folder();
    fail(ErrorCode::NotFound,
         "{}: there is no such folder, and no such model in the Hugging Face cache ({}); nothing "
         "is ever downloaded, so give the path of a folder or a .gguf file",
         model, cache ? cache->string() : "which has no folder here");
  }
  fail(ErrorCode::NotFound, "{}: no such file or folder; give a model's folder or .gguf file",
       model);
}

void check_nameless(const std::string& model, const Tokenizer* tokenizer) {
  check(tokenizer == nullptr, "{}: has a tokenizer of its own; --vocab is for models without one",
        model);
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  if (is_gguf(path)) {
    const bool has = Gguf::open(path)->find_value("tokenizer.ggml.tokens") != nullptr;
    return has ? Tokenizer::load(path) : nullptr;
  }
  if (!std::filesystem::is_directory(path)) {
    return Tokenizer::load(path);
  }
  for (const char* name : {"tokenizer.json", "tekken.json", "tokenizer.model"}) {
    if (std::filesystem::exists(path / name)) {
      return Tokenizer::load(path);
    }
  }
  return nullptr;
}

std::unique_ptr<Backend> make_backend(const std::string& device) {
  if (device == "cpu") {
    return make_cpu_backend();
  }
  if (device == "ref") {
    return make_reference_backend();
  }
  check(device == "cuda", "device '{}': must be cpu, ref or cuda", device);
  auto backend = make_cuda_backend(0);
  if (!backend) {
    fail(ErrorCode::Unsupported,
         "device cuda: this cajal was built without CUDA; use --device cpu");
  }
  return backend;
}

Session open_session(const ModelOptions& options) {
  if (options.threads) {
    set_threads(static_cast<int>(*options.threads));
  }
  Session session;
  FoundModel found = find_model(options.model);
  session.name = std::move(found.name);
  session.path = std::move(found.path);
  session.notes = std::move(found.notes);
  session.backend = make_backend(options.device);
  session.model = Model::load(session.path);
  session.tokenizer = load_tokenizer(session.path);
  session.special =
      read_special_ids(session.path, session.tokenizer.get(), session.model->config().vocab);
  const auto& notes = session.special.notes;
  session.notes.insert(session.notes.end(), notes.begin(), notes.end());
  if (!options.vocab.empty()) {
    session.tokenizer = name_ids(options, session);
    session.vocab = options.vocab;
    session.names_only = true;
  }
  session.precision = choose_precision(options, session);
  return session;
}

std::string piece_text(const Tokenizer* tokenizer, TokenId id) {
  return tokenizer == nullptr ? std::string() : std::string(tokenizer->piece(id));
}

}  // namespace cajal
