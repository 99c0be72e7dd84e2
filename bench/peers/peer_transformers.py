#!/usr/bin/env python3
"""One measurement of transformers (torch, CPU): prefill, then greedy decode. Prints one JSON object."""

import json
import time

import torch
import transformers
from transformers import AutoModelForCausalLM

import peer


def main():
    args = peer.arguments()
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(args.threads)
    config = json.loads((args.model / "config.json").read_text())
    start = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, config["dtype"])).eval()
    loaded = time.perf_counter() - start
    with torch.inference_mode():
        model(torch.tensor([args.ids[:32]]))
        peer.report("transformers", f"transformers {transformers.__version__}, torch {torch.__version__}", loaded,
                    *measure(model, args.ids, args.decode))


def measure(model, ids, decode):
    start = time.perf_counter()
    out = model(torch.tensor([ids]), use_cache=True, logits_to_keep=1)
    prefill = time.perf_counter() - start
    first = out.logits[0, -1].float().numpy()
    token, cache, written = int(first.argmax()), out.past_key_values, []
    start = time.perf_counter()
    for _ in range(decode):
        written.append(token)
        out = model(torch.tensor([[token]]), use_cache=True, past_key_values=cache)
        token, cache = int(out.logits[0, -1].argmax()), out.past_key_values
    return prefill, time.perf_counter() - start, written, first


if __name__ == "__main__":
    main()
