"""The masks of a reading's regions: their pixels by slice, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from radiology.answer.reading import Reading
from radiology.region import LabelMap, Mask, Region, box_around, of_values
from worker.encode.key_slices import fullest

Areas = NDArray[np.int64]


@dataclass(frozen=True)
class FindingLayer:
    """All findings of a reading in one label map; none that the reading does not claim.

    Attributes
    ----------
    labels : uint8, shape of the volume; 0 where there is none
    regions : by value of `labels`
    """

    labels: LabelMap
    regions: Mapping[int, Region]


class RegionMasks:
    """The voxels of a reading's regions, by their names."""

    def __init__(self, reading: Reading, shape: tuple[int, int, int]) -> None:
        self._reading = reading
        self._shape = shape
        self._regions = {one.name: one for one in reading.regions if one.labels is not None}

    @cached_property
    def _counted(self) -> Mapping[str, Areas]:
        """By name. One pass over each label map, since several objects ask for all of it."""
        counted: dict[int, Areas] = {}
        found = {}
        for name, region in self._regions.items():
            assert region.labels is not None
            key = id(region.labels)
            if key not in counted:
                counted[key] = count_labels(region.labels)
            found[name] = counted[key][:, list(region.values)].sum(axis=1)
        return found

    def areas(self, names: Sequence[str], within: Sequence[str] = ()) -> Areas:
        """Number of pixels on each slice of some regions, which do not overlap.

        Parameters
        ----------
        within : only what lies in these
        """
        counted: Areas = sum(
            (self._counted[one] for one in names if one in self._counted),
            start=np.zeros(self._shape[0], np.int64),
        )
        if not within:
            return counted
        inside = np.zeros_like(counted)
        for index in np.flatnonzero(counted).tolist():
            inside[index] = np.count_nonzero(self.mask(names, index, within))
        return inside

    def mask(self, names: Sequence[str], index: int, within: Sequence[str] = ()) -> Mask:
        """The pixels of some regions on a slice, together."""
        mask = np.zeros(self._shape[1:], np.bool_)
        for name in names:
            if name in self._regions:
                mask |= self._regions[name].mask(index)
        return mask & self.mask(within, index) if within else mask

    @property
    def has_any(self) -> bool:
        """Whether there is a voxel of any region: without one a report can point at nothing."""
        return any(bool(one.any()) for one in self._counted.values())

    @property
    def has_anatomy(self) -> bool:
        """Whether there is a voxel of an organ."""
        return bool(self.areas(self._organs).any())

    @property
    def has_outlined_findings(self) -> bool:
        """Whether findings are claimed and there is a voxel of one: anatomy alone is not sent."""
        return self._reading.has_findings and bool(self.areas(self._findings).any())

    @cached_property
    def key_slice(self) -> int:
        """The slice to show first: that of the reading if it shows findings, or the fullest one.

        Where no region has a voxel, that of the reading or the middle one.
        """
        areas = self.areas(self._findings if self._reading.has_findings else self._wholes)
        if not areas.any():
            areas = self.areas(self._wholes)
        if areas.any():
            return fullest(areas, self._reading.key_slice)
        return self._stated_or_middle

    @property
    def _stated_or_middle(self) -> int:
        """The key slice of a reading that has no voxel of any region."""
        key, slices = self._reading.key_slice, self._shape[0]
        return slices // 2 if key is None else min(max(key, 0), slices - 1)

    @cached_property
    def _findings(self) -> list[str]:
        """Regions of findings, without those of a finding that is not claimed."""
        unclaimed = self._reading.unclaimed_regions
        return [
            name for name, one in self._regions.items() if one.is_finding and name not in unclaimed
        ]

    @property
    def _wholes(self) -> list[str]:
        """Organs, or whatever there is where no organ was asked for."""
        return self._organs or list(self._regions)

    @property
    def _organs(self) -> list[str]:
        return [
            name
            for name, region in self._regions.items()
            if not region.is_finding and not region.part_of
        ]

    @cached_property
    def finding_layer(self) -> FindingLayer:
        """The label map that findings have for themselves, or one that is made for them."""
        found = [self._regions[name] for name in self._findings]
        maps = {id(one.labels) for one in found}
        others = {
            id(one.labels) for name, one in self._regions.items() if name not in self._findings
        }
        alone = len(maps) == 1 and not maps & others
        if alone and all(len(one.values) == 1 for one in found):
            assert found[0].labels is not None
            return FindingLayer(found[0].labels, {one.values[0]: one for one in found})
        made = np.zeros(self._shape, np.uint8)
        for number, finding in enumerate(found, start=1):
            assert finding.labels is not None
            made[of_values(finding.labels, finding.values)] = number
        return FindingLayer(made, dict(enumerate(found, start=1)))


def count_labels(labels: LabelMap, values: int = 256) -> Areas:
    """Number of pixels of a label map, shape (slices, values)."""
    pixels = labels.shape[1] * labels.shape[2]
    counted = np.zeros((len(labels), values), np.int64)
    counted[:, 0] = pixels
    box = box_around(labels)
    if box is None:
        return counted
    slices, *_ = box
    for index, label in enumerate(labels[box], start=slices.start):
        counted[index] = np.bincount(label.ravel(), minlength=values)
        counted[index, 0] += pixels - label.size
    return counted
