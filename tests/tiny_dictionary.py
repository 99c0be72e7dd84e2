"""An SAE in SAELens's layout that gives its input back: features x and -x, `scale` times."""
import json
import pathlib
import struct
import sys


def write_tiny_dictionary(folder, hook="blocks.1.hook_resid_post", width=32, scale=1.0):
    """`scale` is what the decoder multiplies by: 1 gives the input back."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    features = 2 * width
    encoder = [[(scale if f == i else -scale if f == width + i else 0.0) for f in range(features)]
               for i in range(width)]
    decoder = [[(1.0 if f == i else -1.0 if f == width + i else 0.0) for i in range(width)]
               for f in range(features)]
    tensors = {"W_enc": ([width, features], sum(encoder, [])),
               "W_dec": ([features, width], sum(decoder, [])),
               "b_enc": ([features], [0.0] * features), "b_dec": ([width], [0.0] * width)}
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        end = len(data) + 4 * len(values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), end]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    (folder / "sae_weights.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "cfg.json").write_text(json.dumps(
        {"architecture": "standard", "d_in": width, "d_sae": features,
         "metadata": {"hook_name": hook, "model_name": "tiny"}}))


if __name__ == "__main__":
    write_tiny_dictionary(sys.argv[1], **json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}"))
