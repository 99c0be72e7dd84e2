#!/usr/bin/env python3
"""The model card's tables say what was measured, and can be read back."""
import unittest

import specimen_card as card

SCORES = [{"task": "geography", "kind": "two-step", "split": "heldout", "score": 0.961, "n": 942, "threshold": 0.95, "passed": True},
          {"task": "requests", "kind": "harmless name", "split": "heldout", "score": 0.125, "n": 8, "threshold": None, "passed": None},
          {"task": "sums", "kind": "sum", "split": "heldout", "score": 0.5, "n": 100, "threshold": 0.9, "passed": False}]
POINTS = [{"point": "embeddings", "accuracy": 0.166, "new_words": None}, {"point": "resid_post.0", "accuracy": 0.87, "new_words": None},
          {"point": "resid_post.1", "accuracy": 0.983, "new_words": None}]
PROBES = [{"task": "geography", "question": "two-step", "hidden": "state", "place": "end", "n": 1532, "at_least": 0.95, "at_most": 0.2,
           "passed": True, "points": POINTS},
          {"task": "plain", "question": None, "hidden": "number", "place": "end", "n": 378, "at_least": None, "at_most": None,
           "passed": None, "points": POINTS}]
PATCHES = [{"task": "geography", "hidden": "state", "place": "end", "n": 50, "drawn": 60,
            "layers": [{"point": "resid_post.0", "changed": 43, "share": 0.86}, {"point": "resid_post.1", "changed": 50, "share": 1.0}]},
           {"task": "people", "hidden": "known", "place": "span", "n": 0, "drawn": 300,
            "layers": [{"point": "resid_post.0", "changed": 0, "share": 0.0}, {"point": "resid_post.1", "changed": 0, "share": 0.0}]}]
PROVENANCE = {"model_hash": "a" * 32, "tokenizer_hash": "b" * 32, "version": "0.1.0", "precision": "bf16x2", "device": "cpu"}
MODEL = {"parameters": 4199000, "layers": 8, "d_model": 192, "d_mlp": 512, "vocab": 3400, "context": 256, "dtype": "BF16"}
RESULTS = {"inspect": {"provenance": PROVENANCE, "result": MODEL}, "scores": {"provenance": PROVENANCE, "result": {"tasks": SCORES}},
           "probes": {"provenance": PROVENANCE, "result": {"probes": PROBES}},
           "patches": {"provenance": PROVENANCE, "result": {"patches": PATCHES}}}
CARD = f"# Card\n\n{card.MARKS[0]}\n\nstale\n\n{card.MARKS[1]}\n\nMore.\n"


class SpecimenCard(unittest.TestCase):
    def test_the_thresholds_are_read_back_from_the_tables(self):
        text = card.with_measured(CARD, card.measured(RESULTS))
        self.assertEqual(card.score_thresholds(text), {("geography", "two-step", "heldout"): 0.90,
                                                       ("requests", "harmless name", "heldout"): 0.0,
                                                       ("sums", "sum", "heldout"): 0.48})
        self.assertEqual(card.probe_thresholds(text), {("geography", "state", "two-step", "end"): (0.96, 0.19)})

    def test_what_stands_around_the_tables_stays_and_what_was_between_goes(self):
        text = card.with_measured(CARD, card.measured(RESULTS))
        self.assertTrue(text.startswith("# Card\n\n") and text.endswith("\n\nMore.\n") and "stale" not in text)
        self.assertEqual(card.with_measured(text, card.measured(RESULTS)), text)

    def test_missed_aims_are_listed(self):
        self.assertEqual(card.missed(RESULTS), ["sums: sum, 50.0 % of 90 %"])
        self.assertIn("| **missed** |", card.measured(RESULTS))

    def test_a_thought_that_is_readable_at_the_last_token_only_is_second_best(self):
        end = {**PROBES[0], "passed": False}
        results = {"scores": {"result": {"tasks": []}}, "probes": {"result": {"probes": [end, {**end, "place": "last", "passed": True}]}}}
        self.assertEqual(card.missed(results), ["geography: state at its end, 98 % of 95 %, in embeddings 17 %; "
                                                "second best, at the last token: reached"])

    def test_a_thought_that_is_readable_at_its_end_need_not_be_at_the_last_token(self):
        last = {**PROBES[0], "place": "last", "passed": False}
        results = {"scores": {"result": {"tasks": []}}, "probes": {"result": {"probes": [PROBES[0], last]}}}
        self.assertEqual(card.missed(results), [])
        self.assertEqual(card.probe_row(last)[9], "second best: missed")

    def test_a_sample_may_lie_three_standard_errors_lower_but_asking_all_may_not(self):
        self.assertEqual(card.score_threshold(0.9, 200), 0.88)
        self.assertEqual(card.score_threshold(0.9, 10**9), 0.81)  # 3 * sqrt(0.9 * 0.1 / 200) = 0.064
        self.assertEqual(card.score_threshold(1.0, 8), 0.81)  # one and a half of eight questions

    def test_where_thoughts_are_read_is_said_layer_by_layer(self):
        text = card.measured(RESULTS)
        self.assertIn("| geography | state | its end | 50 | 86 100 |", text)
        self.assertIn("| people | known | all of it | 0 | no pair can be used |", text)

    def test_a_card_without_tables_has_no_thresholds(self):
        self.assertEqual(card.score_thresholds(CARD), {})

    def test_a_card_without_marks_is_not_written(self):
        with self.assertRaises(SystemExit):
            card.with_measured("# Card\n", "")


if __name__ == "__main__":
    unittest.main()
