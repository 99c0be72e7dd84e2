#!/usr/bin/env python3
"""Compares the logits that llama.cpp computes from tests/golden/gguf with the golden ones.

    bench/peers/.venv-llama/bin/python bench/peers/check_gguf.py [--shared FOLDER]

Proves that these files are what llama.cpp reads, and that it reads them as we do: the blocks decode to the same bits,
and files that are not F32 are also compared widened, so that rounding hides nothing. Exit status 1 if a case is off.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import gguf
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import load_file

from llama import Llama, decode_blocks

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from golden import gguf_file  # noqa: E402  (the repository's own reader and writer)

FOLDER = ROOT / "tests" / "golden" / "gguf"
# Where llama.cpp knowingly departs from the model's definition (rows of C that then differ are still counted).
KNOWN = {
    ("phi3", "C"): "llama.cpp ignores Phi-3's sliding window, so rows from 12 on differ",
    ("phi3_longrope", "A"): "llama.cpp picks the long factors by its context size (at least 256), not by the sequence",
    ("phi3_longrope", "B"): "the same",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("CAJAL_SHARED", ROOT.parent / "shared")))
    shared = parser.parse_args().shared
    failures = 0
    print("| case | prompt | largest difference | tolerance | verdict |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for case in json.loads((FOLDER / "cases.json").read_text())["cases"]:
            failures += check_blocks(FOLDER / case["file"])
            failures += check_logits(case, FOLDER / case["file"], shared)
            if any(t.tensor_type != Type.F32 for t in gguf.GGUFReader(FOLDER / case["file"]).tensors):
                wide = Path(folder) / "widened.gguf"
                gguf_file.write(wide, *gguf_file.read(FOLDER / case["file"]), Type.F32)
                failures += check_logits(case, wide, shared)
    sys.exit(1 if failures else 0)


def check_logits(case, file, shared):
    """How many prompts are off. A widened copy (all F32) is held to the strict tolerance."""
    model, failures = Llama(file, context=256), 0
    for prompt, tokens in case["tokens"].items():
        want, f32_error = truth(case, prompt, shared)
        difference = abs(model.logits(tokens) - want).max(axis=-1)
        limit = tolerance(file.stem, case["architecture"], f32_error, abs(want).max())
        label = case["name"] + (", widened to F32" if file.stem == "widened" else "")
        failures += report(case["name"], label, prompt, difference, limit)
    model.close()
    return failures


def truth(case, prompt, shared):
    """(float64 logits, what a float32 pass is off by)"""
    if "golden" not in case:
        stored = load_file(FOLDER / case["expected"])[f"{case['name']}/{prompt}/logits"]
        return stored, case["tensors"][f"{prompt}/logits"]["f32_error"]
    folder = shared / "golden" / "models" / case["golden"]
    note = json.loads((folder / "expected.json").read_text())
    return load_file(folder / "expected.safetensors")[f"{prompt}/logits"], \
        note["tensors"][f"{prompt}/logits"]["f32_error"]


def tolerance(stem, architecture, f32_error, largest):
    """llama.cpp looks gelu up in an F16 table, and rounds what it multiplies by block, BF16 or F16 weights."""
    if stem.startswith("q") and not stem.startswith("qwen"):
        return 0.1 * largest
    if stem == "llama_bf16" or architecture in ("gpt2", "gemma2", "gemma3"):
        return 2e-2 * largest
    return 8 * f32_error + 1e-6 * largest


def check_blocks(path):
    """1 if llama.cpp's own decoding of a block tensor differs in any bit from the `gguf` package's, the truth here."""
    wrong = 0
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.tensor_type.name.startswith("Q"):
            theirs = decode_blocks(tensor.tensor_type.name, tensor.data, tensor.n_elements)
            ours = gguf.quants.dequantize(tensor.data, tensor.tensor_type).ravel()
            wrong += int((theirs != ours).sum())
    if wrong:
        print(f"| {path.stem} | blocks | | 0 | OFF: {wrong} weights decode otherwise |")
    return int(wrong > 0)


def report(name, label, prompt, difference, limit):
    known = KNOWN.get((name, prompt))
    good = difference.max() <= limit
    verdict = "ok" if good else known or "OFF"
    if not good and known:
        verdict += f" ({int((difference > limit).sum())} of {len(difference)} rows)"
    print(f"| {label} | {prompt} | {difference.max():.2e} | {limit:.2e} | {verdict} |")
    return 0 if good or known else 1


if __name__ == "__main__":
    main()
