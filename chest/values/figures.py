"""Measurements of a lung, or of both together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which lung a figure is about; `TOTAL` is both together."""

    RIGHT = "right"
    LEFT = "left"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class LungFigures:
    """Measurements of one lung, or of both together."""

    side: Side
    lung_volume_ml: float
    lesion_volume_ml: float
    ground_glass_ml: float
    consolidation_ml: float
    lesion_mean_hu: float | None
    slices_involved: int

    @property
    def lesion_share_percent(self) -> float:
        """Lesion volume as a share of lung volume, 0 to 100; 0 where there is no lung."""
        if self.lung_volume_ml <= 0:
            return 0.0
        # The quotient first: of a lung that is all lesion it is 1, and the share not above 100.
        return 100.0 * (self.lesion_volume_ml / self.lung_volume_ml)
