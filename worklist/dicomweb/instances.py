"""WADO-RS, instances: files as they are stored, or in Explicit VR Little Endian.

PS3.18 Section 10.4.3 (Retrieve Transaction Response), 8.7.3.5.2 and Table 8.7.3-5 (transfer
syntaxes: the default is Explicit VR Little Endian, `*` is whatever is stored). Files are sent in
pieces; one that has to be decoded is held in memory alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian
from starlette.responses import Response, StreamingResponse

from worklist.dicomweb.accepted import ANY, DICOM, Accepted
from worklist.dicomweb.data_sets import FAULTS, damaged, read_some
from worklist.dicomweb.holdings import HeldFile, HeldFiles
from worklist.dicomweb.multipart import AnswerPart, multipart_answer
from worklist.dicomweb.pixels import PixelSource, is_decodable
from worklist.dicomweb.refusal import not_acceptable

_PIECE_BYTES: Final = 256 * 1024
_DEFAULT: Final = str(ExplicitVRLittleEndian)
# PS3.5 Section 6.2: VRs whose values are strings of words.
_WORDS: Final = {"OW": "u2", "OL": "u4", "OF": "u4", "OD": "u8", "OV": "u8"}
_KINDS: Final = (DICOM, "application/*", ANY)


def instances_answer(found: HeldFiles, accepted: list[Accepted]) -> Response:
    """The instances, as the first media type that they can all be had in.

    Raises
    ------
    RequestRefused
        406: there is none.
    """
    for wanted in accepted:
        if wanted.kind not in _KINDS:
            continue
        if wanted.multipart is False and len(found.files) > 1:
            continue  # a single part holds a single instance
        as_stored = _as_stored(found, wanted.transfer_syntax_uid)
        if as_stored is None:
            continue
        if not as_stored:
            _check_sizes(found)
        if wanted.multipart is False:
            (only,) = found.files
            return StreamingResponse(
                _content(only, as_stored=as_stored), media_type=DICOM, status_code=found.status
            )
        parts = (_part(one, as_stored=as_stored) for one in found.files)
        return multipart_answer(parts, kind=DICOM, status=found.status)
    raise not_acceptable(
        'Instances can be had as multipart/related; type="application/dicom", in Explicit VR '
        "Little Endian or, with transfer-syntax=*, as they are stored."
    )


def _as_stored(found: HeldFiles, syntax: str) -> bool | None:
    """Whether the files are sent as they are; None when they cannot be had in this syntax."""
    if syntax == "*":
        return True
    stored = {transfer_syntax_of(one) for one in found.files}
    if stored == {syntax}:
        return True
    if syntax in ("", _DEFAULT) and all(is_decodable(UID(one)) for one in stored):
        return False
    return None


def _check_sizes(found: HeldFiles) -> None:
    """Refuse, before anything is sent, what would take too much memory when it is decoded."""
    for file in found.files:
        if UID(transfer_syntax_of(file)).is_encapsulated:
            PixelSource(file.path).check_size()


def transfer_syntax_of(file: HeldFile) -> str:
    """The transfer syntax in which an instance is stored."""
    if file.held.transfer_syntax_uid:
        return file.held.transfer_syntax_uid
    return str(read_some(file.path, [0x00080018]).file_meta.get("TransferSyntaxUID", ""))


def _part(file: HeldFile, *, as_stored: bool) -> AnswerPart:
    syntax = transfer_syntax_of(file) if as_stored else _DEFAULT
    return AnswerPart(f"{DICOM}; transfer-syntax={syntax}", _content(file, as_stored=as_stored))


def _content(file: HeldFile, *, as_stored: bool) -> Iterator[bytes]:
    if as_stored or transfer_syntax_of(file) == _DEFAULT:
        with file.path.open("rb") as opened:
            while piece := opened.read(_PIECE_BYTES):
                yield piece
        return
    yield _decoded(file)


def _decoded(file: HeldFile) -> bytes:
    """The instance in Explicit VR Little Endian (PS3.10), under its own UID: nothing is lost."""
    try:
        data_set = dcmread(file.path)
        if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
            data_set.decompress(generate_instance_uid=False)
        meta = data_set.file_meta
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        whole = data_set if data_set.original_encoding[1] else _little_endian(data_set)
        written = io.BytesIO()
        whole.file_meta = meta
        whole.save_as(written, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except FAULTS as error:
        raise damaged(file.path, error) from error
    return written.getvalue()


def _little_endian(data_set: Dataset) -> Dataset:
    """A copy of a big-endian data set whose words have the low byte first (PS3.5 Section 7.3)."""
    turned = Dataset()
    for element in data_set:
        if element.VR == "SQ":
            turned.add_new(element.tag, "SQ", [_little_endian(item) for item in element.value])
            continue
        words = _WORDS.get(element.VR)
        value = element.value
        if words is not None and isinstance(value, bytes):
            value = np.frombuffer(value, words).byteswap().tobytes()
        turned.add_new(element.tag, element.VR, value)
    return turned
