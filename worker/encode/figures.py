"""Figures as they are shown: a number, rounded."""

from __future__ import annotations


def percent(share: float) -> float:
    """A share of 1 in percent, as it is shown."""
    return round(100.0 * share, 1)
