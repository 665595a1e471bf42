"""The size that a compressed frame states of itself, held against the header before it is decoded.

A few hundred bytes may state a frame of gigabytes, and a decoder makes all of it, whatever Rows and
Columns say. ITU-T T.81 B.2.2 (JPEG), T.87 C.2.2 (JPEG-LS), T.800 A.5.1 and I.4 (JPEG 2000, also in
boxes, as some writers leave it), PS3.5 Annex G (RLE).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_RLE: Final = "1.2.840.10008.1.2.5"  # PS3.6 Table A-1: RLE Lossless
_JPEG: Final = b"\xff\xd8"  # start of image
_JPEG_2000: Final = b"\xff\x4f\xff\x51"  # start of codestream, image and tile size
_CODESTREAM: Final = b"jp2c"
_NO_FRAME: Final = (0xC4, 0xC8, 0xCC)  # among those of frames: tables, and one that is reserved
_JPEG_LS_FRAME: Final = 0xF7
_ALONE: Final = frozenset((0x00, 0x01, *range(0xD0, 0xD9)))  # markers without a length
_MOST_COMPONENTS: Final = 4


class StatedSize(NamedTuple):
    """What a frame of JPEG, JPEG-LS or JPEG 2000 says that it decodes to."""

    rows: int
    columns: int
    components: int


def refuse_other_size(
    encoded: bytes, transfer_syntax_uid: str, *, rows: int, columns: int, frame_bytes: int
) -> None:
    """Refuse a frame that would decode to something else than the header says.

    Parameters
    ----------
    encoded : one frame, whole
    transfer_syntax_uid : one of compressed frames
    rows, columns : of the header
    frame_bytes : of the decoded frame, by the header

    Raises
    ------
    ValueError
        It states another size, or none; or, of RLE, it is longer than it would be uncompressed.
    """
    if transfer_syntax_uid == _RLE:  # states none, and may grow by a factor of 64
        if len(encoded) > 2 * frame_bytes + 1024:
            raise ValueError("The compressed frame is longer than an uncompressed one")
        return
    stated = stated_size(encoded)
    if stated[:2] != (rows, columns) or stated.components > _MOST_COMPONENTS:
        raise ValueError("The compressed frame states another size than the header")


def stated_size(encoded: bytes) -> StatedSize:
    """The size in the header of a frame of JPEG, JPEG-LS or JPEG 2000.

    Raises
    ------
    ValueError
        It has none.
    """
    try:
        if encoded.startswith(_JPEG):
            return _of_jpeg(encoded)
        return _of_codestream(encoded, _codestream_at(encoded))
    except struct.error as error:
        raise ValueError("The compressed frame states no size") from error


def _of_jpeg(encoded: bytes) -> StatedSize:
    at = len(_JPEG)
    while True:
        at = encoded.find(b"\xff", at)  # decoders pass over what is no marker
        if at < 0:
            raise ValueError("The compressed frame states no size")
        (marker,) = struct.unpack_from(">B", encoded, at + 1)
        if marker == 0xFF:  # a marker may be filled up with these
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker == _JPEG_LS_FRAME or (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME):
            _, _, rows, columns, components = struct.unpack_from(">HBHHB", encoded, at + 2)
            return StatedSize(rows, columns, components)
        else:
            at += 2 + int(struct.unpack_from(">H", encoded, at + 2)[0])


def _codestream_at(encoded: bytes) -> int:
    at = 0
    while encoded[at : at + len(_JPEG_2000)] != _JPEG_2000:
        length, kind = struct.unpack_from(">L4s", encoded, at)
        header = 8
        if length == 1:
            (length,), header = struct.unpack_from(">Q", encoded, at + 8), 16
        if kind != _CODESTREAM and length < header:
            raise ValueError("The compressed frame states no size")
        at += header if kind == _CODESTREAM else length
    return at


def _of_codestream(encoded: bytes, at: int) -> StatedSize:
    """Length, capabilities, extent and offset of the image, four numbers of its tiles."""
    right, bottom, left, top, components = struct.unpack_from(
        ">4x4L16xH", encoded, at + len(_JPEG_2000)
    )
    return StatedSize(bottom - top, right - left, components)
