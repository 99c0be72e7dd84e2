#!/usr/bin/env python3
"""Fails if a file of src/ includes a folder that its layer may not use, or if two headers define a type of one name.

The table is the architecture: a folder may include itself and what its line names, nothing else. Two types of one name
in one namespace are no error to a compiler that never sees both, and undefined behaviour to the program.
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
LAYERS["testing"] = list(LAYERS)  # included only by tests, itself and bench/ (which is not in src/)
ONLY_IN = {  # a third-party header has one home
    r"<(oneapi/)?dnnl": r"ops/cpu/.*",
    r'[<"]hwy/': r"ops/cpu/.*",
    r"<(cuda|cublas)": r"ops/cuda/.*",
    r"<nlohmann/": r"io/.*\.cc",
    r"<yaml-cpp/": r"io/.*\.cc",
    r"<xxhash": r"io/.*\.cc",
    r"<(zip|zlib|zstd)\.h": r"io/.*\.cc",
    r"<pcre2": r"text/.*\.cc",
    r"<utf8proc": r"text/.*\.cc",
    r"<sentencepiece": r"text/.*\.cc",
    r"<graphviz/": r"explain/.*\.cc",
    r"<(librsvg/|cairo)": r"explain/.*\.cc",
    r"<sqlite3": r"store/.*\.cc",
    r"<httplib": r"server/listener\.cc",
    r"<CLI/": r"cli/.*",
    r"<pybind11/": r"python/.*",
    r"<(gtest|gmock)/": r"testing/.*|.*_test\.(cc|h)",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"].*?[>"])', re.M)
OPENMP = re.compile(r"^\s*#\s*pragma\s+omp", re.M)

NAMESPACE = re.compile(r"^namespace\s*([\w:]*)\s*\{|^\}\s*// namespace", re.M)
TYPE = re.compile(r"^(?:class|struct|enum class|enum|union)\s+(\w+)\b[^;{(]*\{", re.M)


def include_problem(name: str, header: str) -> str | None:
    """What is wrong with `header` ('<vector>', '"base/file.h"') in the file `name`, if anything."""
    for pattern, home in ONLY_IN.items():
        if re.match(pattern, header):
            return None if re.fullmatch(home, name) else f"{header} belongs to {home}"
    folder, target = name.split("/")[0], header[1:-1].split("/")[0]
    test = name.endswith(("_test.cc", "_test.h"))
    if header[0] == "<":
        return None
    if "/" not in header or target not in LAYERS:
        return f"{header} does not name a file from src/ on"
    if target == "testing":
        return None if test or folder == "testing" else "testing/ is for tests"
    if test or target in [folder, *LAYERS[folder]]:
        return None
    return f"{folder} may not include {target}"


def types_of(text: str) -> set[str]:
    """The types that a header defines in named namespaces, with their namespaces: "cajal::Model"."""
    out, spaces = set(), []
    events = sorted([*NAMESPACE.finditer(text), *TYPE.finditer(text)], key=lambda m: m.start())
    for event in events:
        if event.re is TYPE:
            if "" not in spaces:  # without a name: seen by one file alone
                out.add("::".join([*spaces, event[1]]))
        elif event[0].startswith("}"):
            spaces = spaces[:-1]
        else:
            spaces.append(event[1])
    return out


def problems(root: pathlib.Path):
    first = {}  # header that defines a type
    for path in sorted(root.rglob("*")):
        if path.suffix not in {".h", ".cc", ".cu"}:
            continue
        name, text = path.relative_to(root).as_posix(), path.read_text()
        if name.split("/")[0] not in LAYERS:
            yield f"{name}: {name.split('/')[0]}/ is not a layer"
            continue
        if OPENMP.search(text) and name != "base/parallel.h":
            yield f"{name}: only base/parallel.h has #pragma omp"
        for kind in sorted(types_of(text)) if path.suffix == ".h" and not name.endswith("_test.h") else []:
            if first.setdefault(kind, name) != name:
                yield f"{name}: {kind} is defined in {first[kind]}, too; give one of them another name"
        for header in INCLUDE.findall(text):
            problem = include_problem(name, header)
            if problem:
                yield f"{name}: {problem}"


if __name__ == "__main__":
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "layers: ok")
    sys.exit(bool(found))
