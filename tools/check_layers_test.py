#!/usr/bin/env python3
"""Each rule of check_layers.py catches its violation and lets the lawful neighbour pass."""
import pathlib
import tempfile
import unittest

from check_layers import LAYERS, include_problem, problems


class Includes(unittest.TestCase):
    def allowed(self, name: str, header: str):
        self.assertIsNone(include_problem(name, header))

    def refused(self, name: str, header: str, why: str):
        self.assertIn(why, include_problem(name, header) or "nothing wrong")

    def test_a_lower_layer_may_not_include_a_higher(self):
        self.allowed("io/gguf.cc", '"tensor/matrix.h"')
        self.refused("tensor/matrix.cc", '"io/gguf.h"', "tensor may not include io")
        self.refused("model/gpt2.cc", '"service/generate.h"', "model may not include service")

    def test_neighbours_that_are_not_in_the_table_stay_apart(self):
        self.refused("text/bpe.cc", '"ops/dense.h"', "text may not include ops")
        self.refused("ops/dense.cc", '"io/json.h"', "ops may not include io")

    def test_the_doors_see_only_the_service(self):
        for door in ["cli", "server", "python"]:
            self.allowed(f"{door}/main.cc", '"service/generate.h"')
            self.refused(f"{door}/main.cc", '"model/model.h"', f"{door} may not include model")

    def test_a_test_may_include_any_layer(self):
        self.allowed("tensor/matrix_test.cc", '"io/safetensors.h"')

    def test_testing_is_for_tests(self):
        self.allowed("model/forward_test.cc", '"testing/golden.h"')
        self.allowed("ops/cpu/cpu_test.h", '"testing/golden.h"')
        self.allowed("testing/golden.cc", '"testing/golden.h"')
        self.refused("model/forward.cc", '"testing/golden.h"', "testing/ is for tests")
        self.refused("io/gguf_fuzz.cc", '"testing/golden.h"', "testing/ is for tests")

    def test_every_third_party_header_has_one_home(self):
        homes = {
            "<oneapi/dnnl/dnnl.hpp>": "ops/cpu/gemm.cc", '"hwy/highway.h"': "ops/cpu/rows.cc",
            "<cuda_runtime.h>": "ops/cuda/dense.cu", "<nlohmann/json.hpp>": "io/json.cc",
            "<yaml-cpp/yaml.h>": "io/yaml.cc", "<zip.h>": "io/npz.cc", "<xxhash.h>": "io/hash.cc",
            "<pcre2.h>": "text/regex.cc", "<utf8proc.h>": "text/normal.cc",
            "<sentencepiece_processor.h>": "text/spm.cc", "<graphviz/gvc.h>": "explain/layout.cc",
            "<sqlite3.h>": "store/index.cc", "<httplib.h>": "server/listener.cc",
            "<CLI/CLI.hpp>": "cli/main.cc", "<pybind11/pybind11.h>": "python/module.cc",
            "<gtest/gtest.h>": "base/utf8_test.cc",
        }
        for header, home in homes.items():
            self.allowed(home, header)
            self.refused("train/adam.cc", header, "belongs to")

    def test_a_header_does_not_spread_a_library_that_its_layer_hides(self):
        self.refused("io/json.h", "<nlohmann/json.hpp>", "belongs to")
        self.refused("text/regex.h", "<pcre2.h>", "belongs to")

    def test_a_quoted_include_names_its_folder(self):
        self.refused("io/json.cc", '"json.h"', "does not name a file from src/ on")
        self.refused("io/json.cc", '"../base/file.h"', "does not name a file from src/ on")

    def test_standard_headers_are_free(self):
        self.allowed("base/file.cc", "<vector>")


class Tree(unittest.TestCase):
    def found(self, files: dict[str, str]):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(problems(pathlib.Path(folder)))

    def test_a_lawful_tree_is_silent(self):
        self.assertEqual(self.found({"base/a.h": "#include <vector>\n", "io/b.cc": '#include "base/a.h"\n'}), [])

    def test_an_unknown_folder_is_reported(self):
        self.assertEqual(self.found({"utils/a.h": ""}), ["utils/a.h: utils/ is not a layer"])

    def test_an_include_is_found_however_it_is_spaced(self):
        self.assertEqual(self.found({"base/a.cc": '  #  include   "io/b.h"\n'}), ["base/a.cc: base may not include io"])

    def test_openmp_has_one_home(self):
        self.assertEqual(self.found({"base/parallel.h": "#pragma omp parallel\n"}), [])
        self.assertEqual(len(self.found({"ops/cpu/a.cc": "  #pragma omp simd\n"})), 1)

    def test_a_type_has_one_definition_in_a_namespace(self):
        one = "namespace cajal {\nclass Later;\nstruct Model final\n    : Base {\n};\n}  // namespace cajal\n"
        self.assertEqual(self.found({"model/a.h": one, "text/b.h": one}),
                         ["text/b.h: cajal::Model is defined in model/a.h, too; give one of them another name"])
        for other in (one.replace("cajal", "cajal::cpu"), one.replace("Model", "Models"),
                      one.replace("namespace cajal {", "namespace cajal {\nnamespace {")):
            self.assertEqual(self.found({"model/a.h": one, "text/b.h": other}), [])
        self.assertEqual(self.found({"model/a.h": one, "text/b_test.h": one}), [])

    def test_the_table_names_only_layers_below(self):
        order = list(LAYERS)
        for folder, below in LAYERS.items():
            for other in below if folder != "testing" else []:
                self.assertLess(order.index(other), order.index(folder), f"{folder} uses {other}")


if __name__ == "__main__":
    unittest.main()
