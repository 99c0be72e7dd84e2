#!/usr/bin/env python3
"""Ids of a tokenizer.json in Hugging Face tokenizers and in cajal, text by text. Exits 1 if any differ.

    check_tokenizer.py FOLDER [TEXT_FILE ...] --bin build/release/bin

FOLDER holds the tokenizer.json that `cajal grow` wrote. Beside the files' lines, texts made here from a seed are compared: pieces
of the vocabulary, numbers, signs, white space and characters of many scripts in random order.
"""

import argparse
import json
import pathlib
import random
import subprocess
import tempfile

from tokenizers import Tokenizer

SIGNS = list("+-=.,;:!?'\"()[]{}<>/\\|@#$%^&*_~`\n\t\r  ") + ["\n\n", "  ", " \n", "'s", "'ll", "’", "“", "”", "…", "\u00a0", "\u200b"]
SCRIPTS = "äéñßçøÀΩжЯאبहिक한글日本長城的大小かなカタ😀👩‍👩‍👧e\u0301"


def random_texts(tokenizer, count):
    pieces = [tokenizer.decode([i], skip_special_tokens=False) for i in range(tokenizer.get_vocab_size())]
    draw = random.Random(1)
    for _ in range(count):
        yield "".join(draw.choice([
            lambda: draw.choice(pieces),
            lambda: str(draw.randrange(10 ** draw.randrange(1, 7))),
            lambda: draw.choice(SIGNS),
            lambda: draw.choice(SCRIPTS),
        ])() for _ in range(draw.randrange(1, 30))).replace("\ufffd", "?")


def ids_of_cajal(binary, folder, texts):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.flush()
        lines = subprocess.run([binary / "cajal", "tokens", "-m", folder, "--jsonl", "-f", file.name], check=True, capture_output=True,
                               text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--random", type=int, default=5000)
    args = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(args.folder / "tokenizer.json"))
    texts = [line for file in args.files for line in file.read_text().splitlines(keepends=True) if line.strip()]
    texts += list(random_texts(tokenizer, args.random))
    differ = 0
    for text, ours in zip(texts, ids_of_cajal(args.bin, args.folder, texts), strict=True):
        theirs = tokenizer.encode(text).ids
        ours = ours.get("result", ours)["ids"]
        if ours != theirs:
            differ += 1
            print(f"{text!r}\n  cajal       {ours}\n  tokenizers  {theirs}")
    print(f"{len(texts)} texts, {differ} with other ids")
    raise SystemExit(differ != 0)


if __name__ == "__main__":
    main()
