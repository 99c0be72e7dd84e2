#!/usr/bin/env python3
"""Tokens a second of training a model of the specimen's shape in torch and transformers, beside `cajal-bench training-step`.

    train_torch.py [--bin build/release/bin] [--threads 2] [--rounds 3] [--steps 4]

The same architecture (Llama, d_model 192, 8 layers, 6 heads, d_mlp 512, vocabulary 3000), the same batch of 8192 tokens (128 documents
of 64 tokens, which attend to themselves only), AdamW with clipping, bf16 autocast. The two run in turn; the best of each counts.
"""

import argparse
import json
import pathlib
import subprocess
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

DOCUMENTS, LENGTH, VOCAB = 128, 64, 3000


def make_model():
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCAB, hidden_size=192, intermediate_size=512, num_hidden_layers=8, num_attention_heads=6, num_key_value_heads=6,
        max_position_embeddings=256, tie_word_embeddings=False, attn_implementation="sdpa", use_cache=False)).train()


class Torch:
    def __init__(self, threads):
        torch.set_num_threads(threads)
        self.model = make_model()
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
        self.ids = torch.randint(0, VOCAB, (DOCUMENTS, LENGTH))
        self.losses = []

    def step(self):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = self.model(self.ids, labels=self.ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.losses.append(loss.item())

    def rate(self, steps):
        best = 0.0
        for _ in range(steps):
            start = time.perf_counter()
            self.step()
            best = max(best, DOCUMENTS * LENGTH / (time.perf_counter() - start))
        return best


def cajal_rate(args):
    done = subprocess.run([args.bin / "cajal-bench", "training-step", "-t", str(args.threads), "--rounds", str(args.steps), "--json"],
                          check=True, capture_output=True, text=True)
    figure = json.loads(done.stdout)["result"]["figures"][0]
    assert figure["checked"], "cajal's timed result is wrong"
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    peer = Torch(args.threads)
    peer.step()
    theirs, ours = [], []
    for _ in range(args.rounds):
        theirs.append(peer.rate(args.steps))
        ours.append(cajal_rate(args))
    best = max(ours, key=lambda figure: figure["value"])
    print(f"torch {torch.__version__}, bf16 autocast: {max(theirs):.0f} tokens/s (rounds {', '.join(f'{x:.0f}' for x in theirs)}); "
          f"loss {peer.losses[0]:.3f} to {peer.losses[-1]:.3f}")
    rounds = ", ".join(f"{figure['value']:.0f}" for figure in ours)
    print(f"cajal: {best['value']:.0f} tokens/s (rounds {rounds}); {best['fraction']:.2f} of {best['limit_is']}")
    print(f"cajal / torch: {best['value'] / max(theirs):.2f}")


if __name__ == "__main__":
    main()
