#!/usr/bin/env python3
"""Fails if a file of src/ includes a folder that its layer may not use.

The table is the architecture: a folder may include itself and what its line names, nothing else.
"""
import pathlib
import re
import sys

BOTTOM = ["io", "tensor", "base"]
MODEL = ["corpus", "text", "ops", *BOTTOM]
DICTIONARY = ["activations", "model", *MODEL]
TRAIN = ["dictionary", *DICTIONARY]
TRACE = ["intervene", *TRAIN]
EXPLAIN = ["trace", "atlas", "measure", "train", *TRACE]
LAYERS = {  # bottom to top
    "base": [],
    "tensor": ["base"],
    "ops": ["tensor", "base"],
    "io": ["tensor", "base"],
    "text": BOTTOM,
    "corpus": ["text", *BOTTOM],
    "model": ["ops", "text", *BOTTOM],
    "activations": ["model", *MODEL],
    "dictionary": DICTIONARY,
    "train": TRAIN,
    "measure": ["train", *TRAIN],
    "intervene": TRAIN,
    "trace": TRACE,
    "atlas": TRAIN,
    "explain": EXPLAIN,
    "store": ["explain", *EXPLAIN],
    "service": ["store", "explain", *EXPLAIN],
    "server": ["service", "base"],
    "cli": ["service", "base"],
    "python": ["service", "base"],
}
LAYERS["testing"] = list(LAYERS)  # included only by tests and benchmarks
ONLY_IN = {  # a third-party header has one home
    r"<(oneapi/)?dnnl": "ops/cpu/",
    r'[<"]hwy/': "ops/cpu/",
    r"<(cuda|cublas)": "ops/cuda/",
    r"<nlohmann": "io/",
    r"<yaml-cpp": "io/",
    r"<xxhash": "io/",
    r"<zip\.h": "io/",
    r"<pcre2": "text/",
    r"<utf8proc": "text/",
    r"<sentencepiece": "text/",
    r"<graphviz": "explain/",
    r"<sqlite3": "store/",
    r"<httplib": "server/listener.cc",
    r"<CLI/": "cli/",
    r"<pybind11": "python/",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"].*?[>"])', re.M)


def problems(root: pathlib.Path):
    for path in sorted(root.rglob("*")):
        if path.suffix not in {".h", ".cc", ".cu"}:
            continue
        name = path.relative_to(root).as_posix()
        folder = name.split("/")[0]
        if folder not in LAYERS:
            yield f"{name}: {folder}/ is not a layer"
            continue
        for header in INCLUDE.findall(path.read_text()):
            for pattern, home in ONLY_IN.items():
                if re.match(pattern, header) and not name.startswith(home):
                    yield f"{name}: {header} belongs to {home}"
            target = header[1:-1].split("/")[0]
            if target == "testing" and not name.endswith("_test.cc"):
                yield f"{name}: testing/ is for tests"
            elif header[0] == '"' and target in LAYERS and target not in [folder, *LAYERS[folder]] and not name.endswith("_test.cc"):
                yield f"{name}: {folder} may not include {target}"


found = list(problems(pathlib.Path(sys.argv[1])))
print("\n".join(found) or "layers: ok")
sys.exit(bool(found))
