"""A reading with its volume: everything that a picture of it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from radiology.algorithm import AlgorithmIdentity
from radiology.answer.reading import Reading
from radiology.earlier import EarlierImages
from radiology.image.volume import Volume
from radiology.language import Language
from radiology.outcome import Outcome
from radiology.region import Region
from radiology.urgency import Triage
from worker.encode.region_masks import RegionMasks


@dataclass(frozen=True)
class ShownReading:
    """What can be shown without the patient's identity or the result's destination.

    Attributes
    ----------
    volume : as it was read, on the grid of the source
    reading : its regions are on the grid of `volume`
    triage : None exactly when the reading is not assessable
    software_version : of Firstread
    language : of what a person reads in pictures; reports are English
    earlier : what the comparison of the reading is with; None where it is not at hand, or where it
        could not be registered well enough
    lesion_places : by the number that the page calls a lesion by, its middle in mm (LPS)
    """

    volume: Volume
    reading: Reading
    triage: Triage | None
    software_version: str
    language: Language = field(default=Language.ENGLISH, kw_only=True)
    earlier: EarlierImages | None = field(default=None, kw_only=True)
    lesion_places: Mapping[int, tuple[float, float, float]] = field(
        default_factory=dict, kw_only=True
    )

    def __post_init__(self) -> None:
        if (self.triage is None) != (self.reading.outcome is Outcome.NOT_ASSESSABLE):
            raise ValueError("a reading has a triage exactly when it is assessable")
        for region in (*self.reading.regions, *self.possible):
            if region.labels is not None and region.labels.shape != self.volume.shape:
                raise ValueError("the regions of a reading have the shape of its volume")

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
    def has_findings(self) -> bool:
        """Whether the reading claims findings."""
        return self.reading.has_findings

    @cached_property
    def masks(self) -> RegionMasks:
        """Where the regions of the reading lie."""
        return RegionMasks(self.reading, self.volume.shape)

    @property
    def can_be_shown(self) -> bool:
        """Whether there is something to show.

        A bundle that names the anatomy which it outlines reads nothing else: where none of it was
        found, pictures and reports would be of another part of the body.
        """
        return not self.reading.report.anatomy or self.masks.has_anatomy

    @property
    def anatomy(self) -> tuple[Region, ...]:
        """Organs, without their parts, that have voxels."""
        return tuple(
            region
            for region in self.reading.regions
            if not region.is_finding and not region.part_of and region.labels is not None
        )

    @property
    def findings(self) -> tuple[Region, ...]:
        """Regions of findings that have voxels; without those of a finding that is not claimed."""
        unclaimed = self.reading.unclaimed_regions
        return tuple(
            region
            for region in self.reading.regions
            if region.is_finding and region.labels is not None and region.name not in unclaimed
        )

    @property
    def outlined(self) -> tuple[Region, ...]:
        """What pictures may outline: findings only where they are claimed, after the anatomy.

        Nothing at all where nothing could be assessed: outlines would look like an answer.
        """
        if self.reading.outcome is Outcome.NOT_ASSESSABLE:
            return ()
        return (*self.anatomy, *self.findings) if self.has_findings else self.anatomy

    @property
    def possible(self) -> tuple[Region, ...]:
        """What was seen below the operating point; the page alone shows it."""
        return tuple(one.region for one in self.reading.possible)
