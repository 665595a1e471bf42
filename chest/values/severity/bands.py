"""Cut-offs as rows of a table: a comparison, a limit, and the points that follow."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Comparison = Literal[">", ">=", "<", "<=", "=="]

_COMPARE: Mapping[Comparison, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Band:
    """One row: a value that stands in this relation to the limit gets these points."""

    comparison: Comparison
    limit: float | bool | str
    points: int

    def holds(self, value: float | bool | str) -> bool:
        """Whether the value lies in this band or in a worse one."""
        return bool(_COMPARE[self.comparison](value, self.limit))


Bands = tuple[Band, ...]


def points_of(value: float | bool | str, bands: Bands, otherwise: int = 0) -> int:
    """Points of a value: those of the first row that holds.

    Parameters
    ----------
    bands : the worst first
    otherwise : points of a value for which no row holds
    """
    return next((band.points for band in bands if band.holds(value)), otherwise)


def most_points(bands: Bands) -> int:
    """The most points that a value can get."""
    return max(band.points for band in bands)
