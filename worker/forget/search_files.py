"""Looks for identifiers in files: in bytes, in archives, and in deflated objects."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from database.forget.whole_identifier import WholeIdentifiers
from settings.environment import Settings
from storage.kept_files import kept_files
from worker.patient.patient_identity import read_patient_identity
from worker.retention.files import folders_of

_AT_A_TIME = 1 << 20
_WHOLE_BELOW = 6  # a shorter identifier is found by chance in any bytes; attributes tell of it
_LARGE = ("spool", "results")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, within the data folder, that still names somebody: in its name or in its bytes."""

    path: str
    where: str


def names_somebody(path: Path, identifiers: Sequence[str]) -> bool:
    """Whether a file holds one of these identifiers."""
    wanted = WholeIdentifiers(one for one in identifiers if len(one) >= _WHOLE_BELOW)
    try:
        with path.open("rb") as file:
            if wanted.in_pieces(iter(lambda: file.read(_AT_A_TIME), b"")):
                return True
        if zipfile.is_zipfile(path):
            return _in_archive(path, wanted)
    except OSError:
        return False
    return _in_attributes(path, identifiers)


def search_data_folder(
    settings: Settings, identifiers: Sequence[str], *, thorough: bool
) -> list[FoundFile]:
    """Files of the data folder that name one of them.

    Parameters
    ----------
    thorough : also read every byte of the images and results of others
    """
    wanted = WholeIdentifiers(one for one in identifiers if len(one) >= _WHOLE_BELOW)
    folder, files, found = settings.data_folder, kept_files(settings), []
    for path in _all_places(settings):
        relative = path.relative_to(folder)
        if wanted.in_path(relative):
            found.append(FoundFile(str(relative), "name"))
        elif (thorough or relative.parts[0] not in _LARGE) and names_somebody(
            files.fetch(path), identifiers
        ):
            found.append(FoundFile(str(relative), "bytes"))
    return found


def _all_places(settings: Settings) -> list[Path]:
    """Every file here, and every place of one that is kept elsewhere."""
    places, files = set(_files(settings.data_folder)), kept_files(settings)
    if files.are_elsewhere:
        for folder in folders_of(settings).values():
            for name in files.names(folder):
                places |= {folder / one.path for one in files.below(folder, name)}
    return sorted(places)


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def _in_archive(path: Path, wanted: WholeIdentifiers) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if wanted.in_path(PurePosixPath(entry.filename)):
                    return True
                with archive.open(entry) as file:
                    if wanted.in_pieces(iter(lambda: file.read(_AT_A_TIME), b"")):
                        return True
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return False  # damaged or encrypted: nobody could read it here
    return False


def _in_attributes(path: Path, identifiers: Sequence[str]) -> bool:
    """By the attributes of an instance: they may be short, or deflated."""
    identity = read_patient_identity(path)
    if identity is None:
        return False
    said = {identity.patient_id, identity.accession_number, identity.name} - {""}
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
    except (InvalidDicomError, OSError):
        return bool(said & set(identifiers))
    return bool((said | {str(header.get("StudyInstanceUID", ""))}) & set(identifiers))
