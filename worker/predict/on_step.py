"""The callback that gets the progress of a prediction."""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and how much there is in all."""
