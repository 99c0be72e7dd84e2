#!/usr/bin/env python3
"""Writes src/text/unicode_tables.cc: what the reference tokenizer library believes about each character.

    pip install tokenizers==0.23.3;  tools/make_unicode_tables.py > src/text/unicode_tables.cc

Categories are those of its regular expressions (Unicode 16). Scripts are those of its UnicodeScripts
pre-tokenizer (an older table, Hiragana and Katakana counted as Han, spaces as no script): a script is
a number, equal for two characters that are not split apart; 0 is never split from anything.
"""
from tokenizers import Regex
from tokenizers.normalizers import BertNormalizer, StripAccents
from tokenizers.pre_tokenizers import Digits, Punctuation, Split, UnicodeScripts, Whitespace

CATEGORIES = "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, POINTS))


def matching(pattern):
    split = Split(Regex(pattern), "removed", invert=True)
    for i in range(0, len(TEXT), 20000):
        for piece, _ in split.pre_tokenize_str(TEXT[i:i + 20000]):
            yield from map(ord, piece)


def categories():
    of = {}
    for name in CATEGORIES:
        of.update((c, name) for c in matching(r"\p{%s}" % name))
    return of


def scripts():
    splitter = UnicodeScripts()

    def joined(a, b):
        return len(splitter.pre_tokenize_str(a + b)) == 1

    members = []  # one character of each script met so far
    of = {}
    previous = None
    for c in POINTS:
        ch = chr(c)
        if joined("a", ch) and joined("\u03b1", ch):
            of[c] = 0
            continue
        if previous is None or not joined(members[previous], ch):
            previous = next((i for i, m in enumerate(members) if joined(m, ch)), None)
            if previous is None:
                previous = len(members)
                members.append(ch)
        of[c] = previous + 1
    return of


def removed_by(normalizer):
    return {c for c in POINTS if normalizer.normalize_str(f"a{chr(c)}b") == "ab"}


def traits():
    """Bits in the order of enum Trait."""
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    whitespace, punctuation, digits = Whitespace(), Punctuation("isolated"), Digits()
    bits = [
        set(matching(r"\w")),
        {c for c in POINTS if len(whitespace.pre_tokenize_str("a" + chr(c))) == 1 and not chr(c).isspace()
         and whitespace.pre_tokenize_str("a" + chr(c))[0][0] == "a" + chr(c)},
        {c for c in POINTS if len(punctuation.pre_tokenize_str("a" + chr(c))) == 2},
        {c for c in POINTS if len(digits.pre_tokenize_str("a" + chr(c))) == 2},
        removed_by(StripAccents()),
        removed_by(BertNormalizer(**{**off, "strip_accents": True})),
        removed_by(BertNormalizer(**{**off, "clean_text": True})),
    ]
    return {c: sum((c in members) << i for i, members in enumerate(bits)) for c in POINTS}


def runs(of):
    last = None
    for c in POINTS:
        if of[c] != last:
            yield c, of[c]
            last = of[c]


def table(name, entries):
    print(f"\nconst ValueRun {name}[] = {{")
    line = "   "
    for first, value in entries:
        item = f" {{0x{first:X}, {value}}},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(f"{line}\n}};\nconst std::size_t {name}Count = std::size({name});")


print("// Written by tools/make_unicode_tables.py: change that, not this.\n// clang-format off")
print('#include "text/unicode_tables.h"\n\n#include <iterator>\n\nnamespace cajal {')
table("kCategoryRuns", [(c, CATEGORIES.index(v)) for c, v in runs(categories())])
table("kTraitRuns", list(runs(traits())))
table("kScriptRuns", list(runs(scripts())))
print("\n}  // namespace cajal")
