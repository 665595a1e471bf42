"""Lungs as two bodies: what hangs together with them, or lies close beside them, and nothing else.

Bowel gas, the stomach and air in the neck look like lung in a slice. They neither hang together
with the lungs nor lie beside them.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from models.connected import Masks, parts

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
    if not mask.any():
        return mask
    labels, counts = parts(mask, 6)
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    large = counts >= max(_A_LUNG * counts.max(), 1)
    lungs = _without_neck(large[labels])
    reach = ndimage.binary_dilation(lungs, _disc(_BESIDE_MM, spacing_mm[1:]), iterations=1)
    beside = np.zeros(counts.size, dtype=bool)
    beside[np.unique(labels[reach & mask])] = True
    kept = beside & ~large & (counts * voxel_ml >= _LEAST_PART_ML)
    with_parts: Masks = lungs | kept[labels]
    return with_parts


def _disc(radius_mm: float, pixel_mm: tuple[float, float]) -> Masks:
    reach = [max(int(radius_mm / one), 1) for one in pixel_mm]
    rows, columns = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    disc: Masks = ((rows / reach[0]) ** 2 + (columns / reach[1]) ** 2 <= 1.0)[None]
    return disc


def _without_neck(lungs: Masks) -> Masks:
    """From the largest cross-section upwards, nothing beyond the first that is a tip's."""
    areas = np.count_nonzero(lungs, axis=(1, 2))
    fullest = int(areas.argmax())
    ended = np.flatnonzero(areas[fullest:] < _TIP * areas[fullest])
    kept = lungs.copy()
    if ended.size:
        kept[fullest + int(ended[0]) :] = False
    return kept
