"""The classifier's view of a slice: the lungs, enlarged, and the whole, with the lesions found.

Training and running make the view with this one module, so that a network never meets a slice
cut otherwise than those it learned from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radiology.image.heat_map import spread_out

FloatArray = NDArray[np.float32]

CHANNELS = ("attenuation", "lung", "lesion", "whole", "whole_lesion")
"""The first three show the lungs enlarged, the others the whole slice at the same size."""
LUNG_FROM = 0.5  # probability
LEAST_ISLAND_SHARE = 0.003  # of the image; bowel gas and folds of clothes are smaller (ours)


@dataclass(frozen=True, slots=True)
class ViewBox:
    """The square that a view shows, in pixels of the segmentation network's grid.

    Attributes
    ----------
    top, left : of its upper left corner, not of a pixel's centre; fractions and places outside
        of the grid are allowed
    side : its length
    """

    top: float
    left: float
    side: float


def find_box(lung: FloatArray, margin: float) -> ViewBox:
    """Find the square around the lungs; the whole grid where there is no lung.

    Parameters
    ----------
    lung : shape (rows, columns), probability of either lung
    margin : added on each side, as a share of the longer side of the lungs' extent
    """
    # Here: to read what a bundle declares needs none of it.
    from scipy import ndimage

    labels, count = ndimage.label(lung >= LUNG_FROM)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= LEAST_ISLAND_SHARE * lung.size
    large[0] = False
    kept = large[labels]
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    if not rows.size:
        return ViewBox(0.0, 0.0, float(max(lung.shape)))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    side = float(max(height, width)) * (1.0 + 2.0 * margin)
    return ViewBox(
        top=(rows[0] + rows[-1] + 1 - side) / 2.0,
        left=(columns[0] + columns[-1] + 1 - side) / 2.0,
        side=side,
    )


def show(image: FloatArray, box: ViewBox, size: int) -> FloatArray:
    """Show a box of an image on a square; neighbours are averaged when it shrinks.

    Parameters
    ----------
    image : shape (rows, columns)
    box : what of it is shown; 0 where it reaches beyond the image

    Returns
    -------
    float32, shape (size, size)
    """
    # Pillow wants the box within the image: what lies outside is 0 in every channel.
    beyond = max(
        -box.top,
        -box.left,
        box.top + box.side - image.shape[0],
        box.left + box.side - image.shape[1],
        0.0,
    )
    pad = math.ceil(beyond)
    padded = np.pad(image, pad) if pad else image
    left, top = box.left + pad, box.top + pad
    shown = Image.fromarray(np.ascontiguousarray(padded, dtype=np.float32)).resize(
        (size, size), Image.Resampling.BILINEAR, box=(left, top, left + box.side, top + box.side)
    )
    return np.asarray(shown, dtype=np.float32)


def lung_view(
    attenuation: FloatArray,
    lung: FloatArray,
    lesion: FloatArray,
    size: int = 192,
    margin: float = 0.08,
) -> tuple[FloatArray, ViewBox]:
    """Make the classifier's input from a slice and what the segmentation network says of it.

    Parameters
    ----------
    attenuation : float32, shape (256, 256), 0…1
        The segmentation network's input.
    lung : float32, shape (256, 256), 0…1
        Probability of either lung.
    lesion : float32, shape (256, 256), 0…1
        Probability of any lesion.
    size : rows and columns of the view
    margin : around the lungs, as a share of the longer side of their extent

    Returns
    -------
    float32, shape (5, size, size), channels as in `CHANNELS`, 0 outside of the slice; and the box
    of the slice that the enlarged channels show. Without lung that is the whole slice.
    """
    box = find_box(lung, margin)
    whole = ViewBox(0.0, 0.0, float(max(attenuation.shape)))
    enlarged = [show(image, box, size) for image in (attenuation, lung, lesion)]
    return np.stack(
        [*enlarged, *(show(image, whole, size) for image in (attenuation, lesion))]
    ), box


def place_back(heat: FloatArray, box: ViewBox, shape: tuple[int, int]) -> FloatArray:
    """Put a map of a view back on the grid that the view was cut from.

    Parameters
    ----------
    heat : shape (h, w); its cells share the view evenly, whatever their number
    box : the view's
    shape : rows and columns of the grid that `box` is given in

    Returns
    -------
    float32, `shape`, linearly interpolated, 0 outside of the box
    """
    return spread_out(heat, (box.top, box.left), (box.side, box.side), shape)
