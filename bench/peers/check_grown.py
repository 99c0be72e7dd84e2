#!/usr/bin/env python3
"""Logits of a folder that `cajal grow` wrote, in transformers and in cajal. Exits 1 if they differ by more than --tolerance.

    check_grown.py FOLDER TEXT --bin build/release/bin [--chat QUESTION]

Both read the folder as published software does: AutoTokenizer, AutoModelForCausalLM and its chat template there, `cajal points`
and `cajal tokens` here. Ids must be equal; logits are compared in float32.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def cajal(args, *rest):
    done = subprocess.run([args.bin / "cajal", *rest], check=True, capture_output=True, text=True)
    return done.stdout


def ids_of_cajal(args, *rest):
    return json.loads(cajal(args, "tokens", "-m", args.folder, *rest, "--json"))["result"]["ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("text")
    parser.add_argument("--chat", default="What is a neuron?")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    args = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32).eval()
    ids = tokenizer(args.text)["input_ids"]
    assert ids_of_cajal(args, args.text) == ids, "ids differ"
    chat = tokenizer.apply_chat_template([{"role": "user", "content": args.chat}], add_generation_prompt=True, tokenize=True)
    chat = chat["input_ids"] if not isinstance(chat, list) else chat
    ours = ids_of_cajal(args, "--chat", args.chat)
    assert ours == chat, f"ids of the chat differ: {ours} here, {chat} there"
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "logits.safetensors"
        cajal(args, "points", "-m", args.folder, "--ids", ",".join(map(str, ids)), "--point", "logits", "--precision", "f32", "-o", file)
        ours = load_file(file)["logits"].float()
    with torch.inference_mode():
        theirs = model(torch.tensor([ids])).logits[0]
    worst = (ours - theirs).abs().max().item()
    print(f"{len(ids)} ids equal, {len(chat)} of a chat; largest difference of {theirs.numel()} logits {worst:.2e}, "
          f"largest logit {theirs.abs().max().item():.2f}; stop ids {model.generation_config.eos_token_id}")
    raise SystemExit(worst > args.tolerance)


if __name__ == "__main__":
    main()
