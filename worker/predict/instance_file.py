"""Decides whether a file is a DICOM instance, and of which study. PS3.10 Section 7.1.

What `firstread predict` and the upload page read is held to the same rules about UIDs as what comes
by C-STORE: one study must not be readable here and refused there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage

from radiology.errors import AttributeMissing, SettingsRefused
from radiology.identity import checked_uid
from worker.series.read_series import ReadInstance, read_instances

WITHOUT_PREAMBLE: Final = (
    "a DICOM data set without the preamble that a DICOM file begins with; export it again as a "
    "DICOM file"
)

_PREFIX_AT, _PREFIX = 128, b"DICM"  # PS3.10 Section 7.1
# What data sets begin with: File Meta Information, Length to End, Specific Character Set, Image
# Type, SOP Class UID.
_FIRST_GROUPS: Final = (0x0002, 0x0008)
_LAST_FIRST_ELEMENT: Final = 0x0018
_MOST_FIRST_BYTES: Final = 256  # of the value of such an element, where no VR says its form


def is_instance(path: Path) -> bool:
    """Whether a file begins as a DICOM instance does.

    Raises
    ------
    SettingsRefused
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(_PREFIX_AT)
            return file.read(len(_PREFIX)) == _PREFIX
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}") from error


def is_bare_data_set(head: bytes) -> bool:
    """Whether bytes begin as a data set does, so that only the form of a file is lacking.

    PS3.5 Section 7.1: a tag, then two letters of a VR or a length of four bytes.
    """
    if len(head) < 8:
        return False
    for order in "<>":
        group, element, length = struct.unpack(f"{order}HHI", head[:8])
        if group in _FIRST_GROUPS and element <= _LAST_FIRST_ELEMENT:
            has_vr = head[4:6].isalpha() and head[4:6].isupper()
            return has_vr or length <= _MOST_FIRST_BYTES
    return False


def has_no_preamble(path: Path) -> bool:
    """Whether a file is a data set that is not in the form of a file.

    Raises
    ------
    SettingsRefused
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return is_bare_data_set(file.read(8)) and not is_instance(path)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}") from error


def is_media_directory(path: Path) -> bool:
    """Whether a file is a DICOMDIR (PS3.3 Annex F, Media Storage Directory)."""
    if not is_instance(path):
        return False
    try:
        meta = dcmread(path, specific_tags=["FileSetID"], stop_before_pixels=True).file_meta
    except (InvalidDicomError, EOFError, ValueError, OSError):
        return False
    return bool(meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage)


def read_valid_instances(
    paths: Iterable[Path], *, on_progress: Callable[[int, int], None] | None = None
) -> list[ReadInstance]:
    """Read the headers of files, which must name their study, series and instance.

    Raises
    ------
    DataSetUnreadable
        As `read_instances`.
    AttributeMissing, InvalidUid
        One of the three UIDs is missing or breaks PS3.5 Section 9.1: C-STORE refuses it likewise.
    """
    found = read_instances(paths, on_progress=on_progress)
    for one in found:
        for keyword, uid in (
            ("SOPInstanceUID", one.instance.sop_instance_uid),
            ("SeriesInstanceUID", one.series.series_instance_uid),
            ("StudyInstanceUID", one.series.study_instance_uid),
        ):
            if not uid:
                raise AttributeMissing(f"{keyword} is missing", keyword=keyword)
            checked_uid(uid, keyword)
    return found


def study_of(path: Path) -> str | None:
    """The study that a file belongs to; None when it is not an instance with file meta."""
    if not is_instance(path):
        return None
    try:
        header = dcmread(path, specific_tags=["StudyInstanceUID"], stop_before_pixels=True)
    except (InvalidDicomError, EOFError, ValueError, OSError):
        return None
    return str(header.get("StudyInstanceUID", "")) or None
