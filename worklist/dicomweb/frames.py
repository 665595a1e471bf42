"""WADO-RS, frames: decoded to octets, or compressed as they are stored.

PS3.18 Section 10.4.1.1.3 (frame resources: a list of frame numbers), 8.7.3.3 (bulk data media
types) and Table 8.7.3-2 (media types of transfer syntaxes). One frame is held in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pydicom.uid import ExplicitVRLittleEndian
from starlette.responses import Response

from worklist.dicomweb.accepted import ANY, OCTETS, Accepted
from worklist.dicomweb.multipart import AnswerPart, multipart_answer
from worklist.dicomweb.pixels import PixelSource, is_decodable
from worklist.dicomweb.refusal import not_acceptable, wrong

_LIST = re.compile(r"[1-9][0-9]{0,6}(,[1-9][0-9]{0,6})*")
_MOST_FRAMES: Final = 10_000
_DECODED: Final = str(ExplicitVRLittleEndian)
# PS3.18 Table 8.7.3-2, by the part of the transfer syntax UID that says how it is compressed.
_MEDIA_TYPES: Final = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{one}" for one in (50, 51, 57, 70)), "image/jpeg"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{one}" for one in (80, 81)), "image/jls"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{one}" for one in (90, 91)), "image/jp2"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{one}" for one in (201, 202, 203)), "image/jphc"),
}
Frame = Callable[[int], bytes]


def frame_numbers(text: str) -> list[int]:
    """The frames that an address names, counted from 1.

    Raises
    ------
    RequestRefused
        400: it is no list of frame numbers, or an endless one.
    """
    if not _LIST.fullmatch(text):
        raise wrong("Frames are numbers from 1 on, with commas between: frames/1,2,3")
    numbers = [int(one) for one in text.split(",")]
    if len(numbers) > _MOST_FRAMES:
        raise wrong(f"At most {_MOST_FRAMES} frames can be asked for at a time.")
    if len(set(numbers)) != len(numbers):
        raise wrong("A frame is named twice.")
    return numbers


def frames_answer(source: PixelSource, numbers: list[int], accepted: list[Accepted]) -> Response:
    """The frames, as the first media type that they can be had in.

    Raises
    ------
    RequestRefused
        404: there is no such frame. 406: there is no such media type for them.
    """
    source.check(numbers)
    for wanted in accepted:
        chosen = _chosen(source, wanted)
        if chosen is None or (wanted.multipart is False and len(numbers) > 1):
            continue
        kind, syntax, frame = chosen
        if wanted.multipart is False:
            return Response(frame(numbers[0]), media_type=kind)
        content_type = f"{kind}; transfer-syntax={syntax}"
        parts = (AnswerPart(content_type, _pieces(frame, number)) for number in numbers)
        return multipart_answer(parts, kind=kind)
    raise not_acceptable(
        'Frames can be had as multipart/related; type="application/octet-stream", decoded or, with '
        "transfer-syntax=*, as they are stored"
        + (f", and as {media}." if (media := _media_type(source)) else ".")
    )


def _chosen(source: PixelSource, wanted: Accepted) -> tuple[str, str, Frame] | None:
    """Media type, transfer syntax and where a frame comes from; None where it cannot be had so."""
    stored = str(source.transfer_syntax)
    compressed = source.transfer_syntax.is_encapsulated
    asked = wanted.transfer_syntax_uid
    if wanted.kind in (OCTETS, "application/*", ANY):
        if compressed and asked in ("*", stored):
            return OCTETS, stored, source.as_stored
        if asked in ("", "*", _DECODED) and is_decodable(source.transfer_syntax):
            return OCTETS, _DECODED, source.decoded
        return None
    media = _media_type(source)
    if media and wanted.kind in (media, "image/*") and asked in ("", "*", stored):
        return media, stored, source.as_stored
    return None


def _media_type(source: PixelSource) -> str:
    return _MEDIA_TYPES.get(str(source.transfer_syntax), "")


def _pieces(frame: Frame, number: int) -> list[bytes]:
    return [frame(number)]
