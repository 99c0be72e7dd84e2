"""Hugging Face folder -> GGUF metadata and tensors, as llama.cpp's converter lays them out.

Values stay float64 here (so the conversion itself can be checked to rounding); gguf_file.py rounds when it writes.
"""

import math

import numpy as np

# Hugging Face module -> GGUF tensor, for the families that share Llama's module names.
_LLAMA_LAYER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
_GEMMA_LAYER = {**_LLAMA_LAYER, "post_attention_layernorm": "post_attention_norm",
                "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm"}
_GPT2_LAYER = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output",
               "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm",
        "wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}


def convert(config, tensors):
    """(metadata, tensors) of the GGUF file. `config` in the transformers 5.x spelling, every key present."""
    kind = config["model_type"].removesuffix("_text")
    arch = "llama" if kind == "mistral" else kind
    meta = {"general.architecture": arch, "general.name": f"cajal golden {kind}", "general.quantization_version": 2}
    meta |= {f"{arch}.{key}": value for key, value in _shape(kind, config).items()}
    meta |= {f"{arch}.{key}": value for key, value in _rope(kind, config).items()}
    meta |= {"tokenizer.ggml.model": "none", "tokenizer.ggml.bos_token_id": config["bos_token_id"],
             "tokenizer.ggml.eos_token_id": config["eos_token_id"]}
    out = dict(_rope_tensors(kind, config))
    for name, value in tensors.items():
        renamed = _rename(kind, name)
        if renamed:
            out[renamed] = _layout(arch, renamed, name, value, config)
    return meta, out


def _shape(kind, c):
    if kind == "gpt2":
        return {"vocab_size": c["vocab_size"], "context_length": c["n_positions"], "embedding_length": c["n_embd"],
                "feed_forward_length": c["n_inner"] or 4 * c["n_embd"], "block_count": c["n_layer"],
                "attention.head_count": c["n_head"], "attention.layer_norm_epsilon": c["layer_norm_epsilon"]}
    keys = {"vocab_size": c["vocab_size"], "context_length": c["max_position_embeddings"],
            "embedding_length": c["hidden_size"], "feed_forward_length": c["intermediate_size"],
            "block_count": c["num_hidden_layers"], "attention.head_count": c["num_attention_heads"],
            "attention.head_count_kv": c["num_key_value_heads"],
            "attention.layer_norm_rms_epsilon": c["rms_norm_eps"]}
    if kind != "phi3" and c.get("head_dim"):
        keys |= {"attention.key_length": c["head_dim"], "attention.value_length": c["head_dim"]}
    if kind in ("gemma2", "gemma3", "phi3"):  # zero stands for "none" in phi3
        keys["attention.sliding_window"] = c["sliding_window"] or 0
    if kind == "gemma2":
        keys |= {"attn_logit_softcapping": c["attn_logit_softcapping"],
                 "final_logit_softcapping": c["final_logit_softcapping"]}
    return keys


def _head_dim(c):
    return c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]


def _rope(kind, c):
    if kind in ("gpt2", "gemma2"):  # gemma2's converter relies on the default base of 10000
        return {}
    both = c["rope_parameters"]
    rope = both.get("full_attention", both)
    keys = {"rope.freq_base": rope["rope_theta"]}
    if "sliding_attention" in both:
        keys["rope.freq_base_swa"] = both["sliding_attention"]["rope_theta"]
    if kind in ("llama", "mistral"):
        keys["rope.dimension_count"] = _head_dim(c)
    if rope["rope_type"] in ("linear", "yarn"):
        keys |= {"rope.scaling.type": rope["rope_type"], "rope.scaling.factor": rope["factor"]}
    if rope["rope_type"] == "yarn":
        keys["rope.scaling.original_context_length"] = rope["original_max_position_embeddings"]
    if kind == "phi3":
        keys["rope.dimension_count"] = int(rope.get("partial_rotary_factor", 1.0) * c["hidden_size"]) \
            // c["num_attention_heads"]
        original = rope.get("original_max_position_embeddings", c["original_max_position_embeddings"])
        keys["rope.scaling.original_context_length"] = original
        if "long_factor" in rope:
            stretch = c["max_position_embeddings"] / original
            keys["rope.scaling.attn_factor"] = math.sqrt(1 + math.log(stretch) / math.log(original))
    return keys


def _rope_tensors(kind, c):
    rope = c.get("rope_parameters", {})
    if rope.get("rope_type") == "llama3":
        yield "rope_freqs.weight", _llama3_factors(rope, _head_dim(c))
    if "long_factor" in rope:
        yield "rope_factors_long.weight", np.array(rope["long_factor"], np.float64)
        yield "rope_factors_short.weight", np.array(rope["short_factor"], np.float64)


def _llama3_factors(rope, dim):
    """What each frequency is divided by."""
    original, low, high = (rope[k] for k in ("original_max_position_embeddings", "low_freq_factor",
                                             "high_freq_factor"))
    wavelength = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, dim, 2) / dim)
    smooth = (original / wavelength - low) / (high - low)
    between = 1 / ((1 - smooth) / rope["factor"] + smooth)
    return np.where(wavelength < original / high, 1.0, np.where(wavelength > original / low, rope["factor"], between))


def _rename(kind, name):
    """The GGUF name, or None for what GGUF leaves out (mask tensors, a tied head's copy)."""
    module, _, leaf = name.rpartition(".")
    if module in _TOP:
        return f"{_TOP[module]}.{leaf}"
    parts = module.removeprefix("model.").removeprefix("transformer.").split(".")
    layer = {"gpt2": _GPT2_LAYER, "gemma2": _GEMMA_LAYER, "gemma3": _GEMMA_LAYER}.get(kind, _LLAMA_LAYER)
    inner = ".".join(parts[2:])
    return f"blk.{parts[1]}.{layer[inner]}.{leaf}" if inner in layer else None


def _layout(arch, renamed, name, value, c):
    if arch == "llama" and ".attn_q." in renamed:
        return _permute(value, c["num_attention_heads"])
    if arch == "llama" and ".attn_k." in renamed:
        return _permute(value, c["num_key_value_heads"])
    if arch.startswith("gemma") and name.endswith("norm.weight"):
        return value + 1
    if arch == "gpt2" and value.ndim == 2 and ".c_" in name:
        return value.T
    return value


def _permute(value, heads):
    """Half-split rotary pairs (i, i + D/2) become neighbours (2i, 2i + 1) within each head."""
    return value.reshape(heads, 2, -1, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)
