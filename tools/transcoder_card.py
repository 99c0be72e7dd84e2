#!/usr/bin/env python3
"""Measures the specimen's transcoders and writes what came out into its model card, so that no figure is typed by hand.

    tools/transcoder_card.py [PROGRAM]              measure specimen/transcoders, and write specimen/README.md (some minutes)
    tools/transcoder_card.py [PROGRAM] --dictionary D --atlas FILE
    tools/transcoder_card.py --beside DIR ...       measure these dictionaries of the specimen, too: a table compares them
    tools/transcoder_card.py --baseline DIR         and FVU of the learned baselines in DIR, as cajal measure takes them, and of
                                                    DIR/learned: the transcoders' own recipe, learned for as long as those
    tools/transcoder_card.py --results DIR          take DIR/corpus.json, world.json and atlas.json instead: what --json of
                                                    measure --corpus, measure --world and atlas printed

PROGRAM is build/release/bin/cajal unless given. What is written stands between the two lines MARKS of the card.
tests/transcoders.py reads the thresholds from there.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

from specimen_card import percent, print_json, score_threshold, table, with_measured

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKS = ("<!-- written by tools/transcoder_card.py -->", "<!-- until here: transcoders -->")
TASKS = ["task", "kind", "split", "questions", "model", "replaced", "with errors", "threshold of replaced"]
LAYERS = ["layer", "FVU", "mean L0", "FVU of PCA", "FVU of neurons", "CE added alone, nats", "threshold of FVU"]
BESIDE = ["dictionary", "largest FVU", "mean L0 of all layers", "CE added, nats", "two-step, replaced", "one-step, replaced", "sums, replaced",
          "states with F1 of 0.8"]
F1 = 0.8
WANTED = {"state": 0.8, "landmark": 0.7, "intent": 1.0, "known": 1.0}  # kinds of truth: the share with F1 of 0.8 at least
INTENTS = {"intent=refuse", "known=no"}


def fvu_threshold(fvu):
    """What the test allows, on another processor."""
    return round(1.25 * fvu + 0.005, 4)


def wanted_labels(world):
    """{kind: [labels]} of the kinds that have an aim."""
    out = {}
    for x in world["truth"]["labels"]:
        kind = x["label"].split("=")[0]
        if kind in WANTED and (kind not in ("intent", "known") or x["label"] in INTENTS):
            out.setdefault(kind, []).append(x)
    return out


def aims(results):
    """(what, reached as text, aim, whether)"""
    corpus, world, atlas = (results[name]["result"] for name in ("corpus", "world", "atlas"))
    corpus, world = corpus["corpus"], world["world"]
    fvu = max(x["metrics"]["fvu"] for x in corpus["layers"])
    l0 = max(x["metrics"]["l0_mean"] for x in corpus["layers"])
    added = corpus["total"]["splice"]["all"]["delta_ce_sae_keep_bos"]
    dead = 1 - atlas["alive"] / atlas["features"]
    yield "largest FVU of a layer", f"{fvu:.3f}", "at most 0.15", fvu <= 0.15
    yield "largest mean L0 of a layer", f"{l0:.1f}", "at most 24", l0 <= 24
    yield "cross-entropy added with all layers replaced", f"{added:.3f} nats", "at most 0.10", added <= 0.1
    yield f"features that never fire on {atlas['tokens']:,} tokens", percent(dead, 1), "at most 2 %", dead <= 0.02
    for t in world["tasks"]:
        if t["task"] in ("geography", "sums"):
            ratio = t["replaced"] / t["score"]
            yield f"{t['task']}, {t['kind']}: replaced, of the model's own", percent(ratio), "at least 80 %", ratio >= 0.8
    for kind, labels in wanted_labels(world).items():
        share = sum(x["f1"] >= F1 for x in labels) / len(labels)
        yield (f"{kind} ({len(labels)}): a single feature with F1 of {F1}", percent(share), f"at least {percent(WANTED[kind])}",
               share >= WANTED[kind])


def layer_rows(corpus):
    baselines = {b["name"]: b for b in corpus["baselines"]}
    for i, x in enumerate(corpus["layers"]):
        fvu = x["metrics"]["fvu"]
        beside = [f"{baselines[name]['layers'][i]['metrics']['fvu']:.3f}" if baselines.get(name, {}).get('layers') else "" for name in ("pca", "neurons")]
        yield [str(x["layer"]), f"{fvu:.4f}", f"{x['metrics']['l0_mean']:.1f}", *beside,
               f"{x['splice']['all']['delta_ce_sae_keep_bos']:.4f}", f"{fvu_threshold(fvu):.4f}"]


def task_row(t):
    return [t["task"], t["kind"], t["split"], str(t["n"]), percent(t["score"], 1), percent(t["replaced"], 1),
            percent(t["with_errors"], 1), percent(score_threshold(t["replaced"], t["n"]))]


def truth_rows(world):
    kinds = {}
    for x in world["truth"]["labels"]:
        kinds.setdefault(x["label"].split("=")[0], []).append(x)
    for kind, labels in kinds.items():
        layers = sorted({x["layer"] for x in labels if x["f1"] >= F1})
        yield [kind, str(len(labels)), *(str(sum(x["f1"] >= least for x in labels)) for least in (0.9, F1)),
               f"{sum(x['f1'] for x in labels) / len(labels):.2f}", " ".join(map(str, layers))]


def without_feature(world):
    for kind, labels in wanted_labels(world).items():
        low = sorted((x for x in labels if x["f1"] < F1), key=lambda x: x["f1"])
        if low:
            yield f"* {kind}: " + ", ".join(f"{x['label'].split('=')[1]} ({x['f1']:.2f})" for x in low)


def beside_row(name, corpus, world):
    """A dictionary as one line of the comparison."""
    layers, labels = corpus["layers"], wanted_labels(world).get("state", [])
    tasks = {(t["task"], t["kind"]): t for t in world["tasks"]}
    replaced = [percent(tasks[k]["replaced"], 1) if k in tasks else "" for k in (("geography", "two-step"), ("geography", "one-step"), ("sums", "sum"))]
    return [name, f"{max(x['metrics']['fvu'] for x in layers):.3f}", f"{sum(x['metrics']['l0_mean'] for x in layers):.0f}",
            f"{corpus['total']['splice']['all']['delta_ce_sae_keep_bos']:.3f}", *replaced, f"{sum(x['f1'] >= F1 for x in labels)} of {len(labels)}"]


def beside_lines(results):
    if not results.get("beside"):
        return []
    rows = [beside_row(name, x["corpus"]["result"]["corpus"], x["world"]["result"]["world"])
            for name, x in {"these": results, **results["beside"]}.items()]
    return ["", "Beside other dictionaries of the specimen, all layers replaced at once:", "", table(BESIDE, rows)]


def learned_baselines(results):
    corpus, given = results["corpus"]["result"]["corpus"], results.get("learned")
    found = {b["name"].replace("_", "-"): b["layers"] for b in corpus["baselines"] if b["name"] not in ("pca", "neurons") and b.get("layers")}
    if not found:
        return []
    said = "FVU beside baselines learned by the same recipe"
    if given:
        found = {"as few tokens": given["corpus"]["result"]["corpus"]["layers"], **found}
        said += f" for {given['tokens']:,} tokens, and the transcoders after as many"
    rows = [[str(x["layer"]), f"{x['metrics']['fvu']:.4f}", *(f"{layers[i]['metrics']['fvu']:.4f}" for layers in found.values())]
            for i, x in enumerate(corpus["layers"])]
    return ["", said + " (docs/learn.md):", "", table(["layer", "these", *found], rows)]


def tokens_learned(dictionary):
    """Of a dictionary's own history."""
    lines = (pathlib.Path(dictionary) / "training" / "learning.csv").read_text().splitlines()
    return int(lines[-1].split(",")[lines[0].split(",").index("tokens")])


def measured(results):
    corpus, world = results["corpus"]["result"]["corpus"], results["world"]["result"]["world"]
    run = results["corpus"]["provenance"]
    low = list(without_feature(world))
    return "\n".join([
        f"Of the dictionary `{run['dictionary_hash']}` of the model `{run['model_hash']}`; measured by cajal {run['version']} at "
        f"{run['precision']} on {run['device']}, on {corpus['tokens']:,} tokens of held-out text.", "",
        table(["what", "reached", "aim", ""],
              [[what, reached, aim, "reached" if ok else "**missed**"] for what, reached, aim, ok in aims(results)]), "",
        table(LAYERS, list(layer_rows(corpus))), *learned_baselines(results), *beside_lines(results), "",
        "Questions answered with every MLP replaced by what its transcoder makes of the input, and with what it leaves out added back:", "",
        table(TASKS, [task_row(t) for t in world["tasks"]]), "",
        f"Truths that a single feature stands for (F1 on documents it was not chosen by; {world['truth']['documents']} documents):", "",
        table(["kind", "values", "F1 of 0.9", f"F1 of {F1}", "mean F1", "in layers"], list(truth_rows(world))), "",
        *([f"Below {F1}, of the kinds that have an aim:", "", *low] if low else [])])


def held_out_files(program, folder):
    """Arguments that name texts which training does not hold, the same on any machine."""
    subprocess.run([program, "world", "--write", folder, "--seed", "4", "-q"], check=True, stdout=subprocess.DEVNULL)
    return [x for f in sorted(pathlib.Path(folder).glob("*.heldout.jsonl")) if not f.name.startswith("geography-12")
            for x in ("--corpus", str(f))]


def measure_corpus(program, dictionary, *more):
    with tempfile.TemporaryDirectory() as folder:
        return print_json(program, "measure", "-d", dictionary, *held_out_files(program, folder), "--trust", *more)


def measure(program, dictionary, *more):
    return {"corpus": measure_corpus(program, dictionary, *more),
            "world": print_json(program, "measure", "-d", dictionary, "--world", "--documents", "16000", "--trust")}


def measure_learned(program, baseline):
    learned = pathlib.Path(baseline) / "learned"
    return {"corpus": measure_corpus(program, str(learned)), "tokens": tokens_learned(learned)} if learned.exists() else None


def measure_all(args):
    out = measure(args.program, args.dictionary, *(["--baseline", args.baseline] if args.baseline else []))
    out["learned"] = measure_learned(args.program, args.baseline) if args.baseline else None
    out["atlas"] = print_json(args.program, "atlas", "-d", args.dictionary, "--world", "-o", args.atlas, "--force")
    out["beside"] = {pathlib.Path(folder).name: measure(args.program, folder) for folder in args.beside}
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "build" / "release" / "bin" / "cajal"))
    parser.add_argument("--dictionary", default=str(ROOT / "specimen" / "transcoders"))
    parser.add_argument("--atlas", default=str(ROOT / "specimen" / "atlas" / "atlas.sqlite"))
    parser.add_argument("--beside", nargs="*", default=[], metavar="DIR")
    parser.add_argument("--baseline", metavar="DIR")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--card", type=pathlib.Path, default=ROOT / "specimen" / "README.md")
    args = parser.parse_args()
    card = args.card.read_text()
    with_measured(card, "", MARKS)  # before minutes of measuring
    results = ({name: json.loads((args.results / f"{name}.json").read_text()) for name in ("corpus", "world", "atlas")}
               if args.results else measure_all(args))
    args.card.write_text(with_measured(card, measured(results), MARKS))
    for what, reached, aim, ok in aims(results):
        print(f"{'reached' if ok else 'MISSED '}  {what}: {reached}, {aim}")


if __name__ == "__main__":
    main()
