#!/usr/bin/env python3
"""What was measured of the transcoders stands in the card as it was, and can be read back."""
import unittest

import transcoder_card as card
from specimen_card import rows_of


def layer(number, fvu):
    return {"layer": number, "features": 4, "metrics": {"fvu": fvu, "l0_mean": 10.0}, "splice": {"all": {"delta_ce_sae_keep_bos": 0.01}}}


def label(name, f1, at=6):
    return {"label": name, "layer": at, "f1": f1}


LAYERS = [layer(0, 0.0312), layer(1, 0.16)]
PCA = {"name": "pca", "layers": [{"metrics": {"fvu": 0.3}}, {"metrics": {"fvu": 0.4}}]}
TASK = {"task": "geography", "kind": "two-step", "split": "heldout", "n": 200, "score": 1.0, "replaced": 0.79, "with_errors": 1.0}
LABELS = [label("state=Texas", 0.95), label("state=Ohio", 0.7), label("landmark=Louvre", 0.85, 3), label("intent=refuse", 0.81),
          label("intent=help", 0.1), label("city=Waco", 0.9)]
RESULTS = {"corpus": {"provenance": {"dictionary_hash": "d", "model_hash": "m", "version": "0.1.0", "precision": "bf16x2", "device": "cpu"},
                      "result": {"corpus": {"tokens": 65536, "layers": LAYERS, "baselines": [PCA],
                                            "total": {"splice": {"all": {"delta_ce_sae_keep_bos": 0.05}}}}}},
           "world": {"result": {"world": {"tasks": [TASK], "truth": {"documents": 4000, "labels": LABELS}}}},
           "atlas": {"result": {"features": 1000, "alive": 985, "tokens": 1000000}}}


class TranscoderCard(unittest.TestCase):
    def test_aims_compare_the_worst_layer_and_the_models_own_score(self):
        reached = {what: (text, ok) for what, text, _, ok in card.aims(RESULTS)}
        self.assertEqual(reached["largest FVU of a layer"], ("0.160", False))
        self.assertEqual(reached["features that never fire on 1,000,000 tokens"], ("1.5 %", True))
        self.assertEqual(reached["geography, two-step: replaced, of the model's own"], ("79 %", False))
        self.assertEqual(reached["state (2): a single feature with F1 of 0.8"], ("50 %", False))
        self.assertEqual(reached["landmark (1): a single feature with F1 of 0.8"], ("100 %", True))
        self.assertEqual(reached["intent (1): a single feature with F1 of 0.8"], ("100 %", True))

    def test_thresholds_are_read_back_from_the_tables(self):
        text = card.measured(RESULTS)
        self.assertEqual([r["threshold of FVU"] for r in rows_of(text, card.LAYERS)], ["0.0440", "0.2050"])
        self.assertEqual([r["threshold of replaced"] for r in rows_of(text, card.TASKS)], ["77 %"])

    def test_truths_without_a_feature_are_named(self):
        self.assertIn("* state: Ohio (0.70)", card.measured(RESULTS))

    def test_a_baseline_that_was_not_measured_leaves_its_column_empty(self):
        self.assertIn("| 0 | 0.0312 | 10.0 | 0.300 |  | 0.0100 |", card.measured(RESULTS))

    def test_other_dictionaries_are_lines_of_one_table(self):
        text = card.measured(RESULTS | {"beside": {"clt": {name: RESULTS[name] for name in ("corpus", "world")}}})
        self.assertEqual([(r["dictionary"], r["largest FVU"], r["mean L0 of all layers"], r["two-step, replaced"], r["states with F1 of 0.8"])
                          for r in rows_of(text, card.BESIDE)], [("these", "0.160", "20", "79.0 %", "1 of 2"), ("clt", "0.160", "20", "79.0 %", "1 of 2")])
        self.assertNotIn("Beside other", card.measured(RESULTS))

    def test_learned_baselines_have_their_own_table(self):
        corpus = RESULTS["corpus"]["result"]["corpus"]
        other = {"name": "random-decoder", "layers": [{"metrics": {"fvu": 0.5}}, {"metrics": {"fvu": 0.6}}]}
        corpus = {"result": {"corpus": corpus | {"baselines": [PCA, other]}}, "provenance": RESULTS["corpus"]["provenance"]}
        text = card.measured(RESULTS | {"corpus": corpus})
        self.assertIn("| 0 | 0.0312 | 0.5000 |", text)

    def test_a_card_without_marks_is_not_written(self):
        with self.assertRaises(SystemExit):
            card.with_measured("# Card\n", "", card.MARKS)


if __name__ == "__main__":
    unittest.main()
