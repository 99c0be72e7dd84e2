#!/usr/bin/env python3
"""One measurement of llama.cpp with its default settings: prefill, then greedy decode. Prints one JSON object."""

import time

import llama_cpp

import peer
from llama import Llama


def main():
    args = peer.arguments()
    start = time.perf_counter()
    model = Llama(args.model.with_suffix(".gguf"), len(args.ids) + args.decode, args.threads, exact=False)
    loaded = time.perf_counter() - start
    model.evaluate(args.ids[:32], 0)
    model.forget()
    peer.report("llama.cpp", f"llama.cpp of llama-cpp-python {llama_cpp.__version__}", loaded,
                *measure(model, args.ids, args.decode))


def measure(model, ids, decode):
    start = time.perf_counter()
    first = model.evaluate(ids, 0)[0]
    prefill = time.perf_counter() - start
    token, written = int(first.argmax()), []
    start = time.perf_counter()
    for i in range(decode):
        written.append(token)
        token = int(model.evaluate([token], len(ids) + i)[0].argmax())
    return prefill, time.perf_counter() - start, written, first


if __name__ == "__main__":
    main()
