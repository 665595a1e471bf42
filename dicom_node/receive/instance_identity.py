"""Reads from an encoded data set the identity that storing an instance needs.

PS3.5 Section 7 (the data set), PS3.3 C.7.1.1, C.7.2.1, C.7.3.1 and C.12.1 (patient, study, series
and SOP common modules). Only the needed elements are decoded, never the pixel data, and every
length is bounded, because the bytes are not trusted: docs/decisions/0010-receiving.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag

from dicom_node.library_faults import PYDICOM_FAULTS
from dicom_node.receive.encoded_data_set import HEAD_BYTES, CountedReads, EncodedDataSet
from dicom_node.receive.plain_head import Elements, read_plain_head
from radiology.arrivals.place import ImagePlace, image_place
from radiology.errors import AttributeMissing, DataSetUnreadable
from radiology.identity import checked_uid
from settings.peers import RequestPriority

_PLAIN_HEAD_BYTES: Final = 16 * 1024
_USUAL_HEAD_BYTES: Final = 64 * 1024
_MOST_ELEMENTS: Final = 20_000  # a CT image has about a hundred of them up to the last that we need
# Those within sequences count here: two or three for each element and for each item. Eight
# megabytes of empty items would take half a minute and 600 MB.
_MOST_READS: Final = 5 * _MOST_ELEMENTS
_LONGEST_REQUEST_BYTES: Final = 64 * 1024  # of all requests that an image answers

# Of a data set as it comes: memory, because a peer may state any length. Warnings are errors in our
# tests only.
UNREADABLE: Final = (*PYDICOM_FAULTS, MemoryError, Warning)

# PS3.5 Table 6.2-1: VRs whose bytes are numbers, whatever element has them.
_NUMBERS: Final = frozenset(
    ("AT", "FD", "FL", "OD", "OF", "OL", "OV", "SL", "SQ", "SS", "SV", "UL", "US", "UV")
)
_DELIMITERS: Final = set(b"\r\n\t\f")  # PS3.5 Section 6.1.2.5.3

# PS3.3 C.12.1.1.2: repertoires in which the bytes below 128 are ASCII
_ASCII_BELOW: Final = frozenset(("", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192"))
_NOTHING: Final = (None, b"")

_SPECIFIC_CHARACTER_SET = 0x00080005
_SOP_CLASS_UID = 0x00080016
_SOP_INSTANCE_UID = 0x00080018
_ACCESSION_NUMBER = 0x00080050
_PATIENT_ID = 0x00100020
_ISSUER_OF_PATIENT_ID = 0x00100021
_PATIENT_SEX = 0x00100040
_PATIENT_AGE = 0x00101010
_STUDY_INSTANCE_UID = 0x0020000D
_SERIES_INSTANCE_UID = 0x0020000E
_INSTANCE_NUMBER = 0x00200013
_IMAGE_POSITION_PATIENT = 0x00200032
_IMAGE_ORIENTATION_PATIENT = 0x00200037
_NUMBER_OF_SERIES_RELATED_INSTANCES = 0x00201209
_REQUEST_ATTRIBUTES_SEQUENCE = 0x00400275
_REQUESTED_PROCEDURE_PRIORITY = 0x00401003  # the last one that we need

_NEEDED: Final[Sequence[int]] = (
    _SOP_CLASS_UID,
    _SOP_INSTANCE_UID,
    _ACCESSION_NUMBER,
    _PATIENT_ID,
    _ISSUER_OF_PATIENT_ID,
    _PATIENT_SEX,
    _PATIENT_AGE,
    _STUDY_INSTANCE_UID,
    _SERIES_INSTANCE_UID,
    _INSTANCE_NUMBER,
    _IMAGE_POSITION_PATIENT,
    _IMAGE_ORIENTATION_PATIENT,
    _NUMBER_OF_SERIES_RELATED_INSTANCES,
    _REQUEST_ATTRIBUTES_SEQUENCE,
    _REQUESTED_PROCEDURE_PRIORITY,
)


_READ: Final = frozenset((*_NEEDED, _SPECIFIC_CHARACTER_SET))
_STATE_PRIORITY: Final = frozenset((_REQUEST_ATTRIBUTES_SEQUENCE, _REQUESTED_PROCEDURE_PRIORITY))


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """The UIDs of an instance, all valid, and the identifiers and the priority that it carries."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    accession_number: str
    patient_sex: str
    patient_age: str
    priority: RequestPriority | None  # None: not stated, or not a known term
    place: ImagePlace


def read_identity(encoded: EncodedDataSet) -> InstanceIdentity:
    """Read what storing an instance needs, and check that its end has come.

    Raises
    ------
    DataSetUnreadable
        The bytes are not a data set, or it ends in the middle of an element.
    AttributeMissing
        A UID is missing or empty.
    InvalidUid
        A UID breaks PS3.5 Section 9.1.
    """
    try:
        head = _read_head(encoded)
        encoded.check_end(head.end, head.is_implicit_vr, head.is_little_endian)
        return _identity(head)
    except UNREADABLE as error:
        raise DataSetUnreadable(cause=type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class _Head:
    """The needed elements, however they were read.

    Attributes
    ----------
    stating : has the elements that may state a priority; None where there is none
    end : the offset of the first element that was not looked at
    """

    elements: Elements
    stating: Dataset | None
    end: int
    is_implicit_vr: bool
    is_little_endian: bool

    def value(self, tag: int) -> bytes:
        """The bytes of an element; none where it is not there."""
        return self.elements.get(tag, _NOTHING)[1]


def _read_head(encoded: EncodedDataSet) -> _Head:
    """Read as far as is needed; mostly that is in the first few kilobytes, and plain."""
    if encoded.is_plain:
        head = encoded.head(_PLAIN_HEAD_BYTES)
        plain = read_plain_head(head, _READ, _REQUESTED_PROCEDURE_PRIORITY, _MOST_ELEMENTS)
        if plain is not None:
            elements, end = plain
            return _Head(elements, _stating(elements), end, False, True)
    with contextlib.suppress(*UNREADABLE):
        stop = _StopAfterNeeded()
        data_set, end = _read(encoded, _USUAL_HEAD_BYTES, stop)
        if stop.reached:
            return _head_of(data_set, end)
    return _head_of(*_read(encoded, HEAD_BYTES, _StopAfterNeeded()))


def _stating(elements: Elements) -> Dataset | None:
    """What may state a priority, as pydicom holds it before it is decoded."""
    raw = {}
    for tag in _STATE_PRIORITY & elements.keys():
        vr, value = elements[tag]
        raw[Tag(tag)] = RawDataElement(
            Tag(tag), vr, len(value), value or None, 0, False, True, True
        )
    if not raw:
        return None
    data_set = Dataset({**raw})
    data_set.set_original_encoding(False, True)
    return data_set


def _head_of(data_set: Dataset, end: int) -> _Head:
    elements: Elements = {}
    for tag in _READ:
        element: RawDataElement | DataElement | None = data_set.get_item(tag)
        if element is not None and isinstance(element.value, bytes):
            elements[tag] = element.VR, element.value
    is_implicit_vr, is_little_endian = data_set.original_encoding
    return _Head(elements, data_set, end, bool(is_implicit_vr), bool(is_little_endian))


def _read(encoded: EncodedDataSet, length: int, stop: _StopAfterNeeded) -> tuple[Dataset, int]:
    stream = CountedReads(encoded.head(length), most=_MOST_READS)
    try:
        data_set = read_dataset(
            stream,
            encoded.is_implicit_vr,
            encoded.is_little_endian,
            stop_when=stop,
            specific_tags=list(_NEEDED),
        )
    finally:
        if stream.is_used_up:
            raise _too_many_elements()
    return data_set, stream.tell() if stop.reached else 0


class _StopAfterNeeded:
    """Ends reading behind the last needed element, and after absurdly many."""

    def __init__(self) -> None:
        self._seen = 0
        self.reached = False

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        self._seen += 1
        if self._seen > _MOST_ELEMENTS:
            raise _too_many_elements()
        self.reached = int(tag) > _REQUESTED_PROCEDURE_PRIORITY
        return self.reached


def _too_many_elements() -> DataSetUnreadable:
    return DataSetUnreadable("The data set has too many elements", limit=_MOST_ELEMENTS)


def _identity(head: _Head) -> InstanceIdentity:
    return InstanceIdentity(
        sop_class_uid=_uid(head, _SOP_CLASS_UID, "SOPClassUID"),
        sop_instance_uid=_uid(head, _SOP_INSTANCE_UID, "SOPInstanceUID"),
        study_instance_uid=_uid(head, _STUDY_INSTANCE_UID, "StudyInstanceUID"),
        series_instance_uid=_uid(head, _SERIES_INSTANCE_UID, "SeriesInstanceUID"),
        # The lengths are those of the table; too long values occur and must not cost a study.
        patient_id=_text(head, _PATIENT_ID, 64),
        issuer_of_patient_id=_text(head, _ISSUER_OF_PATIENT_ID, 64),
        accession_number=_text(head, _ACCESSION_NUMBER, 64),
        patient_sex=_text(head, _PATIENT_SEX, 16),
        patient_age=_text(head, _PATIENT_AGE, 4),
        priority=None if head.stating is None else _priority(head.stating),
        place=image_place(
            number=_text(head, _INSTANCE_NUMBER, 16),
            position=_text(head, _IMAGE_POSITION_PATIENT, 128),
            orientation=_text(head, _IMAGE_ORIENTATION_PATIENT, 128),
            claimed=_text(head, _NUMBER_OF_SERIES_RELATED_INSTANCES, 16),
        ),
    )


def _uid(head: _Head, tag: int, keyword: str) -> str:
    text = head.value(tag).decode("ascii", "replace").strip("\0 ")
    if not text:
        raise AttributeMissing(f"{keyword} is missing", keyword=keyword)
    return checked_uid(text, keyword)


def _text(head: _Head, tag: int, length: int) -> str:
    """A short text, in the character set that the data set names (PS3.3 C.12.1.1.2).

    None where the VR says that the bytes are a number and no text.
    """
    vr, value = head.elements.get(tag, _NOTHING)
    if not value or vr in _NUMBERS:
        return ""
    terms = _terms(head.value(_SPECIFIC_CHARACTER_SET))
    if value.isascii() and b"\x1b" not in value and _ASCII_BELOW.issuperset(terms):
        text = value.decode("ascii")
    else:
        text = _decoded(value, terms)
    if not text.isprintable():
        text = "".join(letter for letter in text if letter.isprintable())
    return text.strip()[:length]


@lru_cache(maxsize=64)
def _terms(value: bytes) -> tuple[str, ...]:
    return tuple(one.strip() for one in value.decode("ascii", "replace").split("\\"))


def _decoded(value: bytes, terms: Sequence[str]) -> str:
    try:  # as the worker reads it later: whose study it is, is compared
        text: str = decode_bytes(value, convert_encodings([*terms]), _DELIMITERS)
    except UNREADABLE:
        text = value.decode("iso8859")
    return text


def _priority(data_set: Dataset) -> RequestPriority | None:
    """Requested Procedure Priority, of the data set itself or of a request in it."""
    stated = [data_set]
    # Parsing the sequence happens here: pydicom keeps it encoded until it is asked for.
    requests: RawDataElement | DataElement | None = data_set.get_item(_REQUEST_ATTRIBUTES_SEQUENCE)
    if requests is not None and _is_read(requests.value):
        stated += list(data_set[_REQUEST_ATTRIBUTES_SEQUENCE].value or ())
    terms = {str(item.get("RequestedProcedurePriority", "")).strip().upper() for item in stated}
    return next((priority for priority in RequestPriority if priority.value in terms), None)


def _is_read(requests: object) -> bool:
    """Whether a sequence is read already, or short enough to be."""
    return not isinstance(requests, bytes) or len(requests) <= _LONGEST_REQUEST_BYTES
