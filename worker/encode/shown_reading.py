"""A reading with the volume that it is of: all that a picture of it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chest.registration import EarlierChest
from radiology.algorithm import AlgorithmIdentity
from radiology.chest.change import PriorComparison
from radiology.chest.reading import ChestReading
from radiology.chest.regions import ChestRegions, LesionLabel, LungLabel
from radiology.chest.territory import Territory, TerritoryFigures
from radiology.image.volume import Volume
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.region import Mask
from radiology.urgency import Triage


@dataclass(frozen=True)
class ShownReading:
    """What can be shown without knowing whose study it is or where the result goes.

    Attributes
    ----------
    volume : as it was read, on the grid of the source
    reading : its regions are on the grid of `volume`
    triage : None exactly when the reading is not assessable
    software_version : of Firstread
    language : of what a person reads in pictures; reports are English
    earlier : the chest of the study that `prior` compares with; None where it is not at hand, or
        where it could not be registered well enough
    """

    volume: Volume
    reading: ChestReading
    triage: Triage | None
    software_version: str
    language: Language = field(default=Language.ENGLISH, kw_only=True)
    earlier: EarlierChest | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.triage is None) != (self.reading.outcome is Outcome.NOT_ASSESSABLE):
            raise ValueError("a reading has a triage exactly when it is assessable")
        regions = self.reading.regions
        if regions is not None and regions.lungs.shape != self.volume.shape:
            raise ValueError("the regions of a reading have the shape of the volume that was read")

    @property
    def image_numbers(self) -> Sequence[int | None]:
        """What the source calls each slice; None where nothing at hand says so."""
        numbers = [frame.frame_number for frame in self.volume.frames]
        return numbers or [None] * self.volume.shape[0]

    @property
    def algorithm(self) -> AlgorithmIdentity:
        """The bundle that made the reading."""
        return self.reading.algorithm

    @property
    def regions(self) -> ChestRegions:
        """The regions of the reading; only asked for where `has_lungs` holds."""
        if self.reading.regions is None:
            raise ValueError("the reading has no regions")
        return self.reading.regions

    @property
    def prior(self) -> PriorComparison | None:
        """What changed against the latest earlier study; None where none was compared."""
        return None if self.reading.course is None else self.reading.course.latest

    @property
    def has_lungs(self) -> bool:
        """Whether lungs were found: without them there is nothing to show."""
        return self.reading.regions is not None and bool(self.areas[:, 1:, :].any())

    @property
    def has_findings(self) -> bool:
        """Whether the reading claims findings."""
        return self.reading.outcome is Outcome.FINDINGS

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Number of pixels, shape (slices, lung labels, lesion labels).

        One pass over the label maps, since several objects ask which slices hold what.
        """
        regions, kinds = self.regions, len(LesionLabel)
        counted = np.zeros((self.volume.shape[0], len(LungLabel) * kinds), np.int64)
        for index, (lungs, lesions) in enumerate(zip(regions.lungs, regions.lesions, strict=True)):
            if lungs.any():
                counted[index] = np.bincount(
                    (lungs * np.uint8(kinds) + lesions).ravel(), minlength=counted.shape[1]
                )
        return counted.reshape(-1, len(LungLabel), kinds)

    @cached_property
    def territory_areas(self) -> Mapping[Territory, NDArray[np.int64]]:
        """Number of pixels on each slice of each lobe or zone; empty where nothing was divided."""
        divided = self.reading.divided
        if divided is None:
            return {}
        counted = np.array(
            [np.bincount(one.ravel(), minlength=256) for one in divided.labels], np.int64
        )
        return {territory: counted[:, value] for value, territory in divided.names.items()}

    @property
    def territories(self) -> list[TerritoryFigures]:
        """Lobes or zones with a voxel at least, from right to left and from top to bottom."""
        order = list(Territory)
        found = [one for one in self.reading.territories if one.volume_ml > 0]
        return sorted(found, key=lambda one: order.index(one.territory))

    def territory_mask(self, territory: Territory, index: int) -> Mask:
        """The pixels of a lobe or zone on a slice; none where nothing was divided."""
        divided = self.reading.divided
        if divided is None:
            return np.zeros(self.volume.shape[1:], np.bool_)
        values = [value for value, name in divided.names.items() if name is territory]
        return np.isin(divided.labels[index], values)
