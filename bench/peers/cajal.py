"""Our own side of the comparisons: the one place that knows the command lines and the names of cajal's figures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from shapes import DECODE_TOKENS, prompt

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from golden.huggingface import read_safetensors  # noqa: E402  (the repository's own reader)


def measure(programs, model, threads, logits):
    """What peer.report prints, for a folder; greedy ids and logits only where `logits` asks for them (they cost a run)."""
    figures = bench(programs, ["--model", model, "-t", threads, "--rounds", 1])  # as often as peers do
    out = {"peer": "cajal", "version": "cajal", "ids": None,
           "prefill_tokens_per_s": figure(figures, "prefill_tokens_per_s"),
           "prefill_bf16_tokens_per_s": find_figure(figures, "prefill_bf16_tokens_per_s"),
           "decode_tokens_per_s": figure(figures, "decode_tokens_per_s")}
    if logits:
        ids = prompt(json.loads((model / "config.json").read_text())["vocab_size"])
        out["version"] = run([programs / "cajal", "--version"]).split("\n")[0]
        out["ids"] = greedy(programs, model, ids, threads)
        np.save(logits, after_prompt(programs, model, ids, threads, logits.with_suffix(".safetensors")))
    return out


def greedy(programs, model, ids, threads):
    text = run([programs / "cajal", "generate", "-m", model, "--ids", ",".join(map(str, ids)), "-n", DECODE_TOKENS,
                "--temperature", "0", "-t", threads, "--json"])
    return json.loads(text.strip().split("\n")[-1])["result"]["ids"][-DECODE_TOKENS:]


def after_prompt(programs, model, ids, threads, file):
    run([programs / "cajal", "points", "-m", model, "--ids", ",".join(map(str, ids)), "--point", "logits", "-o", file,
         "-t", threads, "-q", "--force"])  # a disturbed run is repeated
    return read_safetensors(file)["logits"][1][-1]


def bench(programs, arguments):
    """`result.figures` of cajal-bench."""
    return json.loads(run([programs / "cajal-bench", *arguments, "--json"]))["result"]["figures"]


def find_figure(figures, name):
    """The value of the figure with this name, whatever group stands before it ("llama-1b/decode_tokens_per_s"), or None."""
    return next((entry["value"] for entry in figures if entry["name"].split("/")[-1] == name), None)


def figure(figures, name):
    value = find_figure(figures, name)
    if value is not None:
        return value
    raise SystemExit(f"cajal-bench printed no figure '{name}', only {[entry['name'] for entry in figures]}")


def run(command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{Path(command[0]).name} ended with {done.returncode}")
    return done.stdout
