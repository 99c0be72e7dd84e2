#include "service/identity.h"

#include <array>
#include <span>

#include "base/file.h"
#include "io/gguf.h"
#include "io/hash.h"
#include "io/safetensors.h"

namespace cajal {
namespace {

constexpr std::array<const char*, 3> kTokenizers = {"tokenizer.json", "tekken.json",
                                                    "tokenizer.model"};

enum class Part : std::uint8_t { Model, Tokenizer };

/// Its name and its bytes; nothing if it is not there.
void add_file(Hash& hash, const std::filesystem::path& folder, const char* name) {
  if (std::filesystem::is_regular_file(folder / name)) {
    hash.add_entry(name);
    const auto file = MappedFile::open(folder / name);
    hash.add_number(file->bytes().size());
    hash.add(file->bytes());
  }
}

void add_metadata(Hash& hash, const Gguf& file, Part part) {
  for (const GgufValue& value : file.metadata()) {
    if (value.key.starts_with("tokenizer.") == (part == Part::Tokenizer)) {
      hash.add_entry(value.key);
      hash.add_number(static_cast<std::uint64_t>(value.kind));
      hash.add_number(value.is_array ? 1 : 0);
      hash.add_number(value.count);
      hash.add_number(value.bytes.size());
      hash.add(value.bytes);
    }
  }
}

void add_tokenizer_file(Hash& hash, const std::filesystem::path& folder) {
  for (const char* name : kTokenizers) {
    if (std::filesystem::is_regular_file(folder / name)) {
      add_file(hash, folder, name);
      return;
    }
  }
}

}  // namespace

std::string model_hash(const std::filesystem::path& model) {
  Hash hash;
  if (model.extension() == ".gguf") {
    const auto file = Gguf::open(model);
    add_metadata(hash, *file, Part::Model);
    add_tensors(hash, file->tensors());
  } else {
    add_file(hash, model, "config.json");
    add_file(hash, model, "generation_config.json");
    add_tensors(hash, Safetensors::open(model)->tensors());
  }
  return hash.digits();
}

std::string tokenizer_hash(const std::filesystem::path& model) {
  Hash hash;
  if (model.extension() == ".gguf") {
    add_metadata(hash, *Gguf::open(model), Part::Tokenizer);
    return hash.digits();
  }
  if (std::filesystem::is_directory(model)) {
    add_tokenizer_file(hash, model);
  } else {
    add_file(hash, model.parent_path(), model.filename().c_str());
  }
  const std::filesystem::path folder =
      std::filesystem::is_directory(model) ? model : model.parent_path();
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json",
                           "chat_template.jinja", "chat_template.json"}) {
    add_file(hash, folder, name);
  }
  return hash.digits();
}

}  // namespace cajal
