"""Unpacks a zip archive within limits that are counted during unpacking, not read from it.

PKWARE APPNOTE 4.4 (sizes and attributes of an entry). A name in an archive is looked at only to
refuse it: files are written under numbers.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from radiology.errors import UploadRefused
from settings.uploads import UploadLimits

_STEP_BYTES = 256 * 1024
_SMALL_BYTES = 1_000_000  # a ratio tells nothing of a file that is small even when unpacked
_ENCRYPTED = 0x1  # general purpose bit flag, bit 0
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh")
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,  # less than the header promises
    OSError,  # a seek to a place before the file
    NotImplementedError,  # a version, method or patch of ZIP that Python does not have
    RuntimeError,  # encrypted
    ValueError,
    OverflowError,
    LookupError,  # a name in a character set that is none
)
"""What `zipfile` raises for archives that are damaged or were made to hurt."""


@dataclass
class Unpacked:
    """How much has been unpacked, of all archives of an upload together."""

    files: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the file that it became, or why it did not."""

    number: int
    size_bytes: int
    path: Path | None
    refusal: UploadRefused | None


def unpack(
    archive: Path,
    folder: Path,
    stem: str,
    limits: UploadLimits,
    so_far: Unpacked,
    on_progress: Callable[[int, int], None],
) -> Iterator[Entry]:
    """Unpack entry by entry; entries that may not be are refused, each by itself.

    Parameters
    ----------
    stem : the files are called <stem>.<number> in `folder`
    so_far : what other archives took; counted on

    Raises
    ------
    UploadRefused
        The archive cannot be read; or, with the fact `limit`, it holds too many files or too
        much, perhaps seen only after some entries: then nothing of the upload may be read.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [one for one in opened.infolist() if not one.is_dir()]
            _check_whole(entries, limits, so_far)
            for number, entry in enumerate(entries, start=1):
                target = folder / f"{stem}.{number}"
                try:
                    _check_entry(entry, limits)
                    _write(opened, entry, target, limits, so_far)
                    _refuse_nested(target)
                except UploadRefused as refusal:
                    target.unlink(missing_ok=True)
                    if "limit" in refusal.facts:  # of the whole: every further entry is too much
                        raise
                    yield Entry(number, entry.file_size, None, refusal)
                except _ZIP_ERRORS:
                    target.unlink(missing_ok=True)
                    damaged = UploadRefused("The entry of the archive is damaged")
                    yield Entry(number, entry.file_size, None, damaged)
                else:
                    yield Entry(number, target.stat().st_size, target, None)
                on_progress(number, len(entries))
    except _ZIP_ERRORS as error:
        raise UploadRefused("The archive is damaged, or is not a zip archive") from error


def _check_whole(entries: list[zipfile.ZipInfo], limits: UploadLimits, so_far: Unpacked) -> None:
    if not entries:
        raise UploadRefused("The archive is empty")
    so_far.files += len(entries)
    if so_far.files > limits.most_files:
        raise UploadRefused("The archive holds too many files", limit=limits.most_files)
    stated = sum(entry.file_size for entry in entries)
    if so_far.size_bytes + stated > limits.most_unpacked_bytes:
        raise _too_much(limits)


def _check_entry(entry: zipfile.ZipInfo, limits: UploadLimits) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise UploadRefused("The entry is encrypted; give the archive without a password")
    if entry.compress_type not in _METHODS:
        raise UploadRefused("The entry is packed by a method other than deflate")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise UploadRefused("The entry is a symbolic link, not a file")
    if kind not in (0, stat.S_IFREG):
        raise UploadRefused("The entry is not an ordinary file")
    if _leads_outside(entry.filename):
        raise UploadRefused("The name of the entry leads out of the archive")
    packed = max(entry.compress_size, 1)
    if entry.file_size > _SMALL_BYTES and entry.file_size / packed > limits.most_ratio:
        raise _bomb(limits)


def _leads_outside(name: str) -> bool:
    windows = PureWindowsPath(name)
    return (
        PurePosixPath(name).is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in windows.parts
        or "\0" in name
    )


def _write(
    opened: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    target: Path,
    limits: UploadLimits,
    so_far: Unpacked,
) -> None:
    packed, size = max(entry.compress_size, 1), 0
    with opened.open(entry) as packed_file, target.open("wb") as file:
        while piece := packed_file.read(_STEP_BYTES):
            size += len(piece)
            so_far.size_bytes += len(piece)
            if so_far.size_bytes > limits.most_unpacked_bytes:
                raise _too_much(limits)
            if size > _SMALL_BYTES and size / packed > limits.most_ratio:
                raise _bomb(limits)
            file.write(piece)


def _refuse_nested(target: Path) -> None:
    with target.open("rb") as file:
        if file.read(8).startswith(_ARCHIVES):
            raise UploadRefused("The entry is an archive itself; archives in archives stay closed")


def _too_much(limits: UploadLimits) -> UploadRefused:
    return UploadRefused(
        "The archive unpacks to more than is allowed", limit=limits.most_unpacked_bytes
    )


def _bomb(limits: UploadLimits) -> UploadRefused:
    return UploadRefused(
        f"The entry unpacks to more than {limits.most_ratio} times its packed size"
    )
