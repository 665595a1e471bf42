"""Walks over encoded data elements without decoding them, to find where a data set is truncated.

PS3.5 Section 7.1.2 and 7.1.3 (element encodings), 7.5 (sequences, items and their delimiters).
The walk neither recurses nor allocates, so that no nesting or length can hurt it. What it cannot
follow (an unknown value representation, say) it leaves to the reader: only a certain cut is an
error.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from radiology.errors import DataSetUnreadable

ReadAt = Callable[[int, int], bytes]

_UNDEFINED: Final = 0xFFFFFFFF
_ITEMS_AND_DELIMITERS: Final = 0xFFFE  # the group of those that have no VR
_MOST_ELEMENTS: Final = 2_000_000  # an Enhanced CT of 4000 frames has a tenth of this

# PS3.5 Section 7.1.2: these have a length of 32 bits after two reserved bytes.
_LONG: Final = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_SHORT: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())


class _Lost(Exception):
    """The walk met something that it cannot follow."""


def check_elements(
    read_at: ReadAt, offset: int, size: int, is_implicit_vr: bool, is_little_endian: bool
) -> None:
    """Check that every element behind `offset` ends within the data set.

    Parameters
    ----------
    read_at : gives bytes at an offset; none where they are not at hand, which ends the walk
    offset : where an element begins
    size : of the data set in bytes

    Raises
    ------
    DataSetUnreadable
        An element, an item or a sequence goes beyond the end.
    """
    read_header = _header_reader(read_at, is_implicit_vr, is_little_endian)
    try:
        for _ in range(_MOST_ELEMENTS):
            if size - offset < 8:
                break
            length, offset = read_header(offset)
            if length == _UNDEFINED:  # what is inside is walked over element by element
                continue
            if offset + length > size:
                raise DataSetUnreadable("The data set was cut off", size_bytes=size)
            offset += length
        else:
            raise DataSetUnreadable("The data set has too many elements", limit=_MOST_ELEMENTS)
    except _Lost:
        return
    # A last delimiter is sometimes left out by old writers, and pydicom does without it too; zeros
    # behind the last element are padding.
    if any(read_at(offset, size - offset)):
        raise DataSetUnreadable("The data set was cut off", size_bytes=size)


def _header_reader(
    read_at: ReadAt, is_implicit_vr: bool, is_little_endian: bool
) -> Callable[[int], tuple[int, int]]:
    order = "<" if is_little_endian else ">"
    with_long_length = struct.Struct(order + "HHL").unpack
    with_vr = struct.Struct(order + "HH2sH").unpack
    long_length = struct.Struct(order + "L").unpack

    def read_header(offset: int) -> tuple[int, int]:
        """The length, and where the value begins."""
        header = read_at(offset, 12)
        if len(header) < 8:
            raise _Lost
        group, _, length = with_long_length(header[:8])
        if group == _ITEMS_AND_DELIMITERS or is_implicit_vr:
            return length, offset + 8
        _, _, vr, length = with_vr(header[:8])
        if vr in _SHORT:
            return length, offset + 8
        if vr not in _LONG or len(header) < 12:
            raise _Lost
        return long_length(header[8:])[0], offset + 12

    return read_header
