"""What the figures of every sub-command have in common: their intervals."""

from __future__ import annotations

from typing import Any


def assert_intervals(found: dict[str, Any], keys: list[str]) -> None:
    """Every figure lies in its interval; one that is not defined has none."""
    for key in keys:
        if found[key] is None:
            assert found[f"{key}_ci95"] is None, key
            continue
        low, high = found[f"{key}_ci95"]
        assert low <= found[key] <= high, key
