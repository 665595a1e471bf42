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

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

_HEADER: Final = struct.Struct("<HH2sH")
_LENGTH: Final = struct.Struct("<L")
_LONG: Final = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UN", b"UT"))
_SHORT: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNDEFINED: Final = 0xFFFFFFFF
_FIRST_GROUP: Final = 0x0008  # lower ones are of commands and of file meta information


def read_plain_head(
    content: bytes, needed: Collection[int], last: int, most_elements: int
) -> tuple[Dataset, int] | None:
    """Read the needed elements up to the first one behind `last`.

    Parameters
    ----------
    content : the beginning of a data set in Explicit VR Little Endian
    needed : tags
    last : no tag behind this one is needed
    most_elements : a head with more is not plain

    Returns
    -------
    The needed elements, undecoded, and the offset of the first one behind `last`; None where
    anything is odd. An odd sequence among the needed ones is, unless it is empty.
    """
    found: dict[BaseTag, DataElement | RawDataElement] = {}
    at, before, size = 0, 0, len(content)
    for _ in range(most_elements):
        if size - at < 12:
            return None
        group, element, vr, length = _HEADER.unpack_from(content, at)
        tag = group << 16 | element
        if tag <= before or group < _FIRST_GROUP:
            return None
        if vr in _SHORT:
            begin = at + 8
        elif vr in _LONG:
            length, begin = _LENGTH.unpack_from(content, at + 8)[0], at + 12
        else:
            return None
        if tag > last:
            return _data_set(found), at
        if length == _UNDEFINED or begin + length > size or (vr == b"SQ" and tag in needed):
            return None
        if tag in needed:
            value = content[begin : begin + length] if length else None
            found[BaseTag(tag)] = RawDataElement(
                BaseTag(tag), vr.decode("ascii"), length, value, begin, False, True, True
            )
        at, before = begin + length, tag
    return None


def _data_set(found: dict[BaseTag, DataElement | RawDataElement]) -> Dataset:
    data_set = Dataset(found)
    data_set.set_original_encoding(False, True)
    return data_set
