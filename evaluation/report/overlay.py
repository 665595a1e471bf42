"""A slice with the outlines of what was found and of the reference, as PNG in a data URL."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from evaluation.statistics.masks import Mask, surface

FOUND_COLOUR = (230, 159, 0)  # orange of Okabe and Ito (2008)
REFERENCE_COLOUR = (86, 180, 233)  # their sky blue
BOTH_COLOUR = (255, 255, 255)
_SIDE = 384  # pixels; small slices are enlarged so that an outline is thinner than what it shows


def _line(mask: Mask) -> Mask:
    """An outline two pixels wide, on the inner side of the edge."""
    outer = surface(mask)
    return outer | surface(mask & ~outer)


def overlay(grey: NDArray[np.uint8], found: Mask, reference: Mask) -> str:
    """Draw both outlines on a slice.

    Parameters
    ----------
    grey, found, reference : shape (rows, columns)

    Returns
    -------
    A data URL. Outlines are orange where only `found` has its edge, blue where only `reference`
    has, white where both have.
    """
    times = max(1, round(_SIDE / max(grey.shape)))
    block = np.ones((times, times), dtype=np.uint8)
    picture = np.repeat(np.kron(grey, block)[..., None], 3, axis=2)
    edges = [_line(np.kron(mask.astype(np.uint8), block) > 0) for mask in (found, reference)]
    picture[edges[0]] = FOUND_COLOUR
    picture[edges[1]] = REFERENCE_COLOUR
    picture[edges[0] & edges[1]] = BOTH_COLOUR
    buffer = BytesIO()
    imsave(buffer, picture, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
