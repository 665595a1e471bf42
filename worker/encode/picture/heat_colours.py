"""The colours of a heat map: one scale that every kind of colour vision reads alike.

Viridis (Smith and van der Walt 2015, in matplotlib, CC0) rises evenly in lightness from dark
violet to yellow, so it can also be read in grey.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_OPAQUE = 0.6  # the slice must still be seen under the warmest place
_VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def colours(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour of each level 0…1, an array with one more axis of length 3, 0…255."""
    places = np.linspace(0.0, 1.0, len(_VIRIDIS))
    scale = np.array(_VIRIDIS, dtype=np.float64).T
    found = np.stack([np.interp(levels, places, channel) for channel in scale], axis=-1)
    result: NDArray[np.float32] = found.astype(np.float32)
    return result


def blended(picture: Image.Image, levels: NDArray[np.float32]) -> Image.Image:
    """Lay levels over an RGB picture of the same size; level 0 leaves it as it is."""
    behind = np.asarray(picture, dtype=np.float32)
    weight = (MOST_OPAQUE * np.clip(levels, 0.0, 1.0))[..., None]
    mixed = behind * (1.0 - weight) + colours(levels) * weight
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def scale_bar(size: tuple[int, int]) -> Image.Image:
    """The scale itself, from little to much, as it looks over black."""
    levels = np.tile(np.linspace(0.0, 1.0, size[0], dtype=np.float32), (size[1], 1))
    return Image.fromarray(np.rint(colours(levels)).astype(np.uint8))
