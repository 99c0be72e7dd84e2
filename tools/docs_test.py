#!/usr/bin/env python3
"""Paths that the pages name in code spans exist, and so do the files that they link to."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "specimen" / "README.md"])
PATH = re.compile(r"`((?:src|tests|tools|scripts|docs|bench|cmake)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


class Docs(unittest.TestCase):
    def test_named_paths_exist(self):
        for page in PAGES:
            for name in PATH.findall(page.read_text()):
                self.assertTrue((ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}")

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for name in LINK.findall(page.read_text()):
                self.assertTrue((page.parent / name).exists(), f"{page.relative_to(ROOT)} links to {name}")


if __name__ == "__main__":
    unittest.main()
