"""Decides whether two encodings are the same object, or one image whose patient was corrected.

PS3.3 C.12.1 (a SOP Instance UID names one object), PS3.5 Annex A (the same data set in different
transfer syntaxes). A PACS that sends an instance again may compress it, or write lengths and
padding another way; that is a duplicate. Whoever corrects a Patient ID or an accession number at
the scanner or in PACS sends the same images under their old UIDs (IHE Patient Information
Reconciliation changes the attributes, and nothing else); that is a correction. Anything that cannot
be shown to be equal is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from dicom_node.receive.instance_identity import UNREADABLE
from radiology.image.stated_size import refuse_other_size

_LARGEST_BYTES: Final = 512 * 1024 * 1024
_PIXEL_DATA = 0x7FE00010
_PATIENT_ID = 0x00100020
_PATIENT_IDENTITY_REMOVED = 0x00120062
_TRAILING_PADDING = 0xFFFCFFFC  # PS3.10 Section 7.2, Data Set Trailing Padding


# What a correction changes: who the patient is, and which order the study answers.
_OF_PATIENT: Final = frozenset(
    (
        *(0x00080020, 0x00080030),  # Study Date, Study Time
        *(0x00080050, 0x00080051),  # Accession Number and its issuer
        *(0x00080090, 0x00080096, 0x0008009C, 0x0008009D),  # referring, consulting physician
        *(0x00081030, 0x00081032, 0x00081048, 0x00081049, 0x00081060, 0x00081062),  # the study
        *(0x00081080, 0x00081084, 0x00081110, 0x00081120),  # admission, references
        *(0x00200010, 0x00400275, 0x00401012),  # Study ID, Request Attributes, reason
    )
)
_PATIENT_GROUPS: Final = (0x0010, 0x0012, 0x0032, 0x0038)  # patient, trial, request, visit
# What may change with it: how text is encoded, who has changed it, and what it was before.
_BESIDE: Final = frozenset(
    (0x00080005, 0x00080012, 0x00080013, 0x00080014, 0x00080015, 0x0018A001, 0x04000561)
)


class Relation(Enum):
    """What a received object is to the stored one under its SOP Instance UID."""

    SAME = auto()
    CORRECTED = auto()  # the same image, of another patient or order
    OTHER = auto()


def relation_of(stored: Path, received: Path) -> Relation:
    """Compare two DICOM files by what they mean.

    Parameters
    ----------
    stored, received : files with file meta information; their bytes differ

    Returns
    -------
    SAME only when every attribute is equal and the decoded pixels are; CORRECTED when they differ
    in attributes of patient and order alone. A lossy copy, an edited window, a copy from which the
    patient was removed (it corrects nothing), or a file that cannot be read are OTHER.
    """
    try:
        first, second = dcmread(stored), dcmread(received)
        if max(_pixel_bytes(first), _pixel_bytes(second)) > _LARGEST_BYTES:
            return Relation.OTHER
        changed = _differing(_attributes(first), _attributes(second))
        if any(not _may_be_corrected(tag) for tag in changed) or not _same_pixels(first, second):
            return Relation.OTHER
    except UNREADABLE:
        return Relation.OTHER
    if not changed:
        return Relation.SAME
    if changed <= _BESIDE or (_PATIENT_ID in changed and not second.get("PatientID")):
        return Relation.OTHER
    return Relation.OTHER if _PATIENT_IDENTITY_REMOVED in changed else Relation.CORRECTED


def _may_be_corrected(tag: int) -> bool:
    return tag >> 16 in _PATIENT_GROUPS or tag in _OF_PATIENT or tag in _BESIDE


def _differing(first: Mapping[int, bytes], second: Mapping[int, bytes]) -> set[int]:
    return {tag for tag in first.keys() | second.keys() if first.get(tag) != second.get(tag)}


def _pixel_bytes(data_set: Dataset) -> int:
    frames = int(data_set.get("NumberOfFrames", 1) or 1)
    samples = int(data_set.get("SamplesPerPixel", 1))
    bits = int(data_set.get("BitsAllocated", 8))
    rows, columns = int(data_set.get("Rows", 0)), int(data_set.get("Columns", 0))
    return rows * columns * frames * samples * bits // 8


def _same_pixels(first: Dataset, second: Dataset) -> bool:
    if (_PIXEL_DATA in first) != (_PIXEL_DATA in second):
        return False
    if _PIXEL_DATA not in first:
        return True
    for one in (first, second):
        _refuse_other_sizes(one)
    return np.array_equal(first.pixel_array, second.pixel_array)


def _refuse_other_sizes(data_set: Dataset) -> None:
    """Refuse frames that would decode to more than `_pixel_bytes` says.

    Raises
    ------
    ValueError
        One would.
    """
    syntax = data_set.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return
    frames = int(data_set.get("NumberOfFrames", 1) or 1)
    for encoded in generate_frames(data_set.PixelData, number_of_frames=frames):
        refuse_other_size(
            encoded,
            syntax,
            rows=int(data_set.Rows),
            columns=int(data_set.Columns),
            frame_bytes=_pixel_bytes(data_set) // frames,
        )


def _attributes(data_set: Dataset) -> dict[int, bytes]:
    """Each attribute but the pixels in one encoding, so that they can be compared."""
    found = {}
    for element in data_set:
        if element.tag.element != 0 and element.tag not in (_PIXEL_DATA, _TRAILING_PADDING):
            plain = Dataset()
            plain.add(element)
            _use_defined_lengths(plain)
            found[int(element.tag)] = _encoded(plain)
    return found


def _encoded(plain: Dataset) -> bytes:
    written = DicomBytesIO()
    written.is_little_endian = True
    written.is_implicit_VR = True
    write_dataset(written, plain, parent_encoding="utf_8")
    return written.getvalue()


def _use_defined_lengths(data_set: Dataset) -> None:
    for element in data_set:
        element.is_undefined_length = False
        if element.VR == "SQ":
            for item in element.value:
                item.is_undefined_length_sequence_item = False
                _use_defined_lengths(item)
