"""A DICOM file that arrives piece by piece: its file meta information, then its data set.

PS3.10 Section 7.1 (preamble, prefix, Table 7.1-1). A part of a STOW-RS request is such a file. Only
the meta information is held in memory; it is read here, because its bytes are a stranger's, and
written anew, so that a stored instance is the same through whichever door it came.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from radiology.errors import DataSetUnreadable

MOST_META_BYTES: Final = 64 * 1024  # it is a few hundred bytes
_PREAMBLE_BYTES: Final = 128
_PREFIX: Final = b"DICM"
_GROUP: Final = 0x0002
_LONG: Final = frozenset((b"OB", b"OW", b"UN", b"UT", b"SQ", b"OD", b"OF", b"OL", b"UC", b"UR"))
_SOP_CLASS, _SOP_INSTANCE, _SYNTAX = 0x0002, 0x0003, 0x0010
_NEEDED: Final = (_SOP_CLASS, _SOP_INSTANCE, _SYNTAX)


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What a file says of its instance before the data set.

    Attributes
    ----------
    end : where the data set begins
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    end: int


def read_file_meta(begun: bytes, *, is_whole: bool) -> FileMeta | None:
    """Read the file meta information of a file of which the beginning has come.

    Parameters
    ----------
    begun : the first bytes
    is_whole : no more will come

    Returns
    -------
    None when more bytes are needed.

    Raises
    ------
    DataSetUnreadable
        It is no DICOM file, or lacks what the standard demands.
    """
    head = _PREAMBLE_BYTES + len(_PREFIX)
    if len(begun) >= head and begun[_PREAMBLE_BYTES:head] != _PREFIX:
        raise DataSetUnreadable("This is no DICOM file: it lacks the prefix DICM")
    values: dict[int, str] = {}
    offset = head
    while offset + 8 <= len(begun) and _group(begun, offset) == _GROUP:
        element, vr, length, start = _header(begun, offset)
        if start + length > MOST_META_BYTES:
            raise DataSetUnreadable("The file meta information is too long", limit=MOST_META_BYTES)
        if start + length > len(begun):
            break
        if element in _NEEDED and vr == b"UI":
            values[element] = begun[start : start + length].decode("ascii", "replace").strip("\0 ")
        offset = start + length
    else:
        if offset + 8 <= len(begun) or (is_whole and offset <= len(begun)):
            return _meta(values, offset)
    if is_whole:
        raise DataSetUnreadable("The file ends within its file meta information")
    if len(begun) > MOST_META_BYTES:
        raise DataSetUnreadable("The file meta information is too long", limit=MOST_META_BYTES)
    return None


def _group(begun: bytes, offset: int) -> int:
    return int(struct.unpack_from("<H", begun, offset)[0])


def _header(begun: bytes, offset: int) -> tuple[int, bytes, int, int]:
    """Element number, VR, length, and where the value begins (Explicit VR Little Endian)."""
    _, element, vr, short = struct.unpack_from("<HH2sH", begun, offset)
    if vr not in _LONG:
        return element, vr, short, offset + 8
    if offset + 12 > len(begun):
        return element, vr, 0, len(begun) + 1  # its length has not come yet
    return element, vr, struct.unpack_from("<L", begun, offset + 8)[0], offset + 12


def _meta(values: dict[int, str], end: int) -> FileMeta:
    if not all(values.get(one) for one in _NEEDED):
        raise DataSetUnreadable(
            "The file meta information lacks SOP class, SOP Instance UID or transfer syntax"
        )
    return FileMeta(values[_SOP_CLASS], values[_SOP_INSTANCE], values[_SYNTAX], end)
