// Which loader a path calls for, and the one for Hugging Face folders.
#include "base/error.h"
#include "io/json.h"
#include "model/architecture.h"
#include "model/families/family.h"
#include "model/load/bind.h"
#include "model/load/gguf_model.h"
#include "model/model.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

void check_is_model_folder(const fs::path& folder) {
  if (!fs::exists(folder)) {
    fail(ErrorCode::NotFound, "{}: no such file or folder; give a model folder or a .gguf file",
         folder.string());
  }
  if (!fs::exists(folder / "config.json")) {
    fail(ErrorCode::NotFound, "{}: has no config.json, so it is no Hugging Face model folder",
         folder.string());
  }
}

}  // namespace

std::shared_ptr<const Model> Model::load(const fs::path& path) {
  if (fs::is_regular_file(path)) {
    return load_gguf(path);
  }
  check_is_model_folder(path);
  return load(path, path / "config.json");
}

std::shared_ptr<const Model> Model::load(const fs::path& folder, const fs::path& config_file) {
  const std::string where = config_file.string();
  const Json json = Json::load(config_file);
  ModelConfig config = model_config(json, where);
  const auto source = open_safetensors_source(folder);
  Weights weights = bind_weights(config, family_of(config.family, where).names, *source);
  return std::make_shared<const Model>(std::move(config), std::move(weights), folder.string());
}

}  // namespace cajal
