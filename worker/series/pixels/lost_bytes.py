"""Refuses frames whose low bytes were lost on the way, where somebody took the high ones for them.

RLE keeps all high bytes of a frame before all low ones (PS3.5 G.2). DCMTK, and Orthanc with it,
decodes a frame that was cut short among the low bytes without a word, and what it packs anew has
each high byte twice from there on: values that are multiples of 257, up to 255 units wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiology.errors import PixelDataUndecodable

_LEAST_VALUES = 3
"""Different values that must be seen: a background has one, and it may have equal bytes."""


def refuse_lost_low_bytes(stored: NDArray[Any]) -> None:
    """Hold the bytes of the last rows against each other.

    One value in 256 has two equal bytes by chance; a row of them has not.

    Parameters
    ----------
    stored : integers as decoded, shape (rows, columns)

    Raises
    ------
    PixelDataUndecodable
        From some row to the end, every value has two equal bytes, and they are several values.
    """
    if stored.dtype.itemsize != 2 or not _equal_bytes(stored[-1]).all():
        return
    other = np.flatnonzero(~_equal_bytes(stored).all(axis=1))
    first = int(other[-1]) + 1 if other.size else 0
    if np.unique(stored[first:]).size >= _LEAST_VALUES:
        raise PixelDataUndecodable(
            "The low bytes of the last rows are missing: the image was cut short on its way",
            rows=len(stored) - first,
        )


def _equal_bytes(stored: NDArray[Any]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = (stored & 0xFF) == (stored >> 8 & 0xFF)
    return equal
