"""Finds what there is to be read in a path: folder, archive, DICOMDIR, instance or picture.

A folder, an archive and a DICOMDIR may hold several studies; each is an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from firstread.find_instances import find_instances
from firstread.predict.media_directory import read_media_directory
from radiology.errors import DataSetUnreadable, FirstreadError, SettingsRefused, UploadRefused
from settings.uploads import UploadLimits
from worker.predict.instance_file import (
    WITHOUT_PREAMBLE,
    has_no_preamble,
    is_instance,
    is_media_directory,
    read_valid_instances,
)
from worker.predict.on_step import OnStep
from worker.upload.unpack import Unpacked, unpack

_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06")  # PKWARE APPNOTE 4.3.7 and 4.3.16


class PredictedKind(StrEnum):
    """What an input is read as."""

    STUDY = "study"
    SLICE = "slice"


@dataclass(frozen=True)
class PredictInput:
    """A study or a slice, or what was named and is neither.

    Attributes
    ----------
    path : as it was given
    kind : None where nothing that can be read was found
    study_instance_uid : of a study or of an instance; None of a picture
    left_out_files : how many files beside it are no DICOM instances of a study
    is_instance : whether a slice is an instance rather than a picture
    error : why there is nothing to be read
    """

    path: Path
    kind: PredictedKind | None
    files: tuple[Path, ...] = ()
    study_instance_uid: str | None = None
    left_out_files: int = 0
    is_instance: bool = False
    error: FirstreadError | None = None


def find_inputs(
    path: Path, unpacked: Path, limits: UploadLimits, on_step: OnStep
) -> list[PredictInput]:
    """Find every study and slice in a path; never none: what cannot be read is an input too.

    Parameters
    ----------
    unpacked : a folder of this path alone, made where an archive is unpacked
    limits : of an archive
    """
    try:
        return list(_inputs(path, unpacked, limits, on_step))
    except FirstreadError as error:
        return [PredictInput(path, _kind_of_unreadable(path), error=error)]


def _inputs(
    path: Path, unpacked: Path, limits: UploadLimits, on_step: OnStep
) -> Iterator[PredictInput]:
    if path.is_dir():
        yield from _studies(path, path, 0, on_step)
    elif not path.is_file():
        raise SettingsRefused(f"There is no file or folder {path}")
    elif _is_archive(path):
        left_out = _unpack(path, unpacked, limits, on_step)
        yield from _studies(path, unpacked, left_out, on_step)
    elif is_media_directory(path):
        yield from _named_studies(path)
    elif is_instance(path):
        yield _instance(path)
    elif has_no_preamble(path):
        raise DataSetUnreadable(f"The file is {WITHOUT_PREAMBLE}")
    else:
        yield PredictInput(path, PredictedKind.SLICE, (path,))


def _kind_of_unreadable(path: Path) -> PredictedKind | None:
    """What was meant, for those who read the answer: several files are no slice."""
    return PredictedKind.STUDY if path.is_dir() else None


def _studies(path: Path, folder: Path, left_out: int, on_step: OnStep) -> Iterator[PredictInput]:
    try:
        found = find_instances(folder, on_progress=lambda a, b: on_step("Files", a, b))
    except SettingsRefused as error:
        said = error.message.replace(str(folder), str(path))  # an archive's own name, not ours
        raise SettingsRefused(said) from error
    for uid, files in found.by_study.items():
        yield PredictInput(
            path, PredictedKind.STUDY, tuple(files), uid, left_out_files=found.others + left_out
        )


def _named_studies(path: Path) -> Iterator[PredictInput]:
    for study in read_media_directory(path):
        error = None
        if study.missing_files:
            named = len(study.files) + study.missing_files
            error = SettingsRefused(
                f"{study.missing_files} of the {named} files of this study that the DICOMDIR names "
                "are not there, or are of another study; copy the whole medium"
            )
        yield PredictInput(
            path, PredictedKind.STUDY, study.files, study.study_instance_uid, error=error
        )


def _instance(path: Path) -> PredictInput:
    (found,) = read_valid_instances([path])
    several = len(found.instance.frames) > 1
    return PredictInput(
        path,
        PredictedKind.STUDY if several else PredictedKind.SLICE,
        (path,),
        found.series.study_instance_uid,
        is_instance=True,
    )


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_ARCHIVE)
    except OSError as error:
        raise SettingsRefused(f"{path} cannot be read: {error.strerror}") from error


def _unpack(path: Path, folder: Path, limits: UploadLimits, on_step: OnStep) -> int:
    """Unpack an archive as the upload page does; gives how many entries were refused."""
    folder.mkdir()
    refused = 0
    for entry in unpack(
        path, folder, "entry", limits, Unpacked(), lambda a, b: on_step("Unpacking", a, b)
    ):
        refused += entry.path is None
    if not any(folder.iterdir()):
        raise UploadRefused("The archive holds no file that can be read")
    return refused
