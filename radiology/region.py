"""Regions: the voxels of a structure or finding, and what can be measured on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.codes import ABNORMAL_STRUCTURE, ANATOMICAL_STRUCTURE, Code
from radiology.image.volume import Volume
from radiology.site import Site

Mask = NDArray[np.bool_]
LabelMap = NDArray[np.uint8]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class Region:
    """A set of voxels on the grid of a volume, with what it shows.

    Its voxels are some values of a label map, which several regions share: a mask each would take
    eight times the memory.

    Attributes
    ----------
    name : what a viewer lists; no two regions of a reading share it
    kind : what it shows (PS3.16 CID 7151)
    is_finding : whether it is a finding, to be tracked, and not anatomy
    colour : sRGB, 0 to 255
    site : where a finding lies; None for anatomy, which is a place itself
    laterality : of anatomy whose `kind` has no side
    part_of : name of the anatomy that it divides; empty for a whole
    bounded : whether it has a border that one could see; without it, it is no segment
    labels : uint8, shape of the volume; None for a region that is only described, as a bundle
        declares it and a stored reading has it
    values : of `labels`; the voxels that have one of them are the region
    """

    name: str
    kind: Code
    is_finding: bool
    colour: tuple[int, int, int]
    site: Site | None = None
    laterality: Code | None = None
    part_of: str = ""
    bounded: bool = True
    labels: LabelMap | None = field(
        default=None, compare=False, repr=False, metadata={"stored": False}
    )
    values: tuple[int, ...] = field(default=(1,), compare=False, metadata={"stored": False})

    @classmethod
    def of_mask(cls, mask: Mask, name: str, kind: Code, **described: Any) -> Region:
        """A region that has a mask of its own, shape of the volume."""
        return cls(name, kind, labels=mask.view(np.uint8), values=(1,), **described)

    @property
    def category(self) -> Code:
        """Anatomy or abnormal structure (CID 7150)."""
        return ABNORMAL_STRUCTURE if self.is_finding else ANATOMICAL_STRUCTURE

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where it is: the site of a finding; of anatomy, the anatomy itself."""
        if self.is_finding:
            return () if self.site is None else (self.site,)
        return (Site(self.kind, self.laterality),)

    def mask(self, index: int) -> Mask:
        """The pixels of the region on one slice, shape (rows, columns).

        Raises
        ------
        ValueError
            The region is only described.
        """
        if self.labels is None:
            raise ValueError("a region that is only described has no voxels")
        return of_values(self.labels[index], self.values)


def of_values(labels: LabelMap, values: tuple[int, ...]) -> Mask:
    """Where a label map has one of some values; of any shape."""
    mask: Mask = labels == np.uint8(values[0]) if values else np.zeros(labels.shape, np.bool_)
    for value in values[1:]:
        mask |= labels == np.uint8(value)
    return mask


def pixels_by_slice(labels: NDArray[Any]) -> NDArray[np.int64]:
    """How many pixels of each slice are not 0; numpy's own count along axes takes twenty times."""
    return np.array([np.count_nonzero(one) for one in labels], dtype=np.int64)


def box_around(labels: LabelMap | Mask) -> Box | None:
    """Slices, rows and columns between which anything lies; None where nothing does."""
    footprint = np.bitwise_or.reduce(labels, axis=0) != 0
    if not footprint.any():
        return None
    held = (labels.any(axis=(1, 2)), footprint.any(axis=1), footprint.any(axis=0))
    ends = [np.flatnonzero(one)[[0, -1]].tolist() for one in held]
    slices, rows, columns = (slice(first, last + 1) for first, last in ends)
    return slices, rows, columns


def volume_ml(mask: Mask, volume: Volume) -> float:
    """Number of voxels times the volume of one, in ml."""
    return int(np.count_nonzero(mask)) * volume.voxel_ml


def mean_hu(mask: Mask, volume: Volume) -> float | None:
    """Mean attenuation in HU; None for an empty mask."""
    inside: NDArray[Any] = volume.hounsfield[mask]
    return float(inside.mean(dtype=np.float64)) if inside.size else None


def slices_involved(mask: Mask) -> int:
    """How many slices (first axis) hold at least one voxel."""
    return int(np.count_nonzero(mask.any(axis=(1, 2))))
