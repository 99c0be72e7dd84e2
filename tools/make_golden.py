#!/usr/bin/env python3
"""Makes tests/golden/gguf: a GGUF file for each architecture and block type, and the logits each must give.

    python3 tools/make_golden.py [--shared FOLDER] [--out FOLDER]

Needs numpy, safetensors and gguf 0.19.0; reads the golden Hugging Face folders in SHARED/golden/models. Deterministic.
Nothing is written unless the conversion and the forward pass reproduce those folders' logits.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

from golden import forward, gguf_convert, gguf_file, huggingface, quantised

ROOT = Path(__file__).resolve().parent.parent
# Folder -> what its file shows. Each is written in the folder's own type, so nothing is lost.
SAME = {
    "llama_bf16": "BF16 matrices beside F32 vectors; q and k rows permuted",
    "llama3_rope": "rope_freqs.weight; head width other than width / heads; q and k rows permuted",
    "qwen2": "biases on q, k, v; rows not permuted",
    "qwen3": "norms of q and k; no output.weight (tied)",
    "gpt2_f16": "F16 matrices stored [out, in]; fused attn_qkv with bias; position_embd.weight in F32",
    "phi3": "fused attn_qkv and ffn_up; window in every layer; rotation of half of each head",
    "phi3_longrope": "rope_factors_long.weight for C, rope_factors_short.weight for A and B; rope.scaling.attn_factor",
}
# Conversions that are checked here but not committed.
ONLY_CHECKED = ("llama", "llama_tied", "llama_sharded", "llama_linear_rope", "llama_yarn", "gpt2", "gpt2_hub_names",
                "gemma2", "gemma3_text")
LEFT_OUT = {
    "gemma2": "query_pre_attn_scalar differs from head_dim, for which GGUF has no key: see the case gemma2",
    "gemma3_text": "the same, and its layer pattern is not every sixth: see the case gemma3",
    "gemma3_nested": "query_pre_attn_scalar differs from head_dim",
    "qwen2_tied": "windows from layer 2 on: qwen2 has no key for them",
    "mistral": "written as llama, whose graph has no window",
    "llama, llama_tied, llama_sharded, llama_linear_rope, llama_yarn, gpt2, gpt2_hub_names":
        "convert (checked by the script); only left out to keep this folder small",
}


def main():
    args = arguments()
    models = args.shared / "golden" / "models"
    args.out.mkdir(parents=True, exist_ok=True)
    for name in [*SAME, *ONLY_CHECKED]:
        check_conversion(models / name)
    arrays, cases = {}, []
    for name in SAME:
        cases.append(same_as_folder(models / name, args.out, arrays))
    for name, folder in (("gemma2", "gemma2"), ("gemma3", "gemma3_text")):
        cases.append(variant(name, models / folder, args.out, arrays))
    for kind in quantised.KINDS:
        cases.append(blocks(kind, args.out, arrays))
    save_file(arrays, args.out / "expected.safetensors")
    note = {"cases": cases, "left_out": LEFT_OUT}
    (args.out / "cases.json").write_text(json.dumps(note, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = os.environ.get("CAJAL_SHARED", ROOT.parent / "shared")
    parser.add_argument("--shared", type=Path, default=Path(shared))
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden" / "gguf")
    return parser.parse_args()


def check_conversion(folder):
    """Before any rounding, the converted model gives the folder's logits."""
    source = huggingface.Folder(folder)
    meta, tensors = gguf_convert.convert(source.config, source.tensors)
    arch = meta["general.architecture"]
    if arch.startswith("gemma"):  # no such keys in the file; the folders need them
        meta[f"{arch}.attention.scale"] = source.config["query_pre_attn_scalar"] ** -0.5
        meta[f"{arch}.attention.sliding_window_pattern"] = source.config["layer_types"].index("full_attention") + 1
    note, logits = huggingface.expected(folder)
    model = forward.Model(meta, tensors)
    for case, tokens in note["tokens"].items():
        require(folder.name, difference(model.logits(tokens), logits[case]), 1e-12)


def same_as_folder(folder, out, arrays):
    """A folder's weights without loss: its own expected.safetensors is the truth."""
    source, name = huggingface.Folder(folder), folder.name
    note, logits = huggingface.expected(folder)
    meta, tensors = gguf_convert.convert(source.config, source.tensors)
    gguf_file.write(out / f"{name}.gguf", meta, tensors, Type[source.dtype])
    model = forward.Model(*gguf_file.read(out / f"{name}.gguf"))
    rounding = {}
    for case, tokens in note["tokens"].items():
        got = model.logits(tokens)
        rounding[f"{case}/logits"] = difference(got, logits[case])
        limit = 8 * note["tensors"][f"{case}/logits"]["f32_error"] + 1e-6 * abs(logits[case]).max()
        require(name, rounding[f"{case}/logits"], limit)
        if case == "C":
            arrays[f"{name}/C/last_literal"] = got[-1:]
    return {"name": name, "file": f"{name}.gguf", "architecture": meta["general.architecture"], "shows": SAME[name],
            "golden": name, "tokens": note["tokens"], "rounding": rounding}


def variant(name, folder, out, arrays):
    """A Gemma that GGUF can express, cut from a golden folder; the truth is the (checked) forward pass."""
    source = huggingface.Folder(folder)
    note, _ = huggingface.expected(folder)
    config, tensors = expressible(source.config, source.tensors)
    meta, tensors = gguf_convert.convert(config, tensors)
    gguf_file.write(out / f"{name}.gguf", meta, tensors, Type.F32)
    case = {"name": name, "file": f"{name}.gguf", "architecture": name,
            "shows": "stored norms are 1 + w; norms after both branches; windows by layer", "cut_from": folder.name}
    return case | own_truth(name, out, note["tokens"], (meta, tensors), arrays)


def expressible(config, tensors):
    """Query scale 1 / sqrt(head_dim), the family's fixed layer pattern, and an MLP cut to 8 to stay small."""
    period = 2 if config["model_type"] == "gemma2" else 6
    config = dict(config, query_pre_attn_scalar=config["head_dim"], num_hidden_layers=period, intermediate_size=8)
    config["layer_types"] = ["sliding_attention"] * (period - 1) + ["full_attention"]
    kept = {}
    for name, value in tensors.items():
        if name.startswith("model.layers.") and int(name.split(".")[2]) >= period:
            continue
        if ".gate_proj." in name or ".up_proj." in name:
            value = value[:8]
        elif ".down_proj." in name:
            value = value[:, :8]
        kept[name] = value
    return config, kept


def blocks(kind, out, arrays):
    name = kind.name.lower()
    rng = np.random.default_rng([20, int(kind)])
    meta, tensors = quantised.model(kind, rng)
    gguf_file.write(out / f"{name}.gguf", meta, tensors, kind)
    tokens = {"A": [5], "B": [0, quantised.VOCAB - 1, *rng.integers(0, quantised.VOCAB, 10).tolist()]}
    case = {"name": name, "file": f"{name}.gguf", "architecture": "llama", "shows": f"{kind.name} blocks"}
    return case | own_truth(name, out, tokens, gguf_file.read(out / f"{name}.gguf"), arrays)


def own_truth(name, out, tokens, contents, arrays):
    """Stores the float64 logits of `contents`; measures a float32 pass and what writing the file rounded."""
    note = {"expected": "expected.safetensors", "tokens": tokens, "tensors": {}, "rounding": {}}
    exact, single = forward.Model(*contents), forward.Model(*contents, dtype=np.float32)
    stored = forward.Model(*gguf_file.read(out / f"{name}.gguf"))
    for case, ids in tokens.items():
        want = exact.logits(ids)
        arrays[f"{name}/{case}/logits"] = want
        note["tensors"][f"{case}/logits"] = {"max_abs": float(abs(want).max()),
                                             "f32_error": difference(single.logits(ids), want)}
        note["rounding"][f"{case}/logits"] = difference(stored.logits(ids), want)
        require(name, note["rounding"][f"{case}/logits"], 1e-6 * float(abs(want).max()))
    return note


def difference(got, want):
    return float(f"{abs(got - want).max():.2e}")


def require(name, value, limit):
    if not value <= limit:
        sys.exit(f"make_golden: {name}: logits differ by {value:.3g}, more than {limit:.3g}; nothing may be trusted")


if __name__ == "__main__":
    main()
