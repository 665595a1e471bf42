"""The words of a stack of slices in the reader's language; the worker wrote them in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worklist.words.translations import translated_row

_OF_0_1_0 = ["Right lung", "Left lung", "Ground glass opacity", "Consolidation"]
"""What stacks of that version hold without saying so; their colours are in drawing.js."""


def slice_names(facts: Mapping[str, Any]) -> list[str]:
    """What each slice is called; none where that is damaged."""
    names = facts.get("names")
    return [translated_row(str(one)) for one in names] if isinstance(names, list) else []


def region_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """What each region of a stack is called, where the reading does not say it."""
    regions = facts.get("regions")
    named = [one for one in regions if isinstance(one, dict)] if isinstance(regions, list) else []
    names = [str(one["name"]) for one in named if "name" in one] or _OF_0_1_0
    return {name: translated_row(name) for name in names}
