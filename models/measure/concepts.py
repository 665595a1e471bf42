"""Concept, unit and derivation of each kind of measurement, where a bundle declares no concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models.declared.measurements import MeasurementKind
from radiology.codes import (
    HOUNSFIELD_UNIT,
    MEAN_ATTENUATION,
    MILLILITRE,
    NO_UNIT,
    PERCENT,
    PRIVATE_SCHEME,
    PROBABILITY,
    SLICES,
    SLICES_INVOLVED,
    VOLUME,
    Code,
)

MILLIMETRE: Final = Code("mm", "UCUM", "millimeter")  # CID 7460
DIAMETER: Final = Code("81827009", "SCT", "Diameter")  # CID 7470
ATTENUATION: Final = Code("112031", "DCM", "Attenuation Coefficient")  # CID 6141
MAXIMUM: Final = Code("56851009", "SCT", "Maximum")  # CID 7464
STANDARD_DEVIATION: Final = Code("386136009", "SCT", "Standard Deviation")  # CID 7464
SHARE: Final = Code("SHARE_OF_REGION", PRIVATE_SCHEME, "Share of region")
PARTS: Final = Code("PARTS", PRIVATE_SCHEME, "Number of parts")


@dataclass(frozen=True, slots=True)
class Usual:
    """What a kind of measurement is, unless a bundle says otherwise.

    Attributes
    ----------
    decimals : as many as the value is worth
    title : as short as a column of a table wants it
    """

    concept: Code
    unit: Code
    decimals: int
    title: str
    derivation: Code | None = None


USUAL: Final = {
    MeasurementKind.VOLUME: Usual(VOLUME, MILLILITRE, 1, "Volume"),
    MeasurementKind.SHARE: Usual(SHARE, PERCENT, 1, "Share"),
    MeasurementKind.MEAN_HU: Usual(MEAN_ATTENUATION, HOUNSFIELD_UNIT, 0, "Mean"),
    MeasurementKind.DEVIATION_HU: Usual(
        ATTENUATION, HOUNSFIELD_UNIT, 0, "Deviation", STANDARD_DEVIATION
    ),
    MeasurementKind.COUNT: Usual(PARTS, NO_UNIT, 0, "Parts"),
    MeasurementKind.LARGEST_VOLUME: Usual(VOLUME, MILLILITRE, 1, "Largest", MAXIMUM),
    MeasurementKind.LARGEST_DIAMETER: Usual(DIAMETER, MILLIMETRE, 0, "Diameter", MAXIMUM),
    MeasurementKind.SLICES: Usual(SLICES_INVOLVED, SLICES, 0, "Slices"),
    MeasurementKind.SCORE: Usual(PROBABILITY, NO_UNIT, 3, "Probability"),
    MeasurementKind.HIGHEST_SLICE_SCORE: Usual(PROBABILITY, NO_UNIT, 3, "Highest", MAXIMUM),
    MeasurementKind.SLICES_ABOVE: Usual(SLICES_INVOLVED, SLICES, 0, "Slices"),
}
