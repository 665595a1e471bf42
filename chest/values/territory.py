"""Territories of the lungs: the five lobes, or zones where lobes cannot be distinguished.

A lobe ends at a fissure, seen or likely; a zone is a third of a lung's height and has no anatomical
border. The two are never named alike, so that a reader knows which of them a figure is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chest.values.figures import Side
from radiology.region import LabelMap


class Territory(StrEnum):
    """A part of one lung."""

    RIGHT_UPPER_LOBE = "right upper lobe"
    RIGHT_MIDDLE_LOBE = "right middle lobe"
    RIGHT_LOWER_LOBE = "right lower lobe"
    LEFT_UPPER_LOBE = "left upper lobe"
    LEFT_LOWER_LOBE = "left lower lobe"
    RIGHT_UPPER_AND_MIDDLE_LOBE = "right upper and middle lobe"
    RIGHT_UPPER_ZONE = "right upper zone"
    RIGHT_MIDDLE_ZONE = "right middle zone"
    RIGHT_LOWER_ZONE = "right lower zone"
    LEFT_UPPER_ZONE = "left upper zone"
    LEFT_MIDDLE_ZONE = "left middle zone"
    LEFT_LOWER_ZONE = "left lower zone"

    @property
    def is_lobe(self) -> bool:
        """Whether fissures bound it; the right upper and middle lobe together count as such."""
        return self.value.endswith("lobe")

    @property
    def side(self) -> Side:
        """The lung that it is a part of."""
        return Side.RIGHT if self.value.startswith("right") else Side.LEFT


@dataclass(frozen=True, slots=True)
class Boundary:
    """A fissure that was looked for.

    Attributes
    ----------
    name : "right oblique fissure" and so on
    confidence : 0 to 1
        The share of the visible part of the fitted surface that shows a sheet, above the share
        that surfaces fitted beside it get by chance: 0 is chance, 1 a fissure seen everywhere.
    seen : whether lobes are told by it
    reason : why it counts as not seen; empty when it was seen
    by_shape : whether the shape of the lungs says where it is likely, since it was not seen
    """

    name: str
    confidence: float
    seen: bool
    reason: str = ""
    by_shape: bool = False


@dataclass(frozen=True)
class Territories:
    """What each lung was divided into.

    Attributes
    ----------
    labels : uint8, shape of the volume; 0 outside the lungs
    names : label value to territory; only those that this chest was divided into
    boundaries : every fissure that was looked for, seen or not
    """

    labels: LabelMap
    names: Mapping[int, Territory]
    boundaries: tuple[Boundary, ...]


@dataclass(frozen=True, slots=True)
class TerritoryFigures:
    """Measurements of one territory."""

    territory: Territory
    volume_ml: float
    lesion_volume_ml: float
    ground_glass_ml: float
    consolidation_ml: float
    lesion_mean_hu: float | None

    @property
    def lesion_share_percent(self) -> float:
        """Lesion volume as a share of the territory, 0 to 100; 0 where there is no volume."""
        if self.volume_ml <= 0:
            return 0.0
        # The quotient first: of a lobe that is all lesion it is 1, and the share not above 100.
        return 100.0 * (self.lesion_volume_ml / self.volume_ml)
