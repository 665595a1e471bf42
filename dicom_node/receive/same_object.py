"""Decides whether two encodings are the same object: equal attributes, equal pixels.

PS3.3 C.12.1 (a SOP Instance UID names one object), PS3.5 Annex A (the same data set in different
transfer syntaxes). A PACS that sends an instance again may compress it, or write lengths and
padding another way; that is a duplicate. Anything that cannot be shown to be equal is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from dicom_node.receive.instance_identity import UNREADABLE

_LARGEST_BYTES: Final = 512 * 1024 * 1024
_PIXEL_DATA = 0x7FE00010
_TRAILING_PADDING = 0xFFFCFFFC  # PS3.10 Section 7.2, Data Set Trailing Padding


def is_same_object(stored: Path, received: Path) -> bool:
    """Compare two DICOM files by what they mean.

    Parameters
    ----------
    stored, received : files with file meta information; their bytes differ

    Returns
    -------
    True only when every attribute is equal and the decoded pixels are. A lossy copy, an edited
    name, or a file that cannot be read are False.
    """
    try:
        first, second = dcmread(stored), dcmread(received)
        if max(_pixel_bytes(first), _pixel_bytes(second)) > _LARGEST_BYTES:
            return False
        return _attributes(first) == _attributes(second) and _same_pixels(first, second)
    except UNREADABLE:
        return False


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
    return np.array_equal(first.pixel_array, second.pixel_array)


def _attributes(data_set: Dataset) -> bytes:
    """All attributes but the pixels in one encoding, so that they can be compared."""
    plain = Dataset()
    for element in data_set:
        if element.tag.element != 0 and element.tag not in (_PIXEL_DATA, _TRAILING_PADDING):
            plain.add(element)
    _use_defined_lengths(plain)
    written = DicomBytesIO()
    written.is_little_endian = True
    written.is_implicit_VR = True
    write_dataset(written, plain)
    return written.getvalue()


def _use_defined_lengths(data_set: Dataset) -> None:
    for element in data_set:
        element.is_undefined_length = False
        if element.VR == "SQ":
            for item in element.value:
                item.is_undefined_length_sequence_item = False
                _use_defined_lengths(item)
