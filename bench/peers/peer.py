"""What every peer's script takes and prints, so that run.py can treat them alike."""

import argparse
import json
from pathlib import Path

import numpy as np

from shapes import DECODE_TOKENS, PROMPT_TOKENS, prompt


def arguments():
    """`ids` is the prompt for the model's vocabulary."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--decode", type=int, default=DECODE_TOKENS)
    parser.add_argument("--logits", type=Path, help="where to write the logits after the prompt (.npy)")
    args = parser.parse_args()
    args.ids = prompt(json.loads((args.model / "config.json").read_text())["vocab_size"])
    report.logits = args.logits
    return args


def report(name, version, load_s, prefill_s, decode_s, ids, logits):
    if report.logits:
        np.save(report.logits, logits)
    print(json.dumps({"peer": name, "version": version, "load_s": load_s, "ids": ids,
                      "prefill_tokens_per_s": PROMPT_TOKENS / prefill_s,
                      "decode_tokens_per_s": len(ids) / decode_s}))
