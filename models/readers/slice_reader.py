"""The protocol of a bundle that reads single slices, without a volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.catalogue import UsableBundle
from radiology.answer.slice_in_words import NamedProbability
from radiology.image.volume import FloatArray, Volume
from radiology.region import Region


@dataclass(frozen=True)
class GreySlice:
    """A slice of a picture file; the window of its grey levels is not known.

    Attributes
    ----------
    levels : uint8, shape (rows, columns); rows to the back, columns to the patient's left
    """

    levels: NDArray[np.uint8]


@dataclass(frozen=True)
class HounsfieldSlice:
    """A slice in HU.

    Attributes
    ----------
    volume : one slice on canonical axes
    """

    volume: Volume

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Between rows and between columns."""
        _, row_mm, column_mm = self.volume.spacing_mm
        return row_mm, column_mm


SliceToRead = GreySlice | HounsfieldSlice


class SliceVerdict(StrEnum):
    """What the badge of a slice's picture says."""

    NOT_ASSESSABLE = "not_assessable"
    MEASURED = "measured"
    SUSPECTED = "suspected"
    UNDETERMINED = "undetermined"
    NOT_SUSPECTED = "not_suspected"


@dataclass(frozen=True)
class SliceRead:
    """One bundle's reading of a slice.

    Attributes
    ----------
    answer : as `firstread predict` prints it and an upload stores it
    headline, details : what a picture says above the slice, in English
    regions : on a volume of this one slice
    heat : float32, shape of the slice, 0…1, where the classifier looked; None without one
    lines : what a picture says below the slice; words as short as a column of it
    window_hu : centre and width of the window that the slice is shown in
    """

    answer: Mapping[str, Any]
    verdict: SliceVerdict
    headline: str
    details: str
    regions: tuple[Region, ...]
    heat: FloatArray | None
    lines: tuple[NamedProbability, ...]
    window_hu: tuple[float, float]

    @property
    def assessable(self) -> bool:
        """Whether anything may be outlined."""
        return self.verdict is not SliceVerdict.NOT_ASSESSABLE


class SliceReader(Protocol):
    """A loaded bundle that reads single slices."""

    @property
    def bundle(self) -> UsableBundle:
        """What was loaded."""
        ...

    def read_slice(self, given: SliceToRead) -> SliceRead:
        """Run the networks, and say what they found."""
        ...
