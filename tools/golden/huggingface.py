"""Reads a Hugging Face model folder: config.json and safetensors, every float widened exactly to float64."""

import json
import struct
from pathlib import Path

import numpy as np

_PLAIN = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


class Folder:
    """`config`: the (text) configuration; `tensors`: name -> float64; `dtype`: the commonest stored float type."""

    def __init__(self, path):
        self.path = Path(path)
        self.config = json.loads((self.path / "config.json").read_text())
        self.tensors, stored = {}, []
        for file in sorted(self.path.glob("model*.safetensors")):
            for name, (dtype, value) in read_safetensors(file).items():
                self.tensors[name] = value.astype(np.float64)
                stored.append(dtype)
        self.dtype = max(set(stored), key=stored.count)


def read_safetensors(path):
    """name -> (stored dtype, array); floats only, BF16 comes back as float32."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            bits = np.frombuffer(data[begin:end], np.uint16).astype(np.uint32) << 16
            value = bits.view(np.float32)
        elif entry["dtype"] in _PLAIN:
            value = np.frombuffer(data[begin:end], _PLAIN[entry["dtype"]])
        else:
            continue
        out[name] = entry["dtype"], value.reshape(entry["shape"])
    return out


def expected(path):
    """The tokens of A, B and C and their float64 logits, as the golden folder states them."""
    note = json.loads((Path(path) / "expected.json").read_text())
    stored = read_safetensors(Path(path) / "expected.safetensors")
    logits = {case: stored[f"{case}/logits"][1] for case in "ABC"}
    return note, logits
