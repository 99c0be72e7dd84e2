"""The shipped specimen reaches the thresholds of its model card (specimen/README.md), and fits its size.

    specimen.py PROGRAM [MODEL [CARD]]

Exit code 77, which ctest shows as skipped, where there is no specimen. Scores are asserted, never bytes: other processors
round otherwise. Every kind of question is asked SAMPLE times at most; the thresholds allow for that.
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from specimen_card import SAMPLE, best_of, percent, probe_thresholds, score_thresholds  # noqa: E402

SKIPPED = 77
MOST_BYTES = 10_000_000
GATE = ["geography", "requests"]  # their probes are looked at, too; those of all tasks would take a minute


def result(program, model, *arguments):
    done = subprocess.run([program, "score", "-m", model, "--world", *arguments, "--json"], capture_output=True, text=True,
                          timeout=1000)
    if done.returncode != 0:
        sys.exit(f"cajal score: {done.stderr.strip()}")
    return json.loads(done.stdout)["result"]


def size_problems(model):
    size = sum(f.stat().st_size for f in model.rglob("*") if f.is_file() and "training" not in f.relative_to(model).parts)
    print(f"{size} bytes")
    if size > MOST_BYTES:
        yield f"{size} bytes are more than {MOST_BYTES}"


def score_problems(program, model, thresholds):
    for s in result(program, model, "--questions", str(SAMPLE))["tasks"]:
        key = (s["task"], s["kind"], s["split"])
        least = thresholds.pop(key, None)
        print(*key, percent(s["score"], 1), "threshold", least)
        if least is None:
            yield f"{key} is not in the card"
        elif s["score"] < least:
            yield f"{key}: {percent(s['score'], 1)} of {s['n']} questions, and at least {percent(least)} should be right"
    yield from (f"{key} is in the card, but not asked" for key in thresholds)


def probe_problems(program, model, thresholds):
    thresholds = {key: value for key, value in thresholds.items() if key[0] in GATE}
    for p in [p for task in GATE for p in result(program, model, task, "--probes")["probes"] if p["at_least"] is not None]:
        key = (p["task"], p["hidden"], p["question"] or "all", p["place"])
        best, embeddings = best_of(p), p["points"][0]["accuracy"]
        least, most = thresholds.pop(key, (None, None))
        print(*key, percent(best, 1), "embeddings", percent(embeddings, 1), "thresholds", least, most)
        if least is None:
            yield f"{key} is not in the card"
        elif best < least or embeddings > most:
            yield (f"{key}: read at {percent(best, 1)}, at least {percent(least)}; in the embeddings at "
                   f"{percent(embeddings, 1)}, at most {percent(most)}")
    yield from (f"{key} is in the card, but not probed" for key in thresholds)


def main(program, model=ROOT / "specimen" / "model", card=ROOT / "specimen" / "README.md"):
    model, text = pathlib.Path(model), pathlib.Path(card).read_text()
    if not (model / "config.json").exists():
        print(f"skipped: there is no specimen in {model}; grow it with cajal grow specimen/recipe.yaml")
        return SKIPPED
    scores, probes = score_thresholds(text), probe_thresholds(text)
    if not scores or not probes:
        print(f"{card} has no thresholds: write them with tools/specimen_card.py")
        return 1
    problems = [*size_problems(model), *score_problems(program, str(model), scores),
                *probe_problems(program, str(model), probes)]
    print("\n".join(["", *problems]) if problems else "\nall thresholds are reached")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
