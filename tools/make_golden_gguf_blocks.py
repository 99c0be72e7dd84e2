#!/usr/bin/env python3
"""Writes tests/golden/gguf/blocks.gguf: random blocks of each quantised type that is read, and beside
each tensor T the values `T.expected` (F32) that the gguf package's own dequantisation gives.

Needs: pip install gguf==0.19.0 numpy. The result does not depend on the machine.
"""
import pathlib

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as Type

# Where the float16 scales of a block lie; every other byte may have any value.
SCALES = {Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2],
          Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208]}
# Largest and smallest normal, both ends of the subnormals, zeros of both signs, then random ones.
EDGES = np.array([65504, -65504, 6.104e-5, 5.96e-8, -6.098e-5, 0.0, -0.0, 1.0], np.float16)
ROWS = 3


def random_rows(kind: Type, random: np.random.Generator) -> np.ndarray:
    block, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (ROWS * (4 if block == 256 else 16), size), np.uint8)
    for place in SCALES[kind]:
        scale = random.normal(0, 0.05, len(blocks)).astype(np.float16)
        scale[:len(EDGES)] = np.roll(EDGES, place)
        blocks[:, place:place + 2] = scale.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(ROWS, -1)


def main() -> None:
    path = pathlib.Path(__file__).parent.parent / "tests/golden/gguf/blocks.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20)
    writer = gguf.GGUFWriter(path, "none")
    for kind in SCALES:
        rows = random_rows(kind, random)
        expected = gguf.quants.dequantize(rows, kind)
        assert expected.dtype == np.float32 and np.isfinite(expected).all()
        writer.add_tensor(kind.name, rows, raw_dtype=kind)
        writer.add_tensor(f"{kind.name}.expected", expected)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path, path.stat().st_size, "bytes")


main()
