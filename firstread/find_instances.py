"""Finds the DICOM instances in the folders and files that a command names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from radiology.errors import SettingsRefused
from worker.predict.instance_file import (
    WITHOUT_PREAMBLE,
    has_no_preamble,
    is_media_directory,
    study_of,
)


@dataclass(frozen=True)
class FoundInstances:
    """What a folder holds.

    Attributes
    ----------
    by_study : Study Instance UID to files, both in the order in which they were found
    others : how many files are not DICOM instances; a DICOMDIR is none, and is not missed
    """

    by_study: dict[str, list[Path]]
    others: int

    @property
    def study_instance_uids(self) -> tuple[str, ...]:
        """The studies found."""
        return tuple(self.by_study)

    @property
    def paths(self) -> list[Path]:
        """Every instance, study by study."""
        return [path for paths in self.by_study.values() for path in paths]


def find_instances(
    folder: Path, *, on_progress: Callable[[int, int], None] | None = None
) -> FoundInstances:
    """Look through a folder, and folders in it, for DICOM instances.

    Raises
    ------
    SettingsRefused
        The folder does not exist, is empty, holds no DICOM instance, or a file cannot be read.
    """
    if not folder.is_dir():
        raise SettingsRefused(f"There is no folder {folder}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise SettingsRefused(
            f"The folder {folder} may not be read: give this user the right to, or name another one"
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise SettingsRefused(f"The folder {folder} is empty: name one with DICOM instances")
    by_study: dict[str, list[Path]] = {}
    others = 0
    for done, path in enumerate(files, start=1):
        study_instance_uid = study_of(path)
        if study_instance_uid is not None:
            by_study.setdefault(study_instance_uid, []).append(path)
        elif not is_media_directory(path):
            others += 1
        if on_progress is not None:
            on_progress(done, len(files))
    if not by_study:
        bare = sum(map(has_no_preamble, files))
        raise SettingsRefused(
            f"None of the {len(files)} files in {folder} is a DICOM instance (PS3.10)"
            + (f"; {bare} of them: {WITHOUT_PREAMBLE}" if bare else "")
        )
    return FoundInstances(by_study, others)


def files_of_study(path: Path) -> list[Path]:
    """The instances of one study: a file as it is, or those of a folder.

    Raises
    ------
    SettingsRefused
        There are several studies, or none.
    """
    if path.is_file():
        return [path]
    found = find_instances(path)
    if len(found.by_study) > 1:
        raise SettingsRefused(
            f"{path} holds {len(found.by_study)} studies; name the folder of each, or send them "
            "to a running Firstread"
        )
    return found.paths
