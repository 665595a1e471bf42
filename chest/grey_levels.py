"""Estimates Hounsfield units from 8-bit CT figures of unknown window.

A published figure has lost its window. Two things in a chest slice have a well known HU:
aerated lung and soft tissue. Their two grey-level peaks fix a straight line from grey to HU.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

AERATED_LUNG_HU = -860.0
SOFT_TISSUE_HU = 40.0
OUTSIDE_HU = -1000.0

_SMALLEST_LUNG_SHARE = 0.02  # of the image; below it the dark peak is taken from all dark pixels
_LOWEST_HU = -1250.0
_HIGHEST_HU = 400.0


def _peak(values: NDArray[np.uint8]) -> float:
    """Grey level of the highest point of a lightly smoothed histogram."""
    histogram = np.bincount(values, minlength=256).astype(np.float64)
    return float(np.argmax(ndimage.gaussian_filter1d(histogram, 2.0, mode="constant")))


def _inner_dark(dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Dark components that do not touch the border: lungs rather than the air around the body."""
    labels, count = ndimage.label(dark)
    if count == 0:
        return dark
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    keep = np.ones(count + 1, dtype=bool)
    keep[border] = False
    keep[0] = False
    inner: NDArray[np.bool_] = keep[labels]
    return inner if inner.mean() >= _SMALLEST_LUNG_SHARE else dark


def grey_to_hounsfield(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Estimate HU from grey levels by the peaks of aerated lung and soft tissue.

    Parameters
    ----------
    grey : shape (rows, columns), a chest slice in some lung or wide window

    Returns
    -------
    float32, shape (rows, columns), about HU
        Saturated grey levels stay saturated: what was white is at least soft tissue.
    """
    seen = grey[(grey > 0) & (grey < 255)]
    if seen.size < 100 or int(seen.max()) - int(seen.min()) < 20:
        return np.full(grey.shape, OUTSIDE_HU, dtype=np.float32)
    cut = float(threshold_otsu(seen))
    # A black surround (0) is padding, not lung; lung itself is rarely exactly black.
    dark = grey[_inner_dark(grey <= cut)]
    lung_grey = _peak(dark[dark > 0]) if (dark > 0).sum() > 100 else 0.0
    tissue_grey = _peak(grey[grey > cut])
    gain = (SOFT_TISSUE_HU - AERATED_LUNG_HU) / max(tissue_grey - lung_grey, 20.0)
    hu = AERATED_LUNG_HU + (grey.astype(np.float32) - lung_grey) * gain
    clipped: NDArray[np.float32] = np.clip(hu, _LOWEST_HU, _HIGHEST_HU).astype(np.float32)
    return clipped
