"""What a bundle saw and was not sure enough of to count it."""

from __future__ import annotations

from dataclasses import dataclass

from radiology.answer.measurement import Measurement
from radiology.region import Region


@dataclass(frozen=True, slots=True)
class PossibleFinding:
    """Below the operating point: shown on the page to who looks for it, and in no object.

    Attributes
    ----------
    region : on the grid of the volume that was read; only described in a reading that was stored
    volume : of all of it together
    slices : in how many slices it lies
    """

    region: Region
    volume: Measurement
    slices: int
