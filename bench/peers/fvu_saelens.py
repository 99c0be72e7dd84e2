#!/usr/bin/env python3
"""Held-out FVU of an SAE learned by SAELens and by cajal on the same activations, batch by batch.

    fvu_saelens.py [--bin build/release/bin] [--model specimen/model] [--layer 3] [--steps 300] [--seeds 2] [--threads 2] [--keep FOLDER]

What the MLP of a layer of the specimen reads, as transformers computes it, on documents of the world (`cajal world --write`), rows scaled to root d on average; 4,096 features, TopK 16, batches
of 4,096 rows in one order. Both begin from the same weights, those that SAELens draws (the encoder is the decoder's rows, of norm 0.1 and in random directions), and learn with Adam at 3e-4:
SAELens's defaults. FVU is measured on documents that neither has seen, by the same formula. `--keep` keeps the activations and what was measured, and goes on from there.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import torch
from safetensors.torch import load_file, save_file
from sae_lens.config import SAETrainerConfig
from sae_lens.registry import get_sae_training_class
from sae_lens.training.sae_trainer import SAETrainer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

FEATURES, ACTIVE, BATCH, HELDOUT = 4096, 16, 4096, 8192


def documents(program, folder, seed):
    subprocess.run([program, "world", "--write", folder, "-n", "6000", "--seed", str(seed), "-q"], check=True, stdout=subprocess.DEVNULL)
    texts = [json.loads(line).get("text") for file in sorted(pathlib.Path(folder).glob("*.train.jsonl")) for line in file.open()]
    texts = [text for text in texts if text]
    order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed)).tolist()
    return [texts[i] for i in order[:30000]]


def batches(tokenizer, texts):
    """Ids of 64 texts at a time, neighbours in length so that little is padded, in random order."""
    ids = sorted((tokenizer.encode(text, add_special_tokens=False)[:255] for text in texts), key=len)
    for i in torch.randperm(len(ids) // 64, generator=torch.Generator().manual_seed(0)).tolist():
        yield ids[64 * i:64 * i + 64]


def activations(args, texts, rows):
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(args.model / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    model.model.layers = model.model.layers[:args.layer + 1]
    kept, found = [], 0
    model.model.layers[args.layer].mlp.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    for ids in batches(tokenizer, texts):
        longest = max(map(len, ids)) + 1
        with torch.no_grad():
            model.model(torch.tensor([[1, *one, *[0] * (longest - 1 - len(one))] for one in ids]))
        kept[-1] = torch.cat([of_text[1:1 + len(one)] for of_text, one in zip(kept[-1], ids)])
        found += len(kept[-1])
        if found >= rows:
            break
    assert found >= rows, f"only {found} of {rows} rows"
    x = torch.cat(kept)[:rows]
    return x[torch.randperm(rows, generator=torch.Generator().manual_seed(0))]


def rows_of(args, folder):
    file = folder / "rows.safetensors"
    if not file.exists():
        x = activations(args, documents(args.bin / "cajal", folder / "learned", 1), args.steps * BATCH)
        heldout = activations(args, documents(args.bin / "cajal", folder / "heldout", 2), HELDOUT)
        scale = x.shape[1] ** 0.5 / x.norm(dim=1).mean()
        save_file({"x": (x * scale).contiguous(), "heldout": (heldout * scale).contiguous()}, file)
    return load_file(file)


def trainer(rows, seed):
    torch.manual_seed(seed)
    kind, config = get_sae_training_class("topk")
    sae = kind(config(d_in=rows["x"].shape[1], d_sae=FEATURES, k=ACTIVE, dtype="float32"))
    # lr_end is asked for, though the rate stays as it is.
    return SAETrainer(SAETrainerConfig(total_training_samples=len(rows["x"]), train_batch_size_samples=BATCH, lr_end=3e-5), sae, iter([]))


def saelens_fvu(run, rows):
    for batch in rows["x"].split(BATCH):
        run.step(batch)
        run.n_training_steps += 1
    heldout = rows["heldout"]
    with torch.no_grad():
        error = (run.sae(heldout) - heldout).pow(2).sum()
    return (error / (heldout - heldout.mean(0)).pow(2).sum()).item()


def cajal_fvu(args, file):
    done = subprocess.run([args.bin / "cajal-bench", "--activations", file, "-t", str(args.threads), "--json"], check=True, capture_output=True, text=True)
    figure = json.loads(done.stdout)["result"]["figures"][0]
    assert figure["checked"], "cajal's result is wrong"
    return figure["value"]


def measured(args, folder, rows, seed):
    done = folder / f"seed{seed}.json"
    if not done.exists():
        run, file = trainer(rows, seed), folder / "learn.safetensors"
        start = run.sae.W_dec.detach().clone().contiguous()
        assert torch.equal(start, run.sae.W_enc.detach().T), "SAELens no longer starts with tied weights"
        save_file({**rows, "start": start}, file)
        ours = cajal_fvu(args, file)
        file.unlink()
        done.write_text(json.dumps([ours, saelens_fvu(run, rows)]))
    return json.loads(done.read_text())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("specimen/model"))
    parser.add_argument("--layer", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as fresh:
        folder = args.keep or pathlib.Path(fresh)
        folder.mkdir(parents=True, exist_ok=True)
        rows = rows_of(args, folder)
        for seed in range(1, args.seeds + 1):
            ours, theirs = measured(args, folder, rows, seed)
            print(f"{len(rows['x'])} tokens, seed {seed}: held-out FVU cajal {ours:.5f}, SAELens {theirs:.5f}: {ours / theirs:.4f}", flush=True)


if __name__ == "__main__":
    main()
