#include "model/architecture.h"

#include "base/error.h"
#include "model/families/family.h"

namespace cajal {
namespace {

Json number(std::size_t x) {
  return {static_cast<std::int64_t>(x)};
}

Json id_or_null(const std::optional<TokenId>& id) {
  return id ? Json(static_cast<std::int64_t>(*id)) : Json();
}

/// The numbers with their defaults filled in. Throws InvalidArgument.
Architecture completed(Architecture a) {
  const auto need = [](std::size_t value, std::string_view name) {
    check(value != 0, "the model's {} is 0; give a number", name);
  };
  need(a.layers, "number of layers");
  need(a.heads, "number of heads");
  need(a.d_model, "d_model");
  need(a.vocab, "vocabulary");
  need(a.context, "context");
  a.kv_heads = a.kv_heads == 0 ? a.heads : a.kv_heads;
  a.d_mlp = a.d_mlp == 0 ? 4 * a.d_model : a.d_mlp;
  check(a.heads % a.kv_heads == 0, "{} heads cannot share {} key/value heads evenly", a.heads,
        a.kv_heads);
  check(a.d_head != 0 || a.d_model % a.heads == 0,
        "d_model {} is not a multiple of {} heads; give d_head", a.d_model, a.heads);
  a.d_head = a.d_head == 0 ? a.d_model / a.heads : a.d_head;
  return a;
}

Json common(const Architecture& a, const char* kind) {
  Json json;
  json.set("architectures", Json::Array{kind});
  json.set("model_type", a.family);
  json.set("vocab_size", number(a.vocab));
  json.set("tie_word_embeddings", a.tied);
  json.set("dtype", a.stored == DType::BF16 ? "bfloat16" : "float32");
  json.set("torch_dtype", a.stored == DType::BF16 ? "bfloat16" : "float32");  // transformers 4
  json.set("bos_token_id", id_or_null(a.bos));
  json.set("eos_token_id", id_or_null(a.eos));
  json.set("pad_token_id", id_or_null(a.pad));
  json.set("initializer_range", 0.02);
  json.set("use_cache", true);
  return json;
}

Json gpt2_json(const Architecture& a) {
  check(a.kv_heads == a.heads && a.d_head * a.heads == a.d_model,
        "gpt2 has one key head for each head, and heads of d_model / heads columns");
  Json json = common(a, "GPT2LMHeadModel");
  json.set("n_layer", number(a.layers));
  json.set("n_head", number(a.heads));
  json.set("n_embd", number(a.d_model));
  json.set("n_inner", number(a.d_mlp));
  json.set("n_positions", number(a.context));
  json.set("activation_function", "gelu_new");
  json.set("layer_norm_epsilon", a.norm_epsilon);
  for (const char* dropout : {"attn_pdrop", "embd_pdrop", "resid_pdrop"}) {
    json.set(dropout, 0.0);
  }
  return json;
}

Json decoder_json(const Architecture& a, const char* kind) {
  Json json = common(a, kind);
  json.set("num_hidden_layers", number(a.layers));
  json.set("num_attention_heads", number(a.heads));
  json.set("num_key_value_heads", number(a.kv_heads));
  json.set("hidden_size", number(a.d_model));
  json.set("head_dim", number(a.d_head));
  json.set("intermediate_size", number(a.d_mlp));
  json.set("max_position_embeddings", number(a.context));
  json.set("rms_norm_eps", a.norm_epsilon);
  json.set("attention_bias", false);
  json.set("attention_dropout", 0.0);
  json.set("rope_theta", a.rope_theta);  // transformers 4 reads this, 5 the object
  json.set("rope_parameters",
           Json::object({{"rope_type", "default"}, {"rope_theta", a.rope_theta}}));
  return json;
}

Json gemma2_json(const Architecture& a) {
  Json json = decoder_json(a, "Gemma2ForCausalLM");
  json.set("hidden_activation", "gelu_pytorch_tanh");
  json.set("query_pre_attn_scalar", number(a.d_head));
  json.set("sliding_window", number(a.context));
  json.set("attn_logit_softcapping", 50.0);
  json.set("final_logit_softcapping", 30.0);
  return json;
}

}  // namespace

Json config_json(const Architecture& architecture) {
  const Architecture a = completed(architecture);
  if (a.family == "gpt2") {
    return gpt2_json(a);
  }
  if (a.family == "gemma2") {
    return gemma2_json(a);
  }
  if (a.family == "llama" || a.family == "qwen3") {
    Json json = decoder_json(a, a.family == "llama" ? "LlamaForCausalLM" : "Qwen3ForCausalLM");
    json.set("hidden_act", "silu");
    if (a.family == "llama") {
      json.set("mlp_bias", false);
    }
    return json;
  }
  fail(ErrorCode::Unsupported,
       "a model of family '{}' cannot be grown; these can: llama, gpt2, qwen3, gemma2",
       a.family.substr(0, 60));
}

ModelConfig model_config(const Architecture& architecture) {
  return model_config(config_json(architecture), "the recipe's model");
}

ModelConfig model_config(const Json& json, const std::string& where) {
  const std::string& type = json.at("model_type", where).as_string(where + ": model_type");
  const Family& family = family_of(type, where);
  ModelConfig config;
  config.family = family.name;
  family.configure(ConfigReader(json, where, family.defaults), config);
  validate(config, where);
  return config;
}

}  // namespace cajal
