#!/usr/bin/env python3
"""Encodes a text with Hugging Face tokenizers and with cajal, one thread each, in turn, and prints MB/s.

    bench/peers/.venv-transformers/bin/python bench/peers/tokenizers_bench.py tokenizer.json text.txt [--rounds 5]

The text is given in pieces of about --piece bytes that end at a line break, as one would read a file; 0 gives it
whole (tokenizers is then half as fast). Where cajal takes part, the numbers of tokens are compared too.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read when tokenizers is first used

import tokenizers  # noqa: E402

import cajal  # noqa: E402


def main():
    args = arguments()
    text = args.text.read_text(encoding="utf-8")
    pieces = split(text, args.piece)
    size = len(text.encode()) / 1e6
    tokenizer = tokenizers.Tokenizer.from_file(str(args.tokenizer))
    speeds = {f"tokenizers {tokenizers.__version__}": []}
    if args.bin:
        speeds["cajal"] = []
    for _ in range(args.rounds):
        start = time.perf_counter()
        count = sum(len(tokenizer.encode(piece, add_special_tokens=False).ids) for piece in pieces)
        speeds[f"tokenizers {tokenizers.__version__}"].append(size / (time.perf_counter() - start))
        if args.bin:
            ours = measure_cajal(args)
            speeds["cajal"].append(cajal.figure(ours, "encode_mb_per_s"))
    print(f"{args.text.name}: {size:.2f} MB in {len(pieces)} pieces, {count} tokens, one thread\n")
    print("| program | MB/s, median (best) |\n| --- | --- |")
    for name, values in speeds.items():
        print(f"| {name} | {statistics.median(values):.2f} ({max(values):.2f}) |")
    if args.bin:
        tokens = cajal.figure(ours, "tokens")
        print(f"\ncajal writes {tokens:.0f} tokens: {'equal' if tokens == count else 'NOT EQUAL'}")
        sys.exit(0 if tokens == count else 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--piece", type=int, default=10000)
    parser.add_argument("--bin", type=Path, help="folder of cajal-bench; without it only tokenizers is measured")
    return parser.parse_args()


def split(text, size):
    """Pieces of at least `size` bytes that end after a line break, so that no word is cut; as cajal-bench splits."""
    data, pieces, begin = text.encode(), [], 0
    while size and len(data) - begin > size:
        end = data.find(b"\n", begin + size) + 1
        if end == 0:
            break
        pieces.append(data[begin:end].decode())
        begin = end
    return [*pieces, data[begin:].decode()]


def measure_cajal(args):
    return cajal.bench(args.bin, ["tokenizer", "--tokenizer", args.tokenizer, "--text", args.text,
                                  "--piece", args.piece])


if __name__ == "__main__":
    main()
