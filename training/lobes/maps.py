"""Reads lobe maps that people drew or checked, and puts lungs on the network's grid.

A map has the labels 1 left upper, 2 left lower, 3 right upper, 4 right middle, 5 right lower lobe,
on the axes slices from the head down, rows to the back, columns to the left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.uint8]

GRID: Final = (48, 48, 64)  # slices, rows, columns of the box around both lungs
LOBES: Final = ("left upper", "left lower", "right upper", "right middle", "right lower")
LEFT, RIGHT = (1, 2), (3, 4, 5)
_HELD_OUT_OF: Final = 5  # one map of so many, by a digest of its name


@dataclass(frozen=True)
class LobeMap:
    """One patient's lobes.

    Attributes
    ----------
    labels : on the grid of the map, cut to the lungs
    """

    name: str
    origin: str
    labels: Labels

    @property
    def held_out(self) -> bool:
        """Whether it is for scoring alone; its name decides, so that no seed can be tried."""
        digest = hashlib.sha256(self.name.encode()).digest()
        return digest[0] % _HELD_OUT_OF == 0


def read_lobe_maps(data: Path) -> list[LobeMap]:
    """Read every map with all five lobes, in the order of their names."""
    folder = data / "training/lobe_maps"
    found = []
    for origin in ("luna_tang", "totalsegmentator"):
        for path in sorted((folder / origin).glob("*.npz")):
            with np.load(path, allow_pickle=False) as stored:
                labels = stored["labels"].astype(np.uint8)
            if all((labels == lobe).any() for lobe in range(1, len(LOBES) + 1)):
                found.append(LobeMap(path.stem, origin, _cut(labels)))
    return found


def _cut(labels: Labels) -> Labels:
    box = ndimage.find_objects((labels > 0).astype(np.uint8))[0]
    cut: Labels = np.ascontiguousarray(labels[box])
    return cut


def to_grid(labels: Labels, shape: Sequence[int] = GRID) -> Labels:
    """The nearest label at each place of the network's grid; the box is stretched to fill it."""
    places = [
        ((np.arange(wanted) + 0.5) * length / wanted).astype(np.int64)
        for wanted, length in zip(shape, labels.shape, strict=True)
    ]
    grid: Labels = labels[np.ix_(*places)]
    return grid


def sides_of(labels: Labels) -> Labels:
    """1 where the left lung is, 2 where the right one is."""
    sides = np.zeros_like(labels)
    sides[np.isin(labels, LEFT)] = 1
    sides[np.isin(labels, RIGHT)] = 2
    return sides
