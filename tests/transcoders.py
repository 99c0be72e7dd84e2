"""The shipped transcoders reach the thresholds of the specimen's model card, and all that is shipped fits its size.

    transcoders.py PROGRAM

Exit code 77, which ctest shows as skipped, where there are none. The thresholds allow for the rounding of
other processors.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from specimen_card import percent, rows_of, share  # noqa: E402
from transcoder_card import LAYERS, TASKS, held_out_files  # noqa: E402

SKIPPED = 77
MOST_BYTES = 40_000_000
ATLAS_BYTES_A_FEATURE = 1024
GATE = ("geography", "sums")
DICTIONARY, ATLAS = ROOT / "specimen" / "transcoders", ROOT / "specimen" / "atlas" / "atlas.sqlite"


def result(program, *arguments):
    done = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True, timeout=1000)
    if done.returncode != 0:
        sys.exit(f"cajal {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)["result"]


def size_problems(features):
    files = [f for part in ("model", "transcoders", "atlas") for f in (ROOT / "specimen" / part).rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files if not {"training", "milestones"} & set(f.parts))
    print(f"{size} bytes in all, the atlas {ATLAS.stat().st_size / features:.0f} a feature")
    if size > MOST_BYTES:
        yield f"{size} bytes are more than {MOST_BYTES}"
    if ATLAS.stat().st_size > ATLAS_BYTES_A_FEATURE * features:
        yield f"the atlas has more than {ATLAS_BYTES_A_FEATURE} bytes a feature"


def layer_problems(corpus, card):
    thresholds = {r["layer"]: float(r["threshold of FVU"]) for r in rows_of(card, LAYERS)}
    for x in corpus["layers"]:
        fvu, most = x["metrics"]["fvu"], thresholds.pop(str(x["layer"]), None)
        print(f"layer {x['layer']} FVU {fvu:.4f} threshold {most}")
        if most is None or fvu > most:
            yield f"layer {x['layer']}: FVU {fvu:.4f}, and at most {most} was expected"
    yield from (f"layer {layer} is in the card, but not in the dictionary" for layer in thresholds)


def task_problems(tasks, card):
    thresholds = {(r["task"], r["kind"], r["split"]): share(r["threshold of replaced"]) for r in rows_of(card, TASKS)}
    for t in tasks:
        key = (t["task"], t["kind"], t["split"])
        print(*key, "replaced", percent(t["replaced"], 1), "threshold", thresholds.get(key))
        if key not in thresholds or t["replaced"] < thresholds[key]:
            yield f"{key}: {percent(t['replaced'], 1)} of {t['n']} questions with all layers replaced, expected {thresholds.get(key)}"


def main(program):
    if not (DICTIONARY / "config.yaml").exists():
        print(f"skipped: there are no transcoders in {DICTIONARY}; learn them with cajal learn specimen/transcoders.yaml")
        return SKIPPED
    card = (ROOT / "specimen" / "README.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        texts = held_out_files(program, folder)  # the card's, since layers differ from text to text
        corpus = result(program, "measure", *texts, "--splice-tokens", "512")["corpus"]
    features = sum(x["features"] for x in corpus["layers"])
    problems = [*size_problems(features), *layer_problems(corpus, card)]
    for task in GATE:
        problems += task_problems(result(program, "measure", "--world", task, "--documents", "100")["world"]["tasks"], card)
    print("\n".join(["", *problems]) if problems else "\nall thresholds are reached")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
