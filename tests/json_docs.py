"""Runs every command of docs/json.md and compares the example there with what it prints: the same
members in the same order, of the same types. `--update` writes what is printed into the page."""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from tiny_dictionary import write_tiny_dictionary
from tiny_model import GOLDEN, write_tiny_model

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "json.md"
EXAMPLE = re.compile(r"```sh\n(?:echo '([^']*)' \| )?cajal ([^\n]*)\n```\n\n```json\n(.*?)```", re.S)
MORE = "…"
COMMANDS = ["generate", "chat", "tokens", "points", "lens", "score", "inspect", "encode", "convert",
            "measure", "atlas", "features", "trace", "explain", "verify", "edit",
            "grow", "learn", "world", "experiment"]

RECIPE = """output: grown
model: {d_model: 16, layers: 1, heads: 2, d_mlp: 32, context: 32}
tokenizer: {vocab: 500}
data: [{text: text.txt}]
training: {steps: 3, batch_rows: 4, precision: f32}
"""


def kind(value):
    if isinstance(value, bool):
        return "boolean"
    if value is None or isinstance(value, (str, list, dict)):
        return type(value).__name__
    return "number"


def differences(shown, printed, where="$"):
    if kind(shown) != kind(printed):
        yield f"{where}: the page shows {kind(shown)}, the program prints {kind(printed)}"
    elif isinstance(shown, dict):
        keys = list(shown)
        cut = keys[-1:] == [MORE]
        if keys[:-1] != list(printed)[:len(keys) - 1] if cut else keys != list(printed):
            yield f"{where}: the page shows {keys}, the program prints {list(printed)}"
        else:
            for key in keys[:-1] if cut else keys:
                yield from differences(shown[key], printed[key], f"{where}.{key}")
    elif isinstance(shown, list):
        cut = shown[-1:] == [MORE]
        shown = shown[:-1] if cut else shown
        if len(shown) != len(printed) and not (cut and len(printed) > len(shown)):
            yield f"{where}: the page shows {len(shown)} entries, the program prints {len(printed)}"
        for i, (a, b) in enumerate(zip(shown, printed)):
            yield from differences(a, b, f"{where}[{i}]")


def shortened(value):
    """Long lists and objects cut, with MORE in place of the rest; numbers rounded."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        rest = [MORE] if len(value) > 5 else []
        return [shortened(x) for x in (value[:3] if rest else value)] + rest
    if isinstance(value, dict):
        items = list(value.items())
        rest = {MORE: MORE} if len(items) > 25 else {}
        return {**{k: shortened(v) for k, v in (items[:6] if rest else items)}, **rest}
    return value


def show(value, indent=0):
    """JSON as a page shows it: small lists and objects on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= 96 or not isinstance(value, (dict, list)) or not value:
        return line
    pad, inner = " " * indent, " " * (indent + 2)
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(k, ensure_ascii=False)}: {show(v, indent + 2)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{pad}}}"
    return "[\n" + ",\n".join(inner + show(v, indent + 2) for v in value) + f"\n{pad}]"


def run(program, stdin, command, folder):
    done = subprocess.run([program, *shlex.split(command)], input=(stdin or "").encode(), cwd=folder,
                          capture_output=True, timeout=120)
    text = done.stdout or done.stderr
    return json.loads(text.splitlines()[-1]) if text.strip() else None


def main(program, update):
    page = PAGE.read_text()
    program = str(pathlib.Path(program).resolve())
    failed, seen = [], set()
    with tempfile.TemporaryDirectory() as root:
        write_tiny_model(pathlib.Path(root) / "MODEL")
        shutil.copy(GOLDEN / "gguf" / "phi3.gguf", pathlib.Path(root) / "FILE.gguf")
        shutil.copytree(GOLDEN / "dictionaries" / "formats" / "sl_topk_rescale", pathlib.Path(root) / "DICTIONARY")
        write_tiny_dictionary(pathlib.Path(root) / "SAE")
        circuit = GOLDEN / "circuits" / "llama_plt_topk"
        shutil.copytree(circuit / "transcoders", pathlib.Path(root) / "TRANSCODERS")
        shutil.copytree(circuit / "model", pathlib.Path(root) / "CIRCUIT")
        (pathlib.Path(root) / "text.txt").write_text("The cat sat on the mat.\n" * 100)
        (pathlib.Path(root) / "recipe.yaml").write_text(RECIPE)
        run(program, None, "trace -m CIRCUIT -d TRANSCODERS 'w007 w044 w073 w020' --target w025 --node-threshold 1 "
            "-o GRAPH.json --json", root)
        for stdin, command, text in EXAMPLE.findall(page):
            printed = run(program, stdin, command, root)
            seen.add(command.split()[0])
            if update:
                example = re.sub(r'("version": "[0-9.]+)[^"]*', r"\1+0123456789ab",
                                 show(shortened(printed)))
                page = page.replace(text, example + "\n", 1)
            else:
                failed += [f"cajal {command}\n    {d}"
                           for d in differences(json.loads(text), printed)]
    if update:
        PAGE.write_text(page)
    failed += [f"no example of {name}" for name in COMMANDS if name not in seen]
    if failed:
        print("\n".join(failed))
    print(f"{len(EXAMPLE.findall(page))} examples, {len(failed)} problems")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--update" in sys.argv))
