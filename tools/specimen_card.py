#!/usr/bin/env python3
"""Measures the specimen and writes what came out into its model card, so that no score is typed by hand.

    tools/specimen_card.py [PROGRAM]              measure, and write specimen/README.md (a minute or two)
    tools/specimen_card.py [PROGRAM] --model M    measure another folder
    tools/specimen_card.py --results DIR          take DIR/scores.json, probes.json, patches.json and inspect.json instead:
                                                  what --json of score --world (--probes, --patch) and inspect printed

PROGRAM is build/release/bin/cajal unless given. What is written stands between the two lines MARKS of the card.
tests/specimen.py reads the thresholds from there.

A threshold is what any measurement of this very model should reach: the score that was measured, less three standard
errors of the sample that the test takes (none, if it asks every question), less what other processors may do: they
round otherwise, so that a close answer can turn over: 2 points, or one and a half questions where there are few.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKS = ("<!-- written by tools/specimen_card.py -->", "<!-- until here -->")
SAMPLE = 200  # questions of each kind that the test asks
SCORES = ["task", "kind", "split", "questions", "reached", "aim", "", "threshold"]
PROBES = ["task", "hidden", "of", "at", "tested", "embeddings", "resid_post, by layer", "reached", "aim", "", "threshold",
          "embeddings at most"]
PATCHES = ["task", "hidden", "the twin's at", "pairs", "resid_post, by layer"]
PLACES = {"end": "its end", "span": "all of it", "last": "the last token"}
FILES = ("inspect", "scores", "probes", "patches")


def rounding_slack(n):
    return max(0.02, 1.5 / n)


def score_threshold(score, n, sample=SAMPLE):
    """The least that `sample` of `n` questions should give, of which the share `score` was right; a whole percent."""
    asked = min(sample, n)
    rest = (n - asked) / (n - 1) if n > 1 else 0.0  # drawn without putting back
    error = math.sqrt(score * (1 - score) / asked * rest)
    return max(0.0, math.floor(100 * (score - 3 * error - rounding_slack(asked)) + 1e-9) / 100)


def percent(x, digits=0):
    return f"{100 * x:.{digits}f} %"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def verdict(passed, second_best=False):
    if passed is None:
        return ""
    return ("second best: " if second_best else "") + ("reached" if passed else "missed" if second_best else "**missed**")


def score_row(s):
    return [s["task"], s["kind"], s["split"], str(s["n"]), percent(s["score"], 1),
            "" if s["threshold"] is None else percent(s["threshold"]), verdict(s["passed"]),
            percent(score_threshold(s["score"], s["n"]))]


def best_of(p):
    return max(x["accuracy"] for x in p["points"][1:])


def probe_row(p):
    embeddings, best, slack = p["points"][0]["accuracy"], best_of(p), rounding_slack(p["n"])
    aims = p["at_least"] is not None
    return [p["task"], p["hidden"], p["question"] or "all", p["place"], str(p["n"]), percent(embeddings),
            " ".join(f"{100 * x['accuracy']:.0f}" for x in p["points"][1:]), percent(best),
            f"{percent(p['at_least'])}, embeddings {percent(p['at_most'])}" if aims else "", verdict(p["passed"], p["place"] == "last"),
            percent(math.floor(100 * (best - slack)) / 100) if aims else "",
            percent(math.ceil(100 * (embeddings + slack)) / 100) if aims else ""]


def patch_row(p):
    return [p["task"], p["hidden"], PLACES[p["place"]], str(p["n"]),
            " ".join(f"{100 * x['share']:.0f}" for x in p["layers"]) if p["n"] else "no pair can be used"]


def about(results):
    """What was measured."""
    model, run = results["inspect"]["result"], results["scores"]["provenance"]
    return (f"Of the model `{run['model_hash']}` with the tokenizer `{run['tokenizer_hash']}` (hashes as in "
            f"`docs/json.md`):\n{model['parameters']:,} parameters, {model['layers']} layers, d_model "
            f"{model['d_model']}, d_mlp {model['d_mlp']}, vocabulary {model['vocab']}, context {model['context']}, "
            f"stored in {model['dtype']}. Measured by cajal {run['version']} at {run['precision']} on {run['device']}.")


def missed(results):
    """A sentence for each aim that was missed. A thought that is readable at the last token only is second best, and said."""
    out = [f"{s['task']}: {s['kind']}, {percent(s['score'], 1)} of {percent(s['threshold'])}"
           for s in results["scores"]["result"]["tasks"] if s["passed"] is False]
    probes = results["probes"]["result"]["probes"]
    for p in [p for p in probes if p["passed"] is False and p["place"] == "end"]:
        second = any(q["passed"] and (q["task"], q["hidden"], q["question"]) == (p["task"], p["hidden"], p["question"])
                     for q in probes)
        out.append(f"{p['task']}: {p['hidden']} at its end, {percent(best_of(p))} of {percent(p['at_least'])}, in embeddings "
                   f"{percent(p['points'][0]['accuracy'])}" + ("; second best, at the last token: reached" if second else ""))
    return out


def measured(results):
    """The part of the card that is written here."""
    failures = missed(results)
    return "\n".join([
        about(results), "",
        "All aims were reached." if not failures else "Aims that were missed:\n\n" + "\n".join(f"* {x}" for x in failures), "",
        "### Questions answered", "",
        table(SCORES, [score_row(s) for s in results["scores"]["result"]["tasks"]]), "",
        "### Thoughts that can be read", "",
        table(PROBES, [probe_row(p) for p in results["probes"]["result"]["probes"]]), "",
        "### Thoughts that are read", "",
        "Percent of answers that become the twin's, of two questions that differ in the hidden thing alone, when the residual there is replaced by the twin's.", "",
        table(PATCHES, [patch_row(p) for p in results["patches"]["result"]["patches"]])])


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def share(cell):
    """"97 %" as 0.97; None for an empty cell."""
    return float(cell.split()[0]) / 100 if cell else None


def rows_of(card, header):
    """The rows of the card's table with this header, as dictionaries; empty if there is no such table."""
    lines = card.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("|") and cells(line) == header), None)
    out = []
    for line in lines[begin + 2:] if begin is not None else []:
        if not line.startswith("|"):
            break
        out.append(dict(zip(header, cells(line))))
    return out


def score_thresholds(card):
    """{(task, kind, split): the least share}"""
    return {(r["task"], r["kind"], r["split"]): share(r["threshold"]) for r in rows_of(card, SCORES)}


def probe_thresholds(card):
    """{(task, hidden, question, place): (the least share, the most in embeddings)}, of those that have an aim"""
    return {(r["task"], r["hidden"], r["of"], r["at"]): (share(r["threshold"]), share(r["embeddings at most"]))
            for r in rows_of(card, PROBES) if r["threshold"]}


def with_measured(card, text, marks=MARKS):
    before, mark, rest = card.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not mark or not end:
        sys.exit(f"specimen_card: the card lacks the lines {marks[0]} and {marks[1]}, between which the tables go")
    return f"{before}{mark}\n\n{text}\n\n{end}{after}"


def print_json(program, *arguments):
    print("specimen_card: cajal", *arguments, file=sys.stderr)
    done = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"specimen_card: {done.stderr.strip()}")
    return json.loads(done.stdout)


def measure(program, model):
    return {"inspect": print_json(program, "inspect", model),
            "scores": print_json(program, "score", "-m", model, "--world"),
            "probes": print_json(program, "score", "-m", model, "--world", "--probes"),
            "patches": print_json(program, "score", "-m", model, "--world", "--patch")}


def load(folder):
    results = {name: json.loads((folder / f"{name}.json").read_text()) for name in FILES}
    if len({x["provenance"]["model_hash"] for x in results.values()}) != 1:
        sys.exit(f"specimen_card: {folder}: the results are of different models (model_hash)")
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=str(ROOT / "build" / "release" / "bin" / "cajal"))
    parser.add_argument("--model", default=str(ROOT / "specimen" / "model"))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--card", type=pathlib.Path, default=ROOT / "specimen" / "README.md")
    args = parser.parse_args()
    card = args.card.read_text()
    with_measured(card, "")  # before minutes of measuring
    results = load(args.results) if args.results else measure(args.program, args.model)
    args.card.write_text(with_measured(card, measured(results)))
    failures = missed(results)
    print(f"{args.card}: {len(failures)} aims missed")
    print("".join(f"  {x}\n" for x in failures), end="")


if __name__ == "__main__":
    main()
