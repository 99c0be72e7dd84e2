#!/usr/bin/env python3
"""Runs experiments (or reads their JSON with --json FILE) and writes docs/experiments/NAME.md and
NAME.svg: tools/experiment_page.py build/release/bin/cajal two-step [-d DICTIONARY] [--cases N].

Every number of a page comes from the program; what a person adds stands after the mark at its end
and stays when a page is written again.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs" / "experiments"
MARK = "<!-- written by tools/experiment_page.py; what follows is not -->"
TITLES = {"two-step": "Two steps: a city, its state, and what is known of it",
          "sums": "Sums: how large, and which last digit",
          "rhyme": "Rhymes that are planned",
          "capp": "A GPT-2 from elsewhere: what it plans by",
          "stories": "A Llama from elsewhere: charts of its stories"}
LEARNED = {"capp": "recipes/capp-gpt2.yaml", "stories": "recipes/stories260K.yaml"}


def percent(share):
    return f"{100 * share:.0f} %"


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def quoted(text):
    return "`" + text.replace("\n", "\\n").replace("`", "'") + "`"


def observation_row(o):
    interval = f"{percent(o['low'])} to {percent(o['high'])}"
    mean = "" if o["mean"] is None else f"{o['mean']:.3f}"
    return [o["what"], o["condition"], percent(o["share"]), interval, f"{o['right']} of {o['n']}", mean]


def figures_text(figures):
    if not figures:
        return ""
    rows = [[f["what"], *(f"{f[x]:.3g}" for x in ("median", "low", "high", "largest")), str(f["n"])] for f in figures]
    return table(["of each case", "median", "5 % are below", "5 % are above", "largest", "cases"], rows) + "\n"


def setting_text(r):
    if not r["members"]:
        return ""
    return f"Chosen on other cases: **{r['setting']}**; {r['members']:.1f} features changed in a case on average.\n\n"


def tried_text(tried):
    if not tried:
        return ""
    rows = [[t["setting"], percent(t["share"]), str(t["n"])] for t in tried]
    return "## Settings that were tried\n\n" + table(["setting", "", "of"], rows) + "\n"


def examples_text(examples):
    out = ""
    for e in examples:
        rows = [("prompt", e["prompt"]), ("donor", e["donor"]), ("wanted", e["wanted"]),
                ("unchanged", e["unchanged"]), ("changed", e["changed"]), ("control", e["control"])]
        out += table(["", ""], [[name, quoted(text)] for name, text in rows if text]) + "\n"
    return out


def page(envelope, command):
    r, about = envelope["result"], envelope["provenance"]
    verdict = "\n".join(f"* {'reached' if g['reached'] else '**missed**'}: {g['text']}" for g in r["goals"])
    notes = "".join(f"{note}\n\n" for note in r["notes"])
    observed = table(["how often", "condition", "", "95 % interval", "cases", "mean"],
                     [observation_row(o) for o in r["observations"]])
    return f"""# {TITLES.get(r["name"], r["name"])}

{r["question"]}

{r["method"]}

![{r["name"]}]({r["name"]}.svg)

{observed}
{verdict}

{notes}{figures_text(r["figures"])}{setting_text(r)}{tried_text(r["tried"])}## The first cases

{examples_text(r["examples"])}## How it was made

`{command}`, which writes this page; model `{about["model_hash"]}`, dictionary `{about["dictionary_hash"]}`, cajal {about["version"]}
at {about["precision"]} on {about["device"]}, seed {about["seed"]}.

{MARK}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("names", nargs="+")
    parser.add_argument("-d", "--dictionary")
    parser.add_argument("--cases", default="100")
    parser.add_argument("--docs", type=pathlib.Path, default=DOCS)
    args = parser.parse_args()
    args.docs.mkdir(parents=True, exist_ok=True)
    for name in args.names:
        with tempfile.TemporaryDirectory() as folder:
            picture = pathlib.Path(folder) / "picture.svg"
            command = [args.program, "experiment", name, "--cases", args.cases, "--json", "-o", picture]
            command += ["-d", args.dictionary] if args.dictionary else []
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            target = args.docs / f"{name}.md"
            old = target.read_text() if target.exists() else ""
            added = old.split(MARK, 1)[1].lstrip("\n") if MARK in old else ""
            shown = f"tools/experiment_page.py build/release/bin/cajal {name} --cases {args.cases}"
            shown = f"cajal learn {LEARNED[name]}` and then `{shown}" if name in LEARNED else shown
            text = page(json.loads(done.stdout), shown)
            target.write_text(text + ("\n" + added if added else ""))
            (args.docs / f"{name}.svg").write_bytes(picture.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
