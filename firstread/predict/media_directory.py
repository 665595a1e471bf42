"""Reads a DICOMDIR: which files of a medium belong to which study.

PS3.3 Annex F (Basic Directory Information Object), PS3.10 Section 8 (File IDs and names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from radiology.errors import DataSetUnreadable, SettingsRefused
from worker.predict.instance_file import study_of
from worker.series.frame_headers import HEADER_ERRORS, text, texts, whole


@dataclass(frozen=True)
class MediaStudy:
    """A study of a medium.

    Attributes
    ----------
    files : that the directory names and that are there
    missing_files : how many it names that are not, or that are of another study by now
    """

    study_instance_uid: str
    files: tuple[Path, ...]
    missing_files: int


def read_media_directory(path: Path) -> tuple[MediaStudy, ...]:
    """Find the studies that a DICOMDIR names, in its order.

    Raises
    ------
    DataSetUnreadable
        It is damaged.
    SettingsRefused
        It names no file, or one outside its folder.
    """
    try:
        directory = dcmread(path)
        records = {int(one.seq_item_tell): one for one in directory.DirectoryRecordSequence}
        first = whole(directory, "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity") or 0
        named = list(_files(records, first, "", set()))
    except HEADER_ERRORS as error:
        raise DataSetUnreadable("The DICOMDIR is damaged") from error
    if not named:
        raise SettingsRefused(f"{path} names no file")
    by_study: dict[str, list[Path | None]] = {}
    for uid, parts in named:
        file = _file(path.parent, parts)
        is_it = file is not None and study_of(file) == uid
        by_study.setdefault(uid, []).append(file if is_it else None)
    return tuple(
        MediaStudy(uid, tuple(one for one in files if one is not None), files.count(None))
        for uid, files in by_study.items()
    )


def _files(
    records: Mapping[int, Dataset], offset: int, study: str, seen: set[int]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Study Instance UID and File ID of each record from one of an entity on, and below it."""
    while offset in records and offset not in seen:  # a directory that bites its tail ends
        seen.add(offset)
        record = records[offset]
        own = text(record, "StudyInstanceUID") if _is_study(record) else study
        in_use = whole(record, "RecordInUseFlag") != 0
        parts = texts(record, "ReferencedFileID")
        if parts and in_use and own:
            yield own, parts
        below = whole(record, "OffsetOfReferencedLowerLevelDirectoryEntity") or 0
        yield from _files(records, below, own, seen)
        offset = whole(record, "OffsetOfTheNextDirectoryRecord") or 0


def _is_study(record: Dataset) -> bool:
    return text(record, "DirectoryRecordType") == "STUDY"


def _file(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """The file of a File ID; names are upper case, and some systems show them in lower case."""
    if any(part in ("", ".", "..") or "/" in part for part in parts):
        raise SettingsRefused("The DICOMDIR names a file outside its folder")
    for names in (parts, tuple(part.lower() for part in parts)):
        path = folder.joinpath(*names)
        if path.is_file():
            return path
    return None
