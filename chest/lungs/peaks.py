"""Judges opacities by their surest pixel: an outline reaches far, and counts only where it is sure.

A threshold that outlines a pneumonia to its faint border calls vessels and dependent lung of the
healthy opacities too. The two are told apart by how sure the network is at the best place of each
(thresholding with hysteresis, as in Canny 1986, IEEE PAMI 8:679, for edges), and what the network
is in doubt about by its density.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.connected import Labels, Masks, parts_by_slice
from radiology.region import box_around

FAINT_FROM_HU: Final = -700.0
"""From here on doubt is enough for an outline: docs/case-level.md."""

_CARRIED_SHARE: Final = 0.5  # of an outline that must lie on what counts a slice away

Bytes = NDArray[np.uint8]


def outline(probability: Bytes, even: NDArray[np.float32], threshold: float, faint: float) -> Masks:
    """What is outlined: where the network says so, or is in doubt and the lung is dense.

    Parameters
    ----------
    probability : shape (slices, rows, columns), 255 = certain
    even : HU, means of 3 x 3 pixels; same shape
    threshold : probability from which on density does not matter
    faint : probability from which on it is outlined if it is dense
    """
    sure = probability >= np.rint(threshold * 255.0)
    outlined: Masks = sure | ((probability >= np.rint(faint * 255.0)) & (even >= FAINT_FROM_HU))
    return outlined


def by_peak(
    outlined: Masks, probability: Bytes, peak: float, possible_peak: float
) -> tuple[Masks, Masks]:
    """Split what is outlined into what counts and what is possible; the rest is dropped.

    What hangs together in a slice is judged as one. It counts too where it is possible and half of
    it lies on what counts in the slice above or below. Judged in three dimensions throughout,
    vessels would join every faint spot to the one that is sure.

    Parameters
    ----------
    outlined : shape (slices, rows, columns); slices follow each other
    probability : same shape, 255 = certain
    peak : probability that something must reach somewhere to count
    possible_peak : likewise, to be possible
    """
    counts, possible = np.zeros_like(outlined), np.zeros_like(outlined)
    box = box_around(outlined)
    if box is None:
        return counts, possible
    labels, sizes = parts_by_slice(outlined[box])
    best = np.zeros(sizes.size, dtype=np.uint8)
    at = np.flatnonzero(labels)
    np.maximum.at(best, labels.ravel()[at], probability[box].ravel()[at])
    sure = best >= np.rint(peak * 255.0)
    some = best >= np.rint(possible_peak * 255.0)
    sure[0] = some[0] = False
    upwards = list(range(len(labels)))
    for way in (upwards, upwards[::-1]):
        _carry(labels, sizes, sure, some, way)
    counts[box], possible[box] = sure[labels], (some & ~sure)[labels]
    return counts, possible


def _carry(
    labels: Labels,
    sizes: NDArray[np.int64],
    sure: NDArray[np.bool_],
    some: NDArray[np.bool_],
    way: Iterable[int],
) -> None:
    """Let what counts in a slice speak for what lies on it in the next; changes `sure`."""
    for before, after in pairwise(way):
        on_it = labels[after][sure[labels[before]]]
        lying = np.bincount(on_it, minlength=sizes.size)
        sure |= some & (lying > 0) & (lying >= _CARRIED_SHARE * sizes)
