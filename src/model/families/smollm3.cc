// SmolLM 3: some layers do not rotate.
#include <algorithm>

#include "base/error.h"
#include "model/families/family.h"

namespace cajal {
namespace {

constexpr std::pair<std::string_view, double> kDefaults[] = {{"vocab_size", 128256},
                                                             {"hidden_size", 2048},
                                                             {"intermediate_size", 11008},
                                                             {"num_hidden_layers", 36},
                                                             {"num_attention_heads", 16},
                                                             {"num_key_value_heads", 4},
                                                             {"max_position_embeddings", 32768},
                                                             {"rope_theta", 2e6},
                                                             {"no_rope_layer_interval", 4}};

void configure(const ConfigReader& r, ModelConfig& c) {
  c.tied = true;
  configure_decoder(r, c);
  const std::size_t interval = std::max<std::size_t>(r.size("no_rope_layer_interval"), 1);
  const bool listed = r.find("no_rope_layers") != nullptr;
  const std::vector<double> rotates =  // 1 means rotate, whatever the key is called
      listed ? r.numbers("no_rope_layers") : std::vector<double>();
  if (listed && rotates.size() != c.layers) {
    fail(ErrorCode::CorruptData, "{} has {} entries, but there are {} layers",
         r.at("no_rope_layers"), rotates.size(), c.layers);
  }
  for (std::size_t i = 0; i < c.layers; ++i) {
    const bool rotate = listed ? rotates[i] != 0.0 : (i + 1) % interval != 0;
    c.layer[i].rope = rotate ? std::optional<std::size_t>(0) : std::nullopt;
  }
  set_late_windows(r, c);
}

}  // namespace

Family smollm3_family() {
  return {.name = "smollm3", .configure = configure, .defaults = kDefaults, .names = {}};
}

}  // namespace cajal
