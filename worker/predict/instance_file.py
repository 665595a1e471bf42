"""Decides whether a file is a DICOM instance, and of which study. PS3.10 Section 7.1."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from radiology.errors import SettingsRefused

_PREFIX_AT, _PREFIX = 128, b"DICM"  # PS3.10 Section 7.1


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


def study_of(path: Path) -> str | None:
    """The study that a file belongs to; None when it is not an instance with file meta."""
    if not is_instance(path):
        return None
    try:
        header = dcmread(path, specific_tags=["StudyInstanceUID"], stop_before_pixels=True)
    except (InvalidDicomError, EOFError, ValueError, OSError):
        return None
    return str(header.get("StudyInstanceUID", "")) or None
