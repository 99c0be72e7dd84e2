#!/usr/bin/env python3
"""Tokens a second of learning a TopK SAE in SAELens, beside `cajal-bench dictionary`.

    learn_saelens.py [--bin build/release/bin] [--threads 2] [--steps 2] [--autocast]

d 768, 24,576 features, k 32, 4096 tokens a step, activations from memory, AuxK on: SAELens's own trainer (6.54) with its defaults, in f32 and, with --autocast, in bf16. The two programs run
in turn; the best step of each counts.
"""

import argparse
import json
import pathlib
import subprocess
import time

import torch
from sae_lens.config import SAETrainerConfig
from sae_lens.registry import get_sae_training_class
from sae_lens.training.sae_trainer import SAETrainer

WIDTH, FEATURES, ACTIVE, TOKENS = 768, 24576, 32, 4096


def trainer(autocast):
    kind, config = get_sae_training_class("topk")
    sae = kind(config(d_in=WIDTH, d_sae=FEATURES, k=ACTIVE, dtype="float32"))
    return SAETrainer(SAETrainerConfig(total_training_samples=TOKENS * 1000, train_batch_size_samples=TOKENS, lr=3e-4, lr_end=3e-5, lr_warm_up_steps=0, lr_decay_steps=0, autocast=autocast,
                                       dead_feature_window=1000), sae, iter([]))


def activations():
    draw = torch.Generator().manual_seed(1)
    atoms = torch.randn(8192, WIDTH, generator=draw)
    codes = (torch.rand(TOKENS, 16, generator=draw) ** 2 * 8192).long()
    return 0.25 * atoms[codes].sum(1) + 0.05 * torch.randn(TOKENS, WIDTH, generator=draw)


def saelens_rate(args):
    torch.set_num_threads(args.threads)
    run, data, best = trainer(args.autocast), activations(), 0.0
    for _ in range(args.steps + 1):  # the first one warms up
        start = time.perf_counter()
        run.step(data)
        run.n_training_steps += 1
        best = max(best, TOKENS / (time.perf_counter() - start))
    return best


def cajal_figure(args):
    done = subprocess.run([args.bin / "cajal-bench", "dictionary", "-t", str(args.threads), "--json"], check=True, capture_output=True, text=True)
    figure = next(f for f in json.loads(done.stdout)["result"]["figures"] if f["name"] == "dictionary/topk_tokens_per_s")
    assert figure["checked"], "cajal's timed result is wrong"
    return figure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--autocast", action="store_true")
    args = parser.parse_args()
    ours, theirs = cajal_figure(args), saelens_rate(args)
    print(f"cajal {ours['value']:.0f} tokens/s ({ours['fraction']:.2f} of the encoder's product), SAELens {theirs:.0f} tokens/s: {ours['value'] / theirs:.1f} times")


if __name__ == "__main__":
    main()
