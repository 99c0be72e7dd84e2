"""Small random Llama models, one for each block type that the engine decodes.

The `gguf` package quantises the simple types itself. It cannot write K-quants, so those blocks are drawn at random:
any bytes with finite half-precision scales are a valid block, and random ones use every bit of the layout.
"""

import numpy as np
from gguf import GGMLQuantizationType as Type

from .gguf_file import Blocks, encode

# What llama.cpp stores instead where a row is no multiple of 256.
_FALLBACK = {Type.Q4_K: Type.Q5_0, Type.Q5_K: Type.Q5_1, Type.Q6_K: Type.Q8_0}
KINDS = (Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q4_K, Type.Q5_K, Type.Q6_K)
VOCAB = 64


def model(kind, rng):
    """(metadata, tensors) of a one-layer Llama with 4 query heads, 2 key/value heads and rows of `kind`."""
    width, mlp, head_dim = (256, 32, 8) if kind in _FALLBACK else (64, 96, 16)
    shapes = {"token_embd": (VOCAB, width), "blk.0.attn_q": (4 * head_dim, width),
              "blk.0.attn_k": (2 * head_dim, width), "blk.0.attn_v": (2 * head_dim, width),
              "blk.0.attn_output": (width, 4 * head_dim), "blk.0.ffn_gate": (mlp, width),
              "blk.0.ffn_up": (mlp, width), "blk.0.ffn_down": (width, mlp)}
    if kind not in _FALLBACK:  # the K models are tied, so both forms occur
        shapes["output"] = (VOCAB, width)
    tensors = {f"{name}.weight": _matrix(kind, shape, rng) for name, shape in shapes.items()}
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        tensors[f"{name}.weight"] = rng.normal(1, 0.3, width)
    return _meta(width, mlp, head_dim), tensors


def _meta(width, mlp, head_dim):
    keys = {"vocab_size": VOCAB, "context_length": 64, "embedding_length": width, "feed_forward_length": mlp,
            "block_count": 1, "attention.head_count": 4, "attention.head_count_kv": 2,
            "attention.key_length": head_dim, "attention.value_length": head_dim,
            "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 10000.0, "rope.dimension_count": head_dim}
    meta = {"general.architecture": "llama", "general.name": "cajal golden blocks", "general.quantization_version": 2}
    return meta | {f"llama.{key}": value for key, value in keys.items()} | {"tokenizer.ggml.model": "none"}


def _matrix(kind, shape, rng):
    spread = 2 / np.sqrt(shape[1])
    if kind in _FALLBACK and shape[1] % 256 == 0:
        return _random_blocks(kind, shape, spread, rng)
    return encode(rng.normal(0, spread, shape), _FALLBACK.get(kind, kind))


def _random_blocks(kind, shape, spread, rng):
    """Blocks whose weights have about the given spread and mean zero; scales of both signs."""
    blocks = shape[0] * shape[1] // 256
    sign = rng.choice([-1.0, 1.0], (blocks, 1))
    size = sign * rng.uniform(0.5, 1.5, (blocks, 1)) * spread
    if kind == Type.Q6_K:  # quants (128 low, 64 high bytes), 16 signed scales, d: weight = d * scale * (q - 32)
        parts = [_bytes(rng, blocks, 208), _half(size / (74 * 18))]
    else:  # d, dmin, 12 bytes of 6-bit scales and minima, quants: weight = d * scale * q - dmin * minimum
        top = 15 if kind == Type.Q4_K else 31
        d = size / (36 * top / 2)
        parts = [_half(d), _half(d * top / 2), _bytes(rng, blocks, 12 + (128 if kind == Type.Q4_K else 160))]
    return Blocks(kind, np.concatenate(parts, axis=1).reshape(shape[0], -1))


def _bytes(rng, rows, columns):
    return rng.integers(0, 256, (rows, columns), np.uint8)


def _half(value):
    return value.astype(np.float16).view(np.uint8)
