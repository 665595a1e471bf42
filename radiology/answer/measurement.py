"""Measurements, and groups of them: what is measured of one thing at one site.

PS3.16 TID 300 (Measurement), TID 1501 (Measurement and Qualitative Evaluation Group), TID 1411
(Volumetric ROI Measurements).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from radiology.answer.anchor import Anchor
from radiology.answer.statement import Statement
from radiology.codes import Code
from radiology.site import Site


@dataclass(frozen=True, slots=True)
class NormalRange:
    """What is seen in health, in the unit of the measurement; None for a side without a limit."""

    low: float | None = None
    high: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number with its concept and unit.

    Attributes
    ----------
    value : finite, as it was measured; a count is an int
    unit : UCUM
    decimals : of the value as it is written down; None for a value that is written as it is
    derivation : mean, maximum and so on (CID 7464); None where the concept says it
    method : how it was measured (CID 6147 and others)

    Raises
    ------
    ValueError
        The value is not finite: a defect of what measured it.
    """

    concept: Code
    value: float | int
    unit: Code
    decimals: int | None = None
    derivation: Code | None = None
    method: Code | None = None
    normal: NormalRange | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError("a measurement is finite")

    @property
    def written(self) -> float | int:
        """The value, rounded to what it is worth."""
        return self.value if self.decimals is None else round(self.value, self.decimals)


@dataclass(frozen=True, slots=True)
class MeasurementGroup:
    """What is measured and said of one thing: an organ, a lobe, a lesion, the whole study.

    Attributes
    ----------
    name : what a reader sees, and its Tracking Identifier; anchored groups of a reading have
        different names
    kind : what it is: the finding type of the group (TID 1501 row 4)
    category : anatomy or abnormal structure (CID 7150); None for an answer about the whole study
    sites : where it is; a thing that spreads over two places has both
    statements : coded evaluations
    regions : names of the regions that it is measured on; none for the whole study
    anchor : where its figures stand in the images; None for what is told to programs alone, as
        the measurements of the one region that the group is named after
    compared : whether some of the measurements are changes against `Reading.comparison`
    tracking_uid : the same for the same thing in every study of the patient; empty where it
        follows from the result and the name
    """

    name: str
    kind: Code
    category: Code | None = None
    sites: tuple[Site, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    statements: tuple[Statement, ...] = ()
    regions: tuple[str, ...] = ()
    anchor: Anchor | None = None
    compared: bool = False
    tracking_uid: str = ""

    def measurement(self, concept: Code) -> Measurement | None:
        """The first measurement of a concept; None where there is none."""
        return next((one for one in self.measurements if one.concept == concept), None)
