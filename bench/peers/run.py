#!/usr/bin/env python3
"""Measures cajal, transformers and llama.cpp in turn: same model, same prompt, same number of threads.

    bench/peers/setup.sh
    bench/peers/.venv-llama/bin/python bench/peers/make_models.py build/bench-models
    bench/peers/.venv-llama/bin/python bench/peers/run.py --models build/bench-models --rounds 5

Prints the tables of docs/benchmarks.md: medians over the rounds, the best, ratios to cajal, and whether all peers
write the same tokens and have the same logits after the prompt. Every round starts each program afresh, one after
the other, so a change in the machine's load falls on all of them. Runs during which other programs took more than
--noise of the processor time are repeated, twice at most; the table says how much the rest took. Exit status 1 if
logits are further apart than rounding explains.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import cajal
import quiet
from shapes import DECODE_TOKENS, PROMPT_TOKENS, SHAPES

HERE = Path(__file__).resolve().parent
FIGURES = ("prefill_tokens_per_s", "decode_tokens_per_s")
# Root mean square of the difference of two peers' logits over their spread. Both sides round, in their own places.
ALLOWED = {"float32": 0.01, "bfloat16": 0.1}


def main():
    args, off = arguments(), False
    for shape in args.shapes:
        results = measure_all(args, shape)
        print(table(shape, results, args))
        off = off or any("**off**" in line for line in results["check"])
        if args.json:
            with open(args.json, "a", encoding="utf-8") as file:
                file.write(json.dumps({"shape": shape, "results": results}) + "\n")
    sys.exit(1 if off else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=HERE.parents[1] / "build" / "bench-models")
    parser.add_argument("--bin", type=Path, default=HERE.parents[1] / "build" / "release" / "bin")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--peers", nargs="+", choices=["cajal", "transformers", "llama"],
                        default=["cajal", "transformers", "llama"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--noise", type=float, default=0.05)
    parser.add_argument("--wait", type=float, default=20, help="seconds to wait at most for a quiet machine, each time")
    parser.add_argument("--json", type=Path, help="append every measurement to this file, one object a shape")
    return parser.parse_args()


def measure_all(args, shape):
    """peer -> list of measurements; the first of each also carries `logits`, compared and then dropped."""
    results, logits = {peer: [] for peer in args.peers}, {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(args.rounds):
            for peer in args.peers:
                print(f"run: {shape}, round {turn + 1} of {args.rounds}, {peer}", file=sys.stderr)
                file = Path(folder) / f"{peer}.npy" if turn == 0 else None
                results[peer].append(measure_quietly(peer, args, shape, file))
                if file and file.exists():
                    logits[peer] = np.load(file)
    return {"measurements": results, "check": compare(shape, results, logits)}


def measure_quietly(peer, args, shape, logits):
    """The least disturbed of up to three runs; `others` is the share of the processors that other programs took."""
    best = None
    for _ in range(3):
        quiet.wait(args.wait)
        watch = quiet.Watch()
        one = measure(peer, args, shape, logits)
        one["others"] = watch.others()
        best = one if best is None or one["others"] < best["others"] else best
        if best["others"] <= args.noise:
            break
    return best


def measure(peer, args, shape, logits):
    if peer == "cajal":
        return cajal.measure(args.bin, args.models / shape, args.threads, logits)
    command = [HERE / f".venv-{peer}" / "bin" / "python", HERE / f"peer_{peer}.py", args.models / shape,
               "--threads", str(args.threads)]
    if logits:
        command += ["--logits", logits]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(shape, results, logits):
    """One line per pair of peers: equal greedy tokens from the start, distance of the logits, and the verdict."""
    peers, lines = list(results), []
    allowed = ALLOWED[SHAPES[shape]["dtype"]]
    for i, one in enumerate(peers):
        for other in peers[i + 1:]:
            a, b = results[one][0].get("ids") or [], results[other][0].get("ids") or []
            equal = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            line = f"{one} and {other}: the first {equal} of {DECODE_TOKENS} greedy tokens are equal"
            if one in logits and other in logits:
                apart = float(np.sqrt(np.mean((logits[one] - logits[other]) ** 2)) / logits[other].std())
                verdict = "ok" if apart <= allowed else "**off**"
                line += f"; logits after the prompt differ by {apart:.1e} of their spread ({verdict}, limit {allowed})"
            lines.append(line)
    return lines


def table(shape, results, args):
    measurements = results["measurements"]
    lines = [f"### {shape}: prefill {PROMPT_TOKENS}, decode {DECODE_TOKENS}, {args.threads} threads, "
             f"{args.rounds} rounds", "",
             "| program | prefill tokens/s, median (best) | of cajal | decode tokens/s, median (best) | of cajal |",
             "| --- | --- | --- | --- | --- |"]
    for rounds in measurements.values():
        cells = [rounds[0].get("version") or rounds[0]["peer"]]
        for figure in FIGURES:
            values = [one[figure] for one in rounds]
            middle = statistics.median(values)
            ours = [one[figure] for one in measurements.get("cajal", [])]
            cells += [f"{middle:.1f} ({max(values):.1f})", f"{middle / statistics.median(ours):.2f}" if ours else ""]
        lines.append("| " + " | ".join(cells) + " |")
    in_bf16 = [one["prefill_bf16_tokens_per_s"] for one in measurements.get("cajal", []) if one["prefill_bf16_tokens_per_s"]]
    plain = [f"cajal with --precision bf16, the others' own: prefill {statistics.median(in_bf16):.1f} ({max(in_bf16):.1f})"] if in_bf16 else []
    others = [one["others"] for rounds in measurements.values() for one in rounds]
    noise = f"other programs took {statistics.median(others):.0%} (at most {max(others):.0%}) of the processors"
    return "\n".join([*lines, "", *(f"* {line}" for line in [*results["check"], *plain, noise]), ""])


if __name__ == "__main__":
    main()
