#!/usr/bin/env python3
"""Reloads dictionaries that `cajal convert` wrote in SAELens and circuit-tracer, and compares what they
compute with what `cajal encode` does: the same features fire, with the same values.

    bench/peers/setup.sh dictionaries
    bench/peers/.venv-dictionaries/bin/python bench/peers/check_dictionaries.py [--bin build/release/bin/cajal]
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file

TOP = pathlib.Path(__file__).resolve().parents[2]
FORMATS = TOP / "tests" / "golden" / "dictionaries" / "formats"
TO_SAELENS = ["sl_jumprelu_bdec", "sl_topk_rescale", "sl_standard_bf16", "sl_jumprelu_skip_transcoder",
              "sl_skip_transcoder_layer_norm", "sl_batchtopk_inference", "sp_sae_topk/layers.1", "conv_llama_scope/L4R",
              "dl_batchtopk", "oai_topk"]
TO_CIRCUIT_TRACER = ["ct_clt_jumprelu", "ct_plt_jumprelu_negative_threshold", "ct_plt_relu_bf16", "ct_plt_relu_skip",
                     "ct_plt_topk_negative", "conv_mwhanna_transcoder", "sp_transcoder_skip/layers.1.mlp"]
TOLERANCE = 1e-5  # times max(1, |value|)


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"cajal {' '.join(map(str, arguments))}: {done.stderr}")


def in_saelens(folder, x):
    from sae_lens import SAE
    sae = SAE.load_from_disk(str(folder), device="cpu").to(torch.float32)
    with torch.no_grad():
        return sae.encode(x), sae(x)


def in_circuit_tracer(folder, x):
    from circuit_tracer.transcoder.cross_layer_transcoder import load_clt
    from circuit_tracer.transcoder.single_layer_transcoder import load_relu_transcoder
    with torch.no_grad():
        if (folder / "W_enc_0.safetensors").exists():
            clt = load_clt(str(folder), device=torch.device("cpu"), dtype=torch.float32, lazy_decoder=False)
            features = clt.encode(x)
            return features, clt.decode(features.to_sparse())
        file = next(folder.glob("layer_*.safetensors"))
        one = load_relu_transcoder(str(file), 0, device=torch.device("cpu"), lazy_encoder=False, lazy_decoder=False)
        features = one.encode(x)
        return features, one.decode(features, x)


def difference(a, b):
    return ((a - b).abs() / b.abs().clamp(min=1.0)).max().item()


def check(program, name, to, root):
    case = FORMATS / name.split("/")[0]
    x_file = case / "expected.safetensors"
    folder, out = root / f"{name.replace('/', '_')}_{to}", root / "out.safetensors"
    thresholds = ["--in", x_file, "--tensor", "x", "-k", 9] if "topk_negative" in name or name.startswith("sp_tr") else []
    run(program, "convert", FORMATS / name, "--to", to, "-o", folder, *thresholds)
    run(program, "encode", "-d", folder, "--in", x_file, "--tensor", "x", "-o", out, "--force")
    x, ours = load_file(x_file)["x"], load_file(out)
    x = x.reshape(*ours["features"].shape[:-1], -1)
    features, made = (in_saelens if to == "saelens" else in_circuit_tracer)(folder, x)
    same = torch.equal(features != 0, ours["features"] != 0)
    worst = difference(features, ours["features"]), difference(made, ours["reconstruction"])
    good = same and max(worst) <= TOLERANCE
    print(f"{name:40} {to:15} features {worst[0]:.1e}  reconstruction {worst[1]:.1e}  {'ok' if good else 'DIFFERENT'}")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=TOP / "build" / "release" / "bin" / "cajal")
    program = parser.parse_args().bin
    with tempfile.TemporaryDirectory() as root:
        results = [check(program, name, to, pathlib.Path(root))
                   for to, names in (("saelens", TO_SAELENS), ("circuit-tracer", TO_CIRCUIT_TRACER)) for name in names]
    print(json.dumps({"checked": len(results), "same": sum(results)}))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
