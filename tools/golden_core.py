#!/usr/bin/env python3
"""Writes tests/golden/ from the full golden set, or checks that it is still a part of it.

    tools/golden_core.py SHARED            copy the sets named in CORE
    tools/golden_core.py SHARED --check    every file that the full set has too is what it holds

To fit every family into a small repository, the core's models keep only part of what is expected:
everything at prompts A and B, and the logits at C. The check knows that.
"""
import json
import pathlib
import shutil
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden"
MODELS = [
    "gemma", "gemma2", "gemma3_nested", "gemma3_text", "gpt2", "gpt2_f16", "gpt_neo", "gpt_neox", "granite", "llama",
    "llama_bf16", "llama_sharded", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3",
]
FORMATS = [
    "boundary", "conv_gemma_scope_1_sae", "conv_gemma_scope_1_transcoder", "conv_llama_scope",
    "conv_mwhanna_transcoder", "ct_clt_jumprelu", "ct_plt_jumprelu_negative_threshold", "ct_plt_relu_bf16",
    "ct_plt_relu_skip", "ct_plt_topk_negative", "dl_batchtopk", "dl_jumprelu", "oai_topk", "pt_traps",
    "sl_batchtopk_inference", "sl_fold_0_before", "sl_fold_2_activation_scale", "sl_jumprelu_bdec",
    "sl_jumprelu_old_log_threshold", "sl_jumprelu_skip_transcoder", "sl_legacy_reject_finetuned_scaling_factor",
    "sl_skip_transcoder_layer_norm", "sl_standard_bf16", "sl_topk_rescale", "sp_sae_topk", "sp_transcoder_skip",
]
RECIPES = ["dl_topk", "pub_clt_tanh", "pub_jumprelu_gdm_raw", "sl_jumprelu_step", "sl_topk_auxk", "sp_sae_topk_auxk"]
CORE = {
    "models": ["README.md", *MODELS],
    "circuits": ["README.md", "micro.json", "nnsight_parity.json", "gemma3_plt_jumprelu", "gpt2_clt_relu", "llama_plt_topk"],
    "dictionaries": ["README.md", "index.json", "metrics/basic", *(f"formats/{name}" for name in FORMATS),
                     *(f"training/{name}" for name in ["init.safetensors", "stream.safetensors", *RECIPES])],
    "training": ["README.md", "gpt2", "llama", "qwen3"],
}


def kept(name: str) -> bool:
    return not name.startswith("C/") or name == "C/logits"


def trimmed_json(data: bytes) -> bytes:
    expected = json.loads(data)
    expected["tensors"] = {name: v for name, v in expected["tensors"].items() if kept(name)}
    return json.dumps(expected, indent=1).encode() + b"\n"


def trimmed_safetensors(data: bytes) -> bytes:
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    out, parts, end = {}, [], 0
    for name, entry in sorted(header.items(), key=lambda item: item[1].get("data_offsets", [0])[0]):
        if name == "__metadata__":
            out[name] = entry
        elif kept(name):
            begin, stop = entry["data_offsets"]
            parts.append(body[begin:stop])
            out[name] = {**entry, "data_offsets": [end, end + stop - begin]}
            end += stop - begin
    text = json.dumps(out, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(parts)


def core_bytes(source: pathlib.Path, name: str) -> bytes:
    """What the core holds for the file `name` ("models/gemma/expected.json") of the full set."""
    data = (source / name).read_bytes()
    parts = name.split("/")
    if parts[0] == "models":
        trim = {"expected.json": trimmed_json, "expected.safetensors": trimmed_safetensors}
        return trim.get(parts[-1], bytes)(data)
    return data


def write(source: pathlib.Path) -> None:
    for group, entries in CORE.items():
        shutil.rmtree(ROOT / group, ignore_errors=True)
        for entry in entries:
            top = source / group / entry
            for file in [top] if top.is_file() else sorted(f for f in top.rglob("*") if f.is_file()):
                name = file.relative_to(source).as_posix()
                (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
                (ROOT / name).write_bytes(core_bytes(source, name))


def problems(source: pathlib.Path):
    """Only files that the full set has: the tree holds cases of our own beside them."""
    for file in sorted(f for f in ROOT.rglob("*") if f.is_file()):
        name = file.relative_to(ROOT).as_posix()
        if (source / name).is_file() and name != "README.md" and file.read_bytes() != core_bytes(source, name):
            yield f"tests/golden/{name}: differs from the full set"


def main(arguments: list[str]) -> int:
    source = pathlib.Path(arguments[0]) / "golden"
    if arguments[1:] != ["--check"]:
        write(source)
        return 0
    found = list(problems(source))
    print("\n".join(found) or "golden core: equal to the full set")
    return bool(found)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
