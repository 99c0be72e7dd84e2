"""The two model shapes that are compared, and the prompt."""

GPT2_SMALL = {
    "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "dtype": "float32", "vocab_size": 50257, "n_embd": 768,
    "n_layer": 12, "n_head": 12, "n_positions": 1024, "n_ctx": 1024, "n_inner": None, "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True, "bos_token_id": 50256, "eos_token_id": 50256,
    "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
}
LLAMA_1B = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "bfloat16", "vocab_size": 128256,
    "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
    "hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True,
    "bos_token_id": 128000, "eos_token_id": 128001,
    "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
}
SHAPES = {"gpt2-small-f32": GPT2_SMALL, "llama-1b-bf16": LLAMA_1B}
PROMPT_TOKENS, DECODE_TOKENS = 512, 64


def prompt(vocab):
    return [(1 + 7919 * i) % vocab for i in range(PROMPT_TOKENS)]


def tensor_shapes(config):
    """Hugging Face name -> shape."""
    return _gpt2(config) if config["model_type"] == "gpt2" else _llama(config)


def _gpt2(c):
    d = c["n_embd"]
    shapes = {"transformer.wte.weight": (c["vocab_size"], d), "transformer.wpe.weight": (c["n_positions"], d)}
    for layer in range(c["n_layer"]):
        h = f"transformer.h.{layer}."
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"{h}{norm}.weight": (d,), f"{h}{norm}.bias": (d,)}
        for name, rows, columns in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, 4 * d),
                                    ("mlp.c_proj", 4 * d, d)):
            shapes |= {f"{h}{name}.weight": (rows, columns), f"{h}{name}.bias": (columns,)}
    return shapes | {"transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,)}


def _llama(c):
    d, mlp, width = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    query, key = c["num_attention_heads"] * width, c["num_key_value_heads"] * width
    shapes = {"model.embed_tokens.weight": (c["vocab_size"], d)}
    for layer in range(c["num_hidden_layers"]):
        h = f"model.layers.{layer}."
        shapes |= {f"{h}input_layernorm.weight": (d,), f"{h}post_attention_layernorm.weight": (d,),
                   f"{h}self_attn.q_proj.weight": (query, d), f"{h}self_attn.k_proj.weight": (key, d),
                   f"{h}self_attn.v_proj.weight": (key, d), f"{h}self_attn.o_proj.weight": (d, query),
                   f"{h}mlp.gate_proj.weight": (mlp, d), f"{h}mlp.up_proj.weight": (mlp, d),
                   f"{h}mlp.down_proj.weight": (d, mlp)}
    return shapes | {"model.norm.weight": (d,)}
