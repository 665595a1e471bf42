"""Holds decoded values against Bits Stored: what stands in the bits above is no part of them.

PS3.5 8.1.1: bits above High Bit may hold anything; scanners of old kept overlay planes there (the
retired use of Overlay Bit Position, PS3.3 C.9.2 of 2004). A compressor that is given all 16 bits
keeps them. Native and compressed pixels are treated alike here, after decoding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radiology.errors import PixelDataUndecodable

Stored = NDArray[Any]


def within_bits_stored(stored: Stored, dataset: Dataset, *, lossless: bool) -> Stored:
    """The values as their Bits Stored say them, with their sign.

    Parameters
    ----------
    stored : integers as decoded, all bits that were allocated
    dataset : Bits Stored, High Bit and Pixel Representation
    lossless : whether every bit came back; if not, the bits above have leaked into those below

    Returns
    -------
    `stored` itself where every value is one that fits, otherwise a new array.

    Raises
    ------
    PixelDataUndecodable
        Values need more bits than are stored and cannot be told from what stands above them.
    ValueError
        Bits Stored is none that these pixels can have.
    """
    bits, width = int(dataset.BitsStored), 8 * stored.dtype.itemsize
    if not 1 <= bits <= width:
        raise ValueError("Bits Stored is not between 1 and Bits Allocated")
    signed = int(dataset.PixelRepresentation) == 1
    # JPEG has no sign, and some decoders give what stands there as it is.
    byte_order, size = stored.dtype.byteorder, stored.dtype.itemsize
    stored = stored.view(np.dtype(f"{byte_order}{'i' if signed else 'u'}{size}"))
    if bits == width:
        return stored
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if lowest <= stored.min() and stored.max() <= highest:
        return stored
    if not lossless:
        raise PixelDataUndecodable(
            "Values of a lossy compression need more bits than Bits Stored", bits_stored=bits
        )
    high_bit = int(dataset.get("HighBit", bits - 1))
    if high_bit != bits - 1:
        raise PixelDataUndecodable(
            "Bits Stored and High Bit contradict each other", bits_stored=bits, high_bit=high_bit
        )
    shifted = np.left_shift(stored, width - bits)
    return np.right_shift(shifted, width - bits)  # of a signed kind, the sign comes down with it
