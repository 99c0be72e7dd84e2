#include "dictionary/formats/circuit_tracer_config.h"

#include "base/error.h"
#include "dictionary/formats/naming.h"
#include "io/yaml.h"

namespace cajal {

Json circuit_tracer_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.yaml";
  if (!std::filesystem::exists(path)) {
    return Json::object({});
  }
  Json config = load_yaml(path);
  config.as_object(path.string());
  return config;
}

std::string circuit_tracer_point(const Json& config, std::string_view key, std::size_t layer) {
  const Json* hook = config.find_value(key);
  return hook == nullptr ? "" : hook_at(layer, hook->as_string("config.yaml: a hook"));
}

void describe_circuit_tracer(const Json& config, DictionaryInfo& info) {
  if (const Json* model = config.find_value("model_name")) {
    info.model_name = model->as_string("config.yaml: model_name");
  }
  info.metadata = config;
}

}  // namespace cajal
