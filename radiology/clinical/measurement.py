"""A measurement of a finding in an earlier study."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LesionMeasurement:
    """How much lesion a study showed, and when it was acquired.

    Attributes
    ----------
    acquired_at : of the images, not of the reading; two that are compared must both have a time
        zone or both have none
    lesion_volume_ml : in the whole organ
    lesion_share_percent : of the whole organ, 0 to 100
    """

    acquired_at: datetime
    lesion_volume_ml: float | None = None
    lesion_share_percent: float | None = None

    def __post_init__(self) -> None:
        if self.lesion_volume_ml is not None:
            _check(self.lesion_volume_ml, math.inf, "a lesion volume is 0 ml or more")
        if self.lesion_share_percent is not None:
            _check(self.lesion_share_percent, 100.0, "a share is 0 to 100 %")


def _check(value: float, highest: float, message: str) -> None:
    """Raise what is a defect of ours: the figures were measured, not typed in."""
    if not (math.isfinite(value) and 0.0 <= value <= highest):
        raise ValueError(message)
