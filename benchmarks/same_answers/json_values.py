"""Finds where two JSON answers differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.same_answers.values import UidPairs, same_value, shown

_ASIDE = frozenset({"size_bytes"})
_PATHS = frozenset({"study", "path", "file", "picture"})


def compare_json(before: Any, after: Any, uids: UidPairs, place: str = "") -> Iterator[str]:
    """Say where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if key not in before or key not in after:
                yield f"{place}/{key}: only {'after' if key not in before else 'before'}"
            elif key not in _ASIDE:
                pair = (_settled(key, before[key]), _settled(key, after[key]))
                yield from compare_json(*pair, uids, f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield f"{place}: {len(before)} entries → {len(after)}"
        for number, pair in enumerate(zip(before, after, strict=False)):
            yield from compare_json(*pair, uids, f"{place}/{number}")
    elif type(before) is not type(after) or not same_value(before, after, uids):
        yield f"{place}: {shown(before)} → {shown(after)}"


def _settled(key: str, value: Any) -> Any:
    """A path without its folders; anything else as it is."""
    is_path = key in _PATHS and isinstance(value, str)
    return Path(value).name if is_path else value
