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
    """

    concept: Code
    unit: Code
    decimals: int
    derivation: Code | None = None


USUAL: Final = {
    MeasurementKind.VOLUME: Usual(VOLUME, MILLILITRE, 1),
    MeasurementKind.SHARE: Usual(SHARE, PERCENT, 1),
    MeasurementKind.MEAN_HU: Usual(MEAN_ATTENUATION, HOUNSFIELD_UNIT, 0),
    MeasurementKind.DEVIATION_HU: Usual(ATTENUATION, HOUNSFIELD_UNIT, 0, STANDARD_DEVIATION),
    MeasurementKind.COUNT: Usual(PARTS, NO_UNIT, 0),
    MeasurementKind.LARGEST_VOLUME: Usual(VOLUME, MILLILITRE, 1, MAXIMUM),
    MeasurementKind.LARGEST_DIAMETER: Usual(DIAMETER, MILLIMETRE, 0, MAXIMUM),
    MeasurementKind.SLICES: Usual(SLICES_INVOLVED, SLICES, 0),
    MeasurementKind.SCORE: Usual(PROBABILITY, NO_UNIT, 3),
    MeasurementKind.HIGHEST_SLICE_SCORE: Usual(PROBABILITY, NO_UNIT, 3, MAXIMUM),
    MeasurementKind.SLICES_ABOVE: Usual(SLICES_INVOLVED, SLICES, 0),
}
