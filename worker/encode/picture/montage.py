"""Chooses the slices of the key picture: the fullest, at a distance from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST_APART_MM = 12.0  # nearer slices show the same lesion again


def montage_slices(
    areas: NDArray[np.int64], fallback: NDArray[np.int64], key: int, count: int, slice_mm: float
) -> list[int]:
    """Choose slices beside the key slice.

    The slices divide what is to be seen into equal parts; where they would lie too close to one
    another, the fullest of the others take their place, and then those of `fallback`.

    Parameters
    ----------
    areas : pixels on each slice of what is to be seen
    fallback : pixels on each slice of what is shown where there is no more of it
    count : how many, without the key slice
    slice_mm : distance between neighbouring slices

    Returns
    -------
    At most `count`, in ascending order.
    """
    apart = max(1, round(_LEAST_APART_MM / slice_mm))
    chosen = [key]
    for counts in (areas, fallback):
        for index in (*_quantiles(counts, count), *np.argsort(-counts, kind="stable").tolist()):
            if len(chosen) > count:
                break
            if counts[index] and all(abs(index - one) >= apart for one in chosen):
                chosen.append(index)
    return sorted(chosen[1:])


def _quantiles(areas: NDArray[np.int64], count: int) -> list[int]:
    """Slices that divide what is there into equal parts from end to end."""
    total = int(areas.sum())
    if not total:
        return []
    filled = np.cumsum(areas) / total
    return [int(np.searchsorted(filled, (step + 0.5) / count)) for step in range(count)]
