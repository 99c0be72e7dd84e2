#!/usr/bin/env python3
"""Writes random models of the compared shapes, each as a Hugging Face folder and as the same GGUF file.

    bench/peers/.venv-llama/bin/python bench/peers/make_models.py [FOLDER]      default: build/bench-models, 6 GB

Deterministic; a model that is there already is kept.
"""

import argparse
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type

from shapes import SHAPES, tensor_shapes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from golden import gguf_convert, gguf_file  # noqa: E402  (the repository's own converter)

STORED = {"float32": ("F32", np.dtype(np.float32)), "bfloat16": ("BF16", np.dtype(np.uint16))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "build" / "bench-models")
    out = parser.parse_args().folder
    for name, config in SHAPES.items():
        if not (out / name / "config.json").exists():
            print(f"make_models: writing {out / name}", file=sys.stderr)
            write_folder(out / name, config)
        if not (out / f"{name}.gguf").exists():
            print(f"make_models: writing {out / name}.gguf", file=sys.stderr)
            write_gguf(out / name, out / f"{name}.gguf", config)


def write_folder(folder, config):
    folder.mkdir(parents=True, exist_ok=True)
    shapes = tensor_shapes(config)
    header, offset = layout(shapes, config["dtype"])
    rng = np.random.default_rng(20)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for name, shape in shapes.items():
            draw(name, shape, config["dtype"], rng).tofile(file)
    # Last, so that a folder with a config is a whole one.
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def layout(shapes, dtype):
    """The safetensors header and the size of the data."""
    stored, item = STORED[dtype]
    entries, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        end = offset + math.prod(shape) * item.itemsize
        entries[name] = {"dtype": stored, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    header = json.dumps(entries).encode()
    return header + b" " * (-len(header) % 8), offset


def draw(name, shape, dtype, rng):
    """Gains near 1, everything else with the spread 0.02 that models start with."""
    value = rng.standard_normal(shape, np.float32) * np.float32(0.02)
    if len(shape) == 1 and name.endswith(".weight"):
        value += 1
    return value if dtype == "float32" else (value.view(np.uint32) >> 16).astype(np.uint16)


def write_gguf(folder, path, config):
    stored = STORED[config["dtype"]][1]
    kind = Type[STORED[config["dtype"]][0]]
    raw = np.memmap(folder / "model.safetensors", mode="r")
    begin = 8 + struct.unpack("<Q", raw[:8].tobytes())[0]
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        size = math.prod(shape) * stored.itemsize
        tensors[name] = raw[begin:begin + size].view(stored).reshape(shape)
        begin += size
    # The converter only moves elements of these two families, so it may work on stored bits.
    meta, converted = gguf_convert.convert(config, tensors)
    blocks = {name: as_blocks(value, kind) for name, value in converted.items()}
    partial = path.with_suffix(".partial")
    gguf_file.write(partial, meta, blocks, kind)
    partial.rename(path)


def as_blocks(value, kind):
    """Vectors are F32 in every GGUF file; matrices keep their bits."""
    if value.dtype == np.float64:
        return gguf_file.encode(value, Type.F32)
    if value.dtype == np.uint16 and value.ndim == 1:
        return gguf_file.encode((value.astype(np.uint32) << 16).view(np.float32), Type.F32)
    return gguf_file.Blocks(kind, np.ascontiguousarray(value).view(np.uint8))


if __name__ == "__main__":
    main()
