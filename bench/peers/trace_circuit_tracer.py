#!/usr/bin/env python3
"""Time and memory of an attribution graph in circuit-tracer 0.5, beside `cajal-bench trace`.

    bench/peers/setup.sh dictionaries
    bench/peers/.venv-dictionaries/bin/python bench/peers/trace_circuit_tracer.py [--cache FOLDER] [--rounds 3]

GPT-2 small's shape with TopK transcoders of 24,576 x 12, k 32, random weights (cajal-bench writes the files); the
likeliest tokens and 2,000 features get a row. The two programs run in turn on the same files and the same ids; the
fastest run of each counts, and its least memory: what no file backs (RssAnon), at its peak. Loading is not counted
for circuit-tracer; for cajal the clock starts at the mapped files. Also compared: scores of the graph.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import quiet

TOP = pathlib.Path(__file__).resolve().parents[2]
TOKENS, ROWS, K = (32, 64), 2000, 32


def main():
    args = arguments()
    if args.child:
        print(json.dumps(trace(args.cache, args.child, args.threads)))
        return
    ours, theirs = {}, {tokens: [] for tokens in TOKENS}
    for turn in range(args.rounds):
        print(f"trace_circuit_tracer: round {turn + 1} of {args.rounds}", file=sys.stderr)
        keep_best(ours, cajal_figures(args))
        for tokens in TOKENS:
            quiet.wait(args.wait)
            watch = quiet.Watch()
            theirs[tokens].append(run_child(args, tokens) | {"others": watch.others()})
    for tokens in TOKENS:
        print(report(tokens, ours, theirs[tokens]))
    off = [t for t in TOKENS if abs(theirs[t][0]["replacement"] - ours[f"{t}-tokens-f32-replacement_score"]) > 1e-4]
    sys.exit(f"the scores are not the same at {off} tokens" if off else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=TOP / "build" / "release" / "bin")
    parser.add_argument("--cache", type=pathlib.Path, default=TOP / "build" / "bench-models" / "trace")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--wait", type=float, default=20, help="seconds to wait at most for a quiet machine, each time")
    parser.add_argument("--child", type=int, metavar="TOKENS", help=argparse.SUPPRESS)
    return parser.parse_args()


def cajal_figures(args):
    command = [args.bin / "cajal-bench", "trace", "--cache", args.cache, "-t", args.threads, "--rounds", 1, "--json"]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["result"]["figures"]


def keep_best(best, figures):
    for figure in figures:
        assert figure["checked"], f"cajal's timed result is wrong: {figure['name']}"
        name = figure["name"].removeprefix("trace/")
        best[name] = min(best.get(name, float("inf")), figure["value"])


def run_child(args, tokens):
    command = [sys.executable, __file__, "--child", tokens, "--cache", args.cache, "--threads", args.threads]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(tokens, ours, runs):
    seconds, memory = min(r["seconds"] for r in runs), min(r["anonymous_gb"] for r in runs)
    lines = [f"{tokens} tokens: circuit-tracer {seconds:.1f} s, {memory:.2f} GB "
             f"(others took {max(r['others'] for r in runs):.0%} of the processors)"]
    for precision in ("f32", "bf16x3"):
        own, gb = ours[f"{tokens}-tokens-{precision}-s"], ours[f"{tokens}-tokens-{precision}-anonymous_gb"]
        lines.append(f"  cajal {precision}: {own:.2f} s, {seconds / own:.1f} times as fast; {gb:.2f} GB, "
                     f"1/{memory / gb:.1f} of the memory")
    score = ours[f"{tokens}-tokens-f32-replacement_score"]
    lines.append(f"  replacement score: circuit-tracer {runs[0]['replacement']:.5f}, cajal {score:.5f}")
    return "\n".join(lines)


class Peak:
    """The most memory of this process that no file backs, looked at every few milliseconds."""

    def __enter__(self):
        self.bytes, self.done = 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done = True
        self.thread.join()

    def watch(self):
        while not self.done:
            with open("/proc/self/status", encoding="ascii") as file:
                line = next(x for x in file if x.startswith("RssAnon:"))
            self.bytes = max(self.bytes, 1024 * int(line.split()[1]))
            time.sleep(0.01)


def trace(cache, tokens, threads):
    import torch
    from circuit_tracer.attribution.attribute import attribute
    from circuit_tracer.graph import compute_graph_scores
    torch.set_num_threads(threads)
    model = replacement_model(cache)
    ids = torch.tensor([(1 + 7919 * i) % 50257 for i in range(tokens)])
    with Peak() as peak:
        start = time.perf_counter()
        graph = attribute(ids, model, max_feature_nodes=ROWS)
        seconds = time.perf_counter() - start
    assert len(graph.selected_features) == ROWS and len(graph.input_tokens) == tokens
    return {"seconds": seconds, "anonymous_gb": peak.bytes / 1e9, "replacement": compute_graph_scores(graph)[0]}


def replacement_model(cache):
    """As the package's own loader makes it (which needs a name on a hub), with TopK, for which 0.5 has no loader."""
    import torch
    from circuit_tracer.replacement_model.replacement_model_transformerlens import TransformerLensReplacementModel
    from circuit_tracer.transcoder.activation_functions import TopK
    from circuit_tracer.transcoder.single_layer_transcoder import TranscoderSet, load_relu_transcoder
    from transformer_lens import HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
    from transformers import GPT2LMHeadModel
    hf = GPT2LMHeadModel.from_pretrained(cache / "gpt2-small-f32", dtype=torch.float32)
    config = HookedTransformerConfig(
        d_model=768, d_head=64, n_heads=12, n_layers=12, n_ctx=1024, d_mlp=3072, d_vocab=50257, eps=1e-5,
        act_fn="gelu_new", normalization_type="LN", positional_embedding_type="standard", device="cpu",
        dtype=torch.float32, model_name="gpt2", original_architecture="GPT2LMHeadModel", init_weights=False)
    with tempfile.TemporaryDirectory() as folder:  # TransformerLens reads it once more from where it lies
        model = TransformerLensReplacementModel(config, tokenizer=tokenizer(folder))
    model.load_and_process_state_dict(convert_gpt2_weights(hf, config), fold_ln=False, center_writing_weights=False,
                                      center_unembed=False)
    layers = {}
    for layer in range(12):
        path = str(cache / "transcoders" / f"layer_{layer}.safetensors")
        layers[layer] = load_relu_transcoder(path, layer, torch.device("cpu"), torch.float32, lazy_encoder=False)
        layers[layer].activation_function = TopK(K)
    model._configure_replacement_model(TranscoderSet(layers, "mlp.hook_in", "mlp.hook_out", scan="random"))
    return model.eval()


def tokenizer(folder):
    """One word an id. The first of the prompt counts as special, so that none is put before it."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    words = Tokenizer(WordLevel({f"t{i}": i for i in range(50257)}, unk_token="t0"))
    special = {"bos_token": "t1", "eos_token": "t1", "pad_token": "t1"}
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


if __name__ == "__main__":
    main()
