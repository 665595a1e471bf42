"""Compares an object that a PACS gave back with the one that we sent: pixels, content, and names.

A PACS may change whom an object names, to bring it in line with what it holds of patient and order
(IHE calls it reconciliation), and add attributes of its own. It may not change anything else.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag, Tag

from dicom_node.receive.instance_identity import UNREADABLE

_PIXEL_DATA: Final = Tag(0x7FE0, 0x0010)
_GROUP_LENGTH: Final = 0x0000
# Patient and Study modules, and the request (PS3.3 C.7.1, C.7.2, Table 10-9): what PACS reconciles
_RECONCILED: Final = frozenset(
    (
        "AccessionNumber",
        "IssuerOfAccessionNumberSequence",
        "InstitutionName",
        "ReferringPhysicianName",
        "StudyDate",
        "StudyTime",
        "StudyDescription",
        "StudyID",
        "ProcedureCodeSequence",
        "ReferencedStudySequence",
        "RequestAttributesSequence",
        "ReferencedRequestSequence",
        "SpecificCharacterSet",
        "TimezoneOffsetFromUTC",
    )
)
_PATIENT_GROUP: Final = 0x0010


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two objects differ; keywords only, for the values may name somebody.

    Attributes
    ----------
    pixels : whether a voxel, or the number of them, differs
    content : attributes of ours that are missing or say something else
    reconciled : attributes of patient, study and order that say something else
    """

    pixels: bool
    content: tuple[str, ...]
    reconciled: tuple[str, ...]

    @property
    def is_harmful(self) -> bool:
        """Whether a reader would see something else than was sent."""
        return self.pixels or bool(self.content)


def compare_objects(ours: Path, theirs: bytes) -> Difference:
    """Compare two DICOM files, whatever their transfer syntaxes.

    Raises
    ------
    ValueError
        What came back is not a DICOM file, or its pixels cannot be decoded.
    """
    sent = dcmread(ours)
    try:
        back = dcmread(io.BytesIO(theirs))
        different = [
            tag for tag in sorted(sent.keys()) if tag != _PIXEL_DATA and _differs(sent, back, tag)
        ]
        pixels = _PIXEL_DATA in sent and not _same_pixels(sent, back)
    except (*UNREADABLE, RuntimeError) as error:
        raise ValueError(f"it cannot be read: {type(error).__name__}") from error
    names = {tag: keyword_for_tag(tag) or str(tag) for tag in different}
    reconciled = {
        tag for tag, name in names.items() if tag.group == _PATIENT_GROUP or name in _RECONCILED
    }
    return Difference(
        pixels,
        tuple(names[tag] for tag in different if tag not in reconciled),
        tuple(names[tag] for tag in different if tag in reconciled),
    )


def _differs(sent: Dataset, back: Dataset, tag: BaseTag) -> bool:
    if tag.element == _GROUP_LENGTH:
        return False
    if tag not in back:
        return not sent[tag].is_empty
    return bool(sent[tag].value != back[tag].value)


def _same_pixels(sent: Dataset, back: Dataset) -> bool:
    if _PIXEL_DATA not in back:
        return False
    syntaxes = [one.file_meta.TransferSyntaxUID for one in (sent, back)]
    if syntaxes[0] == syntaxes[1] or not any(one.is_compressed for one in syntaxes):
        return bool(sent.PixelData == back.PixelData)
    return np.array_equal(sent.pixel_array, back.pixel_array)
