"""Finds the voxels of the reading that a code stands for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from radiology import codes
from radiology.region import Mask, Region

Coded = tuple[str, str]
"""The value of a code, and that of the code of a side or ""."""


class ReadingMasks:
    """The voxels of a reading by what they mean; regions go by their names."""

    def __init__(self, regions: Sequence[Region], shape: tuple[int, int, int]) -> None:
        self._regions = {one.name: one for one in regions if one.labels is not None}
        self.shape = shape

    @property
    def findings(self) -> list[str]:
        """What is no anatomy."""
        return [name for name, one in self._regions.items() if one.is_finding]

    @property
    def wholes(self) -> list[str]:
        """Organs."""
        return [
            name
            for name, region in self._regions.items()
            if not region.is_finding and not region.part_of
        ]

    @property
    def parts(self) -> list[str]:
        """Parts of organs that have a border, so that a segmentation can show them."""
        return [
            name
            for name, region in self._regions.items()
            if not region.is_finding and region.part_of and region.bounded
        ]

    def of_segment(self, kind: str, side: str) -> str | None:
        """The region that a segment's type and its modifier name; None where there is none."""
        return next(iter(self._named((kind, side))), None)

    def of_group(self, finding: str, sites: Sequence[Coded]) -> tuple[list[str], list[str]]:
        """The regions that a group is about, and those that it lies within, together each.

        Anatomy goes by its sites, which tell its parts apart; where the reading does not have
        these, by the type of the group and the side. Empty where nothing at hand says it.
        """
        places = self.of_sites(sites)
        found = [name for name in self.findings if self._regions[name].kind.value == finding]
        if found:
            return found, places
        if places:
            return places, []
        return self._named((finding, sites[0][1] if sites else "")), []

    def of_sites(self, sites: Sequence[Coded]) -> list[str]:
        """The anatomy at some sites, together; none where one of them is not of the reading."""
        places = [self._at(one) for one in sites]
        return [name for place in places for name in place] if all(places) else []

    def _at(self, site: Coded) -> list[str]:
        """Both of a pair where the site is bilateral; a side is given with anatomy of one, too."""
        anatomy, side = site
        if side == codes.BILATERAL.value:
            return [
                name
                for name, region in self._regions.items()
                if region.kind.value == anatomy and not region.is_finding
            ]
        return self._named(site) or self._named((anatomy, ""))

    def _named(self, wanted: Coded) -> list[str]:
        return [
            name
            for name, region in self._regions.items()
            if (region.kind.value, region.laterality.value if region.laterality else "") == wanted
        ]

    def mask(self, names: Sequence[str], index: int) -> Mask:
        """The pixels of some regions on one slice, together."""
        mask = np.zeros(self.shape[1:], np.bool_)
        for name in names:
            region = self._regions[name]
            assert region.labels is not None
            mask |= np.isin(region.labels[index], region.values)
        return mask

    def size(self, name: str) -> int:
        """How many voxels there are."""
        return sum(int(np.count_nonzero(self.mask([name], at))) for at in range(self.shape[0]))
