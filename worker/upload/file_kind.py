"""Tells the kind of a file by its first bytes, and whether it is two things at once.

PS3.10 Section 7.1 (DICOM), PNG (W3C) Section 5.2, ITU-T T.81 Annex B (JPEG), PKWARE APPNOTE 4.3.
"""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from radiology.errors import UploadRefused
from worker.predict.instance_file import WITHOUT_PREAMBLE, is_bare_data_set


class FileKind(StrEnum):
    """What we look into."""

    ARCHIVE = "archive"
    INSTANCE = "instance"
    PICTURE = "picture"


_PREFIX_AT, _PREFIX = 128, b"DICM"
_HEAD_BYTES = 512
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
# What people give by mistake, and others on purpose: the word says what was seen.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a WebP picture or a film"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x5c\x01\x00\x00", "a NIfTI volume"),
)
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<script", "a web page"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
)
_NEEDED = "give DICOM, PNG, JPEG, or a zip archive of a study"


def kind_of(path: Path) -> FileKind:
    """What a file is.

    Raises
    ------
    UploadRefused
        It is empty, of an unknown kind, or has the form of two kinds.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UploadRefused("The file is empty")
    if head[_PREFIX_AT : _PREFIX_AT + len(_PREFIX)] == _PREFIX:
        other = _foreign_preamble(head[:_PREFIX_AT])
        if other:
            raise UploadRefused(f"The file is a DICOM instance and {other} at once")
        return _alone(path, FileKind.INSTANCE)
    if head.startswith(_ZIP):
        return FileKind.ARCHIVE
    if head.startswith(_PICTURES):
        return _alone(path, FileKind.PICTURE)
    if is_bare_data_set(head):
        raise UploadRefused(f"The file is {WITHOUT_PREAMBLE}")
    raise UploadRefused(f"The file is {_seen(head)}; {_NEEDED}")


def _alone(path: Path, kind: FileKind) -> FileKind:
    """An archive hidden behind an image would be opened by whoever takes the file for one."""
    if zipfile.is_zipfile(path):
        raise UploadRefused("The file is an image and a zip archive at once")
    return kind


def _foreign_preamble(preamble: bytes) -> str | None:
    """PS3.10 Section 7.1: zeros, or the header of a TIFF that shows the same image."""
    if preamble.startswith((b"II*\0", b"MM\0*")) or not any(preamble):
        return None
    if preamble.startswith((*_ZIP, *_PICTURES)):
        return "an archive or a picture"
    seen = _seen(preamble)
    return None if seen == _UNKNOWN else seen


_UNKNOWN = "of no kind that we know"


def _seen(head: bytes) -> str:
    for beginning, words in _OTHERS:
        if head.startswith(beginning):
            return words
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, words in _TEXTS:
        if text.startswith(beginning):
            return "an SVG drawing" if b"<svg" in text else words
    if head[344:348] in (b"n+1\0", b"ni1\0"):
        return "a NIfTI volume"
    printable = sum(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head)
    return "text" if printable == len(head) else _UNKNOWN
