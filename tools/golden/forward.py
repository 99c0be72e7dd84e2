"""A plain forward pass over the contents of a GGUF file, in numpy. Slow and short on purpose: it is a reference.

It shares no code with the engine or with transformers; tools/make_golden.py checks it against the golden folders.
"""

import math

import numpy as np


class Model:
    """`meta` and `tensors` as gguf_file.read gives them; `dtype` is the type of the arithmetic."""

    def __init__(self, meta, tensors, dtype=np.float64):
        self.meta, self.dtype = meta, dtype
        self.arch = meta["general.architecture"]
        self.weights = {name: value.astype(dtype) for name, value in tensors.items()}
        self.heads = self.key("attention.head_count")
        self.kv_heads = self.key("attention.head_count_kv", self.heads)
        self.head_dim = self.key("attention.key_length", self.key("embedding_length") // self.heads)

    def key(self, name, default=None):
        return self.meta.get(f"{self.arch}.{name}", default)

    def logits(self, tokens):
        """[T, vocab]"""
        x = self.weights["token_embd.weight"][tokens]
        if self.arch.startswith("gemma"):
            x = x * self.dtype(math.sqrt(self.key("embedding_length")))
        if self.arch == "gpt2":
            x = x + self.weights["position_embd.weight"][:len(tokens)]
        for layer in range(self.key("block_count")):
            x = self.block(layer, x)
        x = self.norm("output_norm", x)
        head = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return cap(x @ head.T, self.key("final_logit_softcapping"))

    def block(self, layer, x):
        blk = f"blk.{layer}."
        x = x + self.norm(blk + "post_attention_norm", self.attention(layer, self.norm(blk + "attn_norm", x)))
        return x + self.norm(blk + "post_ffw_norm", self.mlp(blk, self.norm(blk + "ffn_norm", x)))

    def norm(self, name, x):
        """The identity where the file has no such norm (only the gemmas have those after a branch)."""
        if name + ".weight" not in self.weights:
            return x
        eps = self.key("attention.layer_norm_rms_epsilon")
        if eps is None:
            eps = self.key("attention.layer_norm_epsilon")
            x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.dtype(eps))
        return x * self.weights[name + ".weight"] + self.weights.get(name + ".bias", self.dtype(0))

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T + self.weights.get(name + ".bias", self.dtype(0))

    def qkv(self, blk, x):
        widths = [self.heads * self.head_dim, self.kv_heads * self.head_dim, self.kv_heads * self.head_dim]
        if blk + "attn_qkv.weight" in self.weights:
            parts = np.split(self.linear(blk + "attn_qkv", x), np.cumsum(widths)[:2], axis=-1)
        else:
            parts = [self.linear(blk + part, x) for part in ("attn_q", "attn_k", "attn_v")]
        q, k, v = (part.reshape(len(x), -1, self.head_dim).swapaxes(0, 1) for part in parts)
        return self.norm(blk + "attn_q_norm", q), self.norm(blk + "attn_k_norm", k), v

    def attention(self, layer, x):
        q, k, v = self.qkv(f"blk.{layer}.", x)
        q, k = self.rotate(layer, q), self.rotate(layer, k)
        k, v = (np.repeat(part, self.heads // self.kv_heads, axis=0) for part in (k, v))
        scores = q @ k.swapaxes(1, 2) * self.dtype(self.key("attention.scale", 1 / math.sqrt(self.head_dim)))
        scores = cap(scores, self.key("attn_logit_softcapping"))
        scores = np.where(self.visible(layer, len(x)), scores, self.dtype(-np.inf))
        probs = np.exp(scores - scores.max(-1, keepdims=True))
        z = probs / probs.sum(-1, keepdims=True) @ v
        return self.linear(f"blk.{layer}.attn_output", z.swapaxes(0, 1).reshape(len(x), -1))

    def is_windowed(self, layer):
        period = {"gemma2": 2, "gemma3": 6, "phi3": 0}.get(self.arch)
        if not self.key("attention.sliding_window") or period is None:
            return False
        period = self.key("attention.sliding_window_pattern", period)
        return period == 0 or layer % period < period - 1

    def visible(self, layer, count):
        distance = np.arange(count)[:, None] - np.arange(count)
        window = self.key("attention.sliding_window") if self.is_windowed(layer) else count
        return (distance >= 0) & (distance < window)

    def rotate(self, layer, x):
        """x: [heads, T, D]. Llama files store neighbouring pairs, all others the two halves."""
        if self.arch == "gpt2":
            return x
        frequency, stretch = self.frequencies(layer, x.shape[1])
        angle = (np.arange(x.shape[1])[:, None] * frequency)
        cos, sin = (stretch * np.cos(angle)).astype(self.dtype), (stretch * np.sin(angle)).astype(self.dtype)
        count = 2 * len(frequency)
        turned, rest = x[..., :count], x[..., count:]
        neighbours = self.arch == "llama"
        a, b = (turned[..., 0::2], turned[..., 1::2]) if neighbours else np.split(turned, 2, axis=-1)
        a, b = a * cos - b * sin, b * cos + a * sin
        turned = np.stack([a, b], -1).reshape(turned.shape) if neighbours else np.concatenate([a, b], -1)
        return np.concatenate([turned, rest], -1)

    def frequencies(self, layer, count):
        """One frequency a pair, and what cosine and sine are multiplied by."""
        dims = self.key("rope.dimension_count", self.head_dim)
        base = self.key("rope.freq_base", 10000.0)
        if self.arch == "gemma3" and self.is_windowed(layer):
            return self.key("rope.freq_base_swa", 10000.0) ** (-np.arange(0, dims, 2) / dims), 1.0
        plain = base ** (-np.arange(0, dims, 2) / dims)
        if self.key("rope.scaling.type") == "yarn":
            return self.yarn(plain, dims, base)
        plain = plain / self.key("rope.scaling.factor", 1.0)
        original = self.key("rope.scaling.original_context_length", self.key("context_length"))
        which = "rope_freqs" if self.arch == "llama" else f"rope_factors_{'long' if count > original else 'short'}"
        factors = self.weights.get(which + ".weight", np.ones(1))
        return plain / factors.astype(np.float64), self.key("rope.scaling.attn_factor", 1.0)

    def yarn(self, plain, dims, base):
        """YaRN (Peng et al., 2023), beta_fast 32 and beta_slow 1."""
        original, factor = self.key("rope.scaling.original_context_length"), self.key("rope.scaling.factor")
        low, high = (dims * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base)) for turns in (32, 1))
        low, high = max(math.floor(low), 0), min(math.ceil(high), dims - 1)
        ramp = np.clip((np.arange(dims // 2) - low) / max(high - low, 0.001), 0, 1)
        return plain * (1 - ramp) + plain / factor * ramp, 0.1 * math.log(factor) + 1

    def mlp(self, blk, x):
        up = self.linear(blk + "ffn_up", x)
        if self.arch == "gpt2":
            return self.linear(blk + "ffn_down", gelu(up))
        if self.arch == "phi3":  # rows gate | up
            gate, up = np.split(up, 2, axis=-1)
        else:
            gate = self.linear(blk + "ffn_gate", x)
        gate = gelu(gate) if self.arch.startswith("gemma") else gate / (1 + np.exp(-gate))
        return self.linear(blk + "ffn_down", gate * up)


def gelu(x):
    """The tanh form."""
    c = x.dtype.type(math.sqrt(2 / math.pi))
    return x * x.dtype.type(0.5) * (1 + np.tanh(c * (x + x.dtype.type(0.044715) * x * x * x)))


def cap(x, limit):
    return x if not limit else x.dtype.type(limit) * np.tanh(x / x.dtype.type(limit))
