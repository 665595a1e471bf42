"""Lungs as two bodies: what hangs together with them, or lies close beside them, and nothing else.

Bowel gas, the stomach and air in the neck look like lung in a slice. They neither hang together
with the lungs nor lie beside them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.connected import Labels, Masks, parts
from models.shifts import grown
from radiology.region import box_around, pixels_by_slice

_A_LUNG = 0.08  # of the larger body: a lung that has collapsed; gas in a stomach stays below
_LEAST_PART_ML = 5.0
_BESIDE_MM = 6.0  # a part that disease has cut off from its lung
_TIP = 0.015  # of the largest cross-section; the trachea's is as large, a lung ends before


def keep_lungs(mask: Masks, spacing_mm: tuple[float, float, float]) -> Masks:
    """Keep the lungs of what looks like lung.

    Parameters
    ----------
    mask : on canonical axes: slices to the head

    Returns
    -------
    The two large bodies and parts of at least 5 ml close beside them, up to where they end.
    """
    box = box_around(mask)
    if box is None:
        return mask
    kept = np.zeros_like(mask)
    kept[box] = _lungs_of(mask[box], spacing_mm)
    return kept


def _lungs_of(mask: Masks, spacing_mm: tuple[float, float, float]) -> Masks:
    labels, counts = parts(mask, 6)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    large = counts >= max(_A_LUNG * counts.max(), 1)
    lungs = _without_neck(large[labels])
    candidates = np.flatnonzero(~large & (counts * voxel_ml >= _LEAST_PART_ML))
    for part in _beside(labels, candidates, lungs, _disc(_BESIDE_MM, spacing_mm[1:])):
        lungs |= labels == part
    return lungs


def _beside(labels: Labels, candidates: NDArray[np.intp], lungs: Masks, reach: Masks) -> list[int]:
    """Of some parts those within reach of the lungs."""
    if not candidates.size:
        return []
    near = []
    boxes = ndimage.find_objects(labels)
    margins = [size // 2 for size in reach.shape]
    for part in candidates.tolist():
        slices, *within = boxes[part - 1]
        around = (
            slices,
            *(
                slice(max(one.start - margin, 0), one.stop + margin)
                for one, margin in zip(within, margins, strict=True)
            ),
        )
        if (grown(labels[around] == part, reach) & lungs[around]).any():
            near.append(part)
    return near


def _disc(radius_mm: float, pixel_mm: tuple[float, float]) -> Masks:
    reach = [max(int(radius_mm / one), 1) for one in pixel_mm]
    rows, columns = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    disc: Masks = (rows / reach[0]) ** 2 + (columns / reach[1]) ** 2 <= 1.0
    return disc


def _without_neck(lungs: Masks) -> Masks:
    """From the largest cross-section upwards, nothing beyond the first that is a tip's."""
    areas = pixels_by_slice(lungs)
    fullest = int(areas.argmax())
    ended = np.flatnonzero(areas[fullest:] < _TIP * areas[fullest])
    kept = lungs.copy()
    if ended.size:
        kept[fullest + int(ended[0]) :] = False
    return kept
