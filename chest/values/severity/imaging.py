"""The imaging inputs of the severity rules: pneumonia or not, shares, and a prior measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chest.values.figures import Side
from chest.values.lobe import Lobe
from radiology.clinical import LesionMeasurement


class Pneumonia(StrEnum):
    """Whether the images show pneumonia. "Undetermined" is never a kind of "no"."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class ImagingFindings:
    """The part of a reading that severity is judged from.

    Attributes
    ----------
    share_percent : lesion share of a lung by side, 0 to 100; a side that was not measured is
        absent, and `Side.TOTAL` is not used
    lobe_share_percent : lesion share of a lobe, 0 to 100. Only true lobes: where fissures were not
        seen, leave the lobe out rather than put a zone in its place
    measurement, prior : this study and an earlier one of the same patient

    Raises
    ------
    ValueError
        A share is not 0 to 100.
    """

    pneumonia: Pneumonia
    share_percent: Mapping[Side, float] = field(default_factory=dict)
    lobe_share_percent: Mapping[Lobe, float] = field(default_factory=dict)
    measurement: LesionMeasurement | None = None
    prior: LesionMeasurement | None = None

    def __post_init__(self) -> None:
        for share in (*self.share_percent.values(), *self.lobe_share_percent.values()):
            _check(share, 100.0, "a share is 0 to 100 %")


def _check(value: float, highest: float, message: str) -> None:
    """Raise what is a defect of ours: the figures were measured, not typed in."""
    if not (math.isfinite(value) and 0.0 <= value <= highest):
        raise ValueError(message)
