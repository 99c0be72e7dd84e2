// A model family: how its configuration is read and what its tensors are called.
//
// Each family is one small file that says what differs from the Llama-like plainest case; the
// table of all of them is registry.cc.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/families/config_reader.h"

namespace cajal {

enum class QkvPacking : std::uint8_t {
  Separate,  // three tensors
  Blocks,    // one: all of q, then k, then v
  PerHead,   // one: q, k, v of head 0, then of head 1, ...
};

/// Names of tensors, without ".weight" and ".bias"; an empty name: the family has none. Layer
/// names stand behind "<prefix><layers>.<L>.".
struct TensorNames {
  std::vector<std::string> prefixes = {"model.", ""};  // the first under which `embed` is found
  std::string embed = "embed_tokens";
  std::string positions;
  std::string layers = "layers";
  std::string final_norm = "norm";
  std::string head = "lm_head";  // without prefix, or with the prefix less "model."

  std::string attn_norm = "input_layernorm";
  std::string attn_post_norm;
  std::string mlp_norm = "post_attention_layernorm";
  std::string mlp_post_norm;

  std::string q = "self_attn.q_proj";
  std::string k = "self_attn.k_proj";
  std::string v = "self_attn.v_proj";
  std::string o = "self_attn.o_proj";
  std::string qkv;
  QkvPacking packing = QkvPacking::Separate;
  std::string q_norm = "self_attn.q_norm";  // read where ModelConfig::qk_norm says so
  std::string k_norm = "self_attn.k_norm";
  bool one_norm_tensor_per_head = false;  // "<q_norm>.<head>"
  std::string sinks;

  std::string gate = "mlp.gate_proj";
  std::string up = "mlp.up_proj";
  std::string down = "mlp.down_proj";
  std::string gate_up;       // rows gate, then up
  bool input_major = false;  // projections are stored [in, out]

  std::string router;
  std::string experts;  // "<experts>.<E>.<name>"
  std::string expert_gate = "gate_proj";
  std::string expert_up = "up_proj";
  std::string expert_down = "down_proj";
  bool stacked_experts = false;  // gpt_oss: [E, in, out] tensors, gate and up interleaved
  std::string shared_expert;     // "<shared_expert>.<name>"
  std::string shared_gate;
};

struct Family {
  std::string_view name;  // model_type
  void (*configure)(const ConfigReader& reader, ModelConfig& config) = nullptr;
  NumberDefaults defaults;
  TensorNames names;
};

/// All of them, by name.
std::span<const Family> families();

/// Throws Unsupported listing what is supported.
const Family& family_of(std::string_view model_type, std::string_view where);

/// What the Llama-like families share: sizes, activation, rotary positions, tied head. Keys that
/// the file lacks come from the reader's defaults.
void configure_decoder(const ConfigReader& reader, ModelConfig& config);

/// Rotary positions in either spelling (rope_parameters, or rope_theta and rope_scaling).
/// `layer_type` picks the entry of a rope_parameters that has one for each kind of layer.
RopeConfig read_rope(const ConfigReader& reader, const ModelConfig& config,
                     std::string_view layer_type = "full_attention");

/// Gives `window` to the layers that the file's "layer_types" calls sliding; without that key, to
/// those for which `is_windowed` says so.
void set_windows(const ConfigReader& reader, ModelConfig& config, std::size_t window,
                 const std::function<bool(std::size_t layer)>& is_windowed);

/// Every layer gets the file's "sliding_window" (null: none), or `absent_window` without that key.
void set_window_everywhere(const ConfigReader& reader, ModelConfig& config,
                           std::size_t absent_window);

/// "use_sliding_window" and, from layer "max_window_layers" on, "sliding_window": Qwen's way.
void set_late_windows(const ConfigReader& reader, ModelConfig& config);

/// What GPT-2 and its relatives call their sizes.
struct PlainKeys {
  std::string_view layers;
  std::string_view heads;
  std::string_view d_model;
  std::string_view d_mlp;
  std::string_view context;
};

/// What GPT-2 and its relatives share: sizes, LayerNorm, an MLP without a gate ("d_mlp" absent or
/// null: 4 * d_model), the activation by "activation_function". No rotation.
void configure_plain(const ConfigReader& reader, const PlainKeys& keys, ModelConfig& config);

/// Throws Unsupported unless `key` is absent or has this value: a variant that nobody published.
void require_flag(const ConfigReader& reader, std::string_view key, bool value);

/// Throws Unsupported if some layers of a mixture model have a plain MLP.
void require_mixture_everywhere(const ConfigReader& reader);

// In the files beside this.
Family cohere_family();
Family cohere2_family();
Family gemma_family();
Family gemma2_family();
Family gemma3_family();
Family gemma3_text_family();
Family glm4_family();
Family gpt2_family();
Family gpt_neo_family();
Family gpt_neox_family();
Family gpt_oss_family();
Family gptj_family();
Family granite_family();
Family llama_family();
Family mistral_family();
Family mixtral_family();
Family nemotron_family();
Family olmo_family();
Family olmo2_family();
Family olmo3_family();
Family opt_family();
Family phi_family();
Family phi3_family();
Family qwen2_family();
Family qwen2_moe_family();
Family qwen3_family();
Family qwen3_moe_family();
Family smollm3_family();
Family stablelm_family();
Family starcoder2_family();

}  // namespace cajal
