"""The head of a data set where it is as plain as those of scanners are.

PS3.5 Section 7.1.2 (Explicit VR Little Endian). pydicom reads any head, and what it reads counts;
this reads the same of a head in which nothing is odd, without an object for each element. Where
anything is odd it reads nothing: an unknown VR, an element out of order, an item, an undefined
length, an element that goes beyond what is at hand.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Final

_HEADER: Final = struct.Struct("<HH2sH")
_LENGTH: Final = struct.Struct("<L")
_LONG: Final = b"OB OD OF OL OV OW SQ UN UT".split()
_SHORT: Final = b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()
_VRS: Final = {vr: (vr.decode(), vr in _LONG) for vr in (*_LONG, *_SHORT)}
_UNDEFINED: Final = 0xFFFFFFFF
_BEFORE_FIRST: Final = 0x0007FFFF  # lower groups are of commands and of file meta information
_LONGEST_HEADER: Final = 12

Elements = dict[int, tuple[str | None, bytes]]
"""Elements by tag: each with its VR (None where it is implicit) and its value, not decoded."""


def read_plain_head(
    content: bytes, needed: Collection[int], last: int, most_elements: int
) -> tuple[Elements, int] | None:
    """Read the needed elements up to the first one behind `last`.

    Parameters
    ----------
    content : the beginning of a data set in Explicit VR Little Endian
    needed : tags
    last : no tag behind this one is needed
    most_elements : a head with more is not plain

    Returns
    -------
    The needed elements, and the offset of the first one behind `last`; None where anything is odd.
    """
    found: Elements = {}
    read_header, read_length = _HEADER.unpack_from, _LENGTH.unpack_from
    at, before, size = 0, _BEFORE_FIRST, len(content)
    for _ in range(most_elements):
        if size - at < _LONGEST_HEADER:
            return None
        group, element, code, length = read_header(content, at)
        tag = group << 16 | element
        if tag <= before or code not in _VRS:
            return None
        vr, is_long = _VRS[code]
        begin = at + 8
        if is_long:
            length, begin = read_length(content, begin)[0], at + _LONGEST_HEADER
        if tag > last:
            return found, at
        end = begin + length
        if length == _UNDEFINED or end > size:
            return None
        if tag in needed:
            found[tag] = vr, content[begin:end]
        at, before = end, tag
    return None
