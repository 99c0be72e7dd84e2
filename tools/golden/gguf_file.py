"""Writes and reads GGUF files with the `gguf` package."""

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

FILE_TYPE = {Type.F32: 0, Type.F16: 1, Type.Q4_0: 2, Type.Q4_1: 3, Type.Q8_0: 7, Type.Q5_0: 8, Type.Q5_1: 9,
             Type.Q4_K: 14, Type.Q5_K: 16, Type.Q6_K: 18, Type.BF16: 32}


class Blocks:
    """Stored bytes of one tensor: `data` is uint8 with rows of blocks."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data


def write(path, meta, tensors, kind):
    """`kind` is the type of the matrices; vectors and position embeddings are F32, as llama.cpp wants them."""
    writer = gguf.GGUFWriter(path, meta["general.architecture"])
    for key, value in meta.items():
        if key not in ("general.architecture", "general.file_type"):
            _add(writer, key, value)
    writer.add_file_type(FILE_TYPE[kind])
    for name, value in tensors.items():
        if not isinstance(value, Blocks):
            vector = value.ndim == 1 or name == "position_embd.weight"
            value = encode(value, Type.F32 if vector else kind)
        writer.add_tensor(name, value.data, raw_dtype=value.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def encode(value, kind):
    with np.errstate(over="raise"):
        return Blocks(kind, gguf.quants.quantize(np.ascontiguousarray(value, np.float32), kind))


def _add(writer, key, value):
    add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
    add[type(value)](key, value)


def read(path):
    """(metadata, tensors) with every tensor decoded by the package's own dequantisation and widened to float64."""
    reader = gguf.GGUFReader(path)
    meta = {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    tensors = {}
    for tensor in reader.tensors:
        shape = tuple(int(n) for n in reversed(tensor.shape))
        tensors[tensor.name] = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64).reshape(shape)
    return meta, tensors
