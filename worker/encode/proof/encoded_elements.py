"""Reads data elements as they lie in a file: no value is decoded, and no library of DICOM is used.

PS3.10 Section 7.1 (file meta information), PS3.5 Section 7.1 (elements), 7.5 (sequences), A.5
(deflate). The objects are made with pydicom, so what proves them does not use it: an element that
it drops on both sides would be missed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap
from typing import Final

from radiology.errors import ResultMismatch

_PREAMBLE: Final = 128
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_TRANSFER_SYNTAX: Final = 0x00020010
_IMPLICIT: Final = "1.2.840.10008.1.2"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
# PS3.5 Section 7.1.2: these have two reserved bytes and a length of 32 bits.
_LONG: Final = (
    *(b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ"),
    *(b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"),
)
_WIDTHS: Final = {  # PS3.5 Table 6.2-1: bytes of one number, which come the other way round
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}


Content = bytes | memoryview | mmap


@dataclass(frozen=True, slots=True)
class Encoded:
    """One element: its VR as the file states it ("" where it states none), and its value.

    `items` are those of a sequence; a value that only looks like one has both.
    """

    vr: str
    value: bytes
    items: tuple[Mapping[int, Encoded], ...] = ()


@dataclass(frozen=True, slots=True)
class _Syntax:
    explicit: bool = True
    little: bool = True

    @property
    def order(self) -> str:
        return "<" if self.little else ">"


def encoded_elements(content: Content, last: int) -> dict[int, Encoded]:
    """The elements of a DICOM file by tag, those of the file meta information among them.

    Parameters
    ----------
    content : the file
    last : the last tag that is wanted; what lies behind it is not looked at

    Raises
    ------
    ResultMismatch
        The bytes are not a DICOM file, or end before the last element.
    """
    data = content
    try:
        if data[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
            raise ValueError("no DICM prefix")
        meta, begin = _elements(data, _PREAMBLE + 4, len(data), _Syntax(), last=0x0002FFFF)
        named = meta[_TRANSFER_SYNTAX].value.strip(b" \0").decode("ascii")
        if named == _DEFLATED:
            data, begin = zlib.decompress(data[begin:], -zlib.MAX_WBITS), 0
        syntax = _Syntax(explicit=named != _IMPLICIT, little=named != _BIG_ENDIAN)
        found, _ = _elements(data, begin, len(data), syntax, last)
    except (KeyError, ValueError, RecursionError, struct.error, zlib.error) as error:
        raise ResultMismatch("A file is not in the DICOM format", cause=type(error).__name__) from (
            None
        )
    return meta | found


def _elements(
    data: Content, at: int, end: int, syntax: _Syntax, last: int = 0xFFFFFFFF
) -> tuple[dict[int, Encoded], int]:
    """The elements from `at` to `end`, to an item delimiter, or to the last one wanted."""
    found: dict[int, Encoded] = {}
    while end - at >= 8:
        tag, vr, length, begin = _header(data, at, syntax)
        if tag == _ITEM_END:
            return found, begin
        if tag > last:
            return found, at
        if length == _UNDEFINED:
            # PS3.5 Section 6.2.2, note 4: UN of unknown length is a sequence in implicit VR.
            inner = _Syntax(explicit=False) if vr == "UN" else syntax
            items, at = _items(data, begin, end, inner)
            found[tag] = Encoded(vr, b"", items)
            continue
        if begin + length > end:
            raise ValueError("an element goes beyond the end")
        value = bytes(data[begin : begin + length])
        found[tag] = Encoded(vr, _in_little_endian(value, vr, syntax), _looked_into(value, syntax))
        at = begin + length
    return found, at


def _header(data: Content, at: int, syntax: _Syntax) -> tuple[int, str, int, int]:
    """Tag, VR, length, and where the value begins."""
    order = syntax.order
    group, element, length = struct.unpack_from(f"{order}HHL", data, at)
    tag = group << 16 | element
    if group == 0xFFFE or not syntax.explicit:
        return tag, "", length, at + 8
    vr = bytes(data[at + 4 : at + 6])
    if vr in _LONG:
        return tag, vr.decode("ascii"), struct.unpack_from(f"{order}L", data, at + 8)[0], at + 12
    length = struct.unpack_from(f"{order}H", data, at + 6)[0]
    return tag, vr.decode("ascii", "replace"), length, at + 8


def _items(
    data: Content, at: int, end: int, syntax: _Syntax
) -> tuple[tuple[Mapping[int, Encoded], ...], int]:
    """The items of a sequence to its delimiter, or to `end`."""
    found: list[Mapping[int, Encoded]] = []
    while end - at >= 8:
        tag, _, length, begin = _header(data, at, syntax)
        if tag == _SEQUENCE_END:
            return tuple(found), begin
        if tag != _ITEM:
            raise ValueError("a sequence holds what is no item")
        stop = end if length == _UNDEFINED else begin + length
        if stop > end:
            raise ValueError("an item goes beyond the end")
        item, at = _elements(data, begin, stop, syntax)
        found.append(item)
        at = at if length == _UNDEFINED else stop
    return tuple(found), at


def _looked_into(value: bytes, syntax: _Syntax) -> tuple[Mapping[int, Encoded], ...]:
    """The items of a value that begins like a sequence: implicit VR does not say what it is."""
    if len(value) < 8 or struct.unpack_from(f"{syntax.order}HH", value) != (0xFFFE, 0xE000):
        return ()
    try:
        return _items(value, 0, len(value), syntax)[0]
    except (ValueError, struct.error):
        return ()


def _in_little_endian(value: bytes, vr: str, syntax: _Syntax) -> bytes:
    width = 1 if syntax.little else _WIDTHS.get(vr, 1)
    return b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))
