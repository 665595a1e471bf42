"""A class that one component styles by itself is no other one's: names do not meet by chance."""

from __future__ import annotations

import re
from collections import defaultdict

from tests.peers.programs import REPOSITORY

SHARED = {"back", "head", "side", "key-picture"}
"""Parts of the page that mean the same everywhere; a component's sheet only adjusts them."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IN_BRACKETS = re.compile(r"\([^()]*\)")
_RULE = re.compile(r"([^{}]+)\{")
_BARE = re.compile(r"\.([a-zA-Z][\w-]*)")


def _bare_classes(css: str) -> set[str]:
    """Classes that a rule names first and alone, so that they are styled wherever they stand."""
    found = set()
    for rule in _RULE.finditer(_COMMENT.sub("", css)):
        for selector in _IN_BRACKETS.sub("", rule.group(1)).split(","):
            first = selector.strip().split(" ")[0]
            if match := _BARE.match(first):
                found.add(match.group(1))
    return found


def test_no_class_is_styled_bare_by_two_sheets() -> None:
    """A legend of outlines once got the stroke of a chart's legend, and Why the grid of a flag."""
    sheets = defaultdict(set)
    for path in (REPOSITORY / "worklist").rglob("static/*.css"):
        for name in _bare_classes(path.read_text(encoding="utf-8")):
            sheets[name].add(path.name)
    assert len(sheets) > 100
    twice = {name: files for name, files in sheets.items() if len(files) > 1}
    assert set(twice) <= SHARED, twice
    assert set(twice) == SHARED


def test_a_bare_class_is_seen() -> None:
    css = ".a { } /* .b {} */ .c .d, .e:is(.h, .i) { } dl.f { } @media (width < 9px) { .g { } }"
    assert _bare_classes(css) == {"a", "c", "e", "g"}
