"""WADO-RS, bulk data: the value of one attribute, at the address that the metadata give.

PS3.18 Section 10.4.1.1.4 (bulk data resources), 8.7.3.3. An attribute is named by its place within
the data set: tags, and numbers of the items between them, counted from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from starlette.responses import Response, StreamingResponse

from worklist.dicomweb.accepted import ANY, OCTETS, Accepted
from worklist.dicomweb.data_sets import FAULTS, damaged, read_data_set
from worklist.dicomweb.holdings import HeldFile
from worklist.dicomweb.multipart import AnswerPart, begun, multipart_answer
from worklist.dicomweb.pixels import PixelSource
from worklist.dicomweb.refusal import not_acceptable, not_held, wrong

_PLACE = re.compile(r"[0-9A-F]{8}(/[1-9][0-9]{0,5}/[0-9A-F]{8}){0,20}")
_PIXEL_DATA: Final = "7FE00010"


def bulk_data_answer(file: HeldFile, place: str, accepted: list[Accepted]) -> Response:
    """The value of an attribute; of pixel data every frame, decoded.

    Raises
    ------
    RequestRefused
        400: the place is none. 404: there is nothing. 406: anything but octets is asked for.
    """
    if not _PLACE.fullmatch(place):
        raise wrong("Bulk data are named by a tag of eight hexadecimal digits: bulkdata/7FE00010")
    wanted = next((one for one in accepted if one.kind in (OCTETS, "application/*", ANY)), None)
    if wanted is None:
        raise not_acceptable(
            "Bulk data can be had as application/octet-stream, alone or in multipart/related."
        )
    content = begun(_content(file, place))
    if wanted.multipart:
        return multipart_answer([AnswerPart(OCTETS, content)], kind=OCTETS)
    return StreamingResponse(content, media_type=OCTETS)


def _content(file: HeldFile, place: str) -> Iterator[bytes]:
    if place == _PIXEL_DATA:
        yield from PixelSource(file.path).all_decoded()
        return
    data_set: Dataset = read_data_set(file.path)
    *way, last = place.split("/")
    try:
        for tag, number in zip(way[::2], way[1::2], strict=True):
            data_set = data_set[int(tag, 16)].value[int(number) - 1]
        element = data_set[int(last, 16)]
        if element.VR == "SQ":
            raise KeyError(last)
        yield _bytes(element)
    except (KeyError, IndexError, TypeError) as error:
        raise not_held("There is no such attribute in this instance.") from error
    except FAULTS as error:
        raise damaged(file.path, error) from error


def _bytes(element: DataElement) -> bytes:
    """The value as it is encoded in Explicit VR Little Endian, without its header."""
    if isinstance(element.value, bytes):
        return element.value
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, True
    write_data_element(written, element, ["utf_8"])
    return written.getvalue()[8:]  # PS3.5 Section 7.1.3: tag and length
