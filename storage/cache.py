"""The copies in a data folder: those that go because their object went, and those for lack of room.

Nothing is lost with a copy. What is being made is left alone; what was left by a process that died
goes when it has lain there for a day.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.bucket_files import FOLDERS, BucketFiles, is_copy, is_copy_of

_LEFT_BEHIND_S: Final = 24 * 3600.0
_IN_USE_S: Final = 3600.0  # whoever has had a file fetched opens it meanwhile
_UPLOADS: Final = "uploads"
_Found = dict[str, os.stat_result]


def sweep_copies(files: BucketFiles) -> int:
    """Remove copies of what is not in the bucket any more; gives how many.

    Copies are listed before the objects are: what is put there meanwhile is missing in neither.
    """
    removed, now = 0, time.time()
    for folder in FOLDERS:
        for entry in _entries(files.folder / folder):
            here = _files_here(files.folder, entry)
            name = files.name_of(entry)
            assert name is not None
            there = {
                str(files.place_of(one).relative_to(files.folder)): stored
                for one, stored in files.bucket.below(f"{name}/")
            }
            if folder == _UPLOADS and not there and any(map(is_copy, here.values())):
                shutil.rmtree(entry, ignore_errors=True)  # with what was unpacked of it
                removed += len(here)
                continue
            for path, state in here.items():
                if is_copy(state):
                    stored = there.get(path)
                    goes = stored is None or not is_copy_of(state, stored)
                else:
                    goes = now - state.st_mtime >= _LEFT_BEHIND_S
                removed += goes and _remove(files.folder, path)
    return removed


def trim_copies(files: BucketFiles, to_free_bytes: int) -> int:
    """Remove the copies that were used longest ago; gives how many bytes have gone.

    Parameters
    ----------
    to_free_bytes : so many, if there are so many that nobody has used for an hour
    """
    if to_free_bytes <= 0:
        return 0
    copies = [
        (state.st_atime, state.st_size, path)
        for folder in FOLDERS
        for entry in _entries(files.folder / folder)
        for path, state in _files_here(files.folder, entry).items()
        if is_copy(state)
    ]
    freed, before = 0, time.time() - _IN_USE_S
    for used_at, size_bytes, path in sorted(copies):
        if freed >= to_free_bytes or used_at > before:
            break
        freed += size_bytes if _remove(files.folder, path) else 0
    return freed


def _entries(folder: Path) -> Iterator[Path]:
    """Folders of studies, days and uploads; what begins with a dot belongs to somebody else."""
    with contextlib.suppress(FileNotFoundError):
        yield from (
            Path(one.path)
            for one in list(os.scandir(folder))
            if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")
        )


def _files_here(data_folder: Path, entry: Path) -> _Found:
    found: _Found = {}
    for parent, _, names in os.walk(entry):
        for one in names:
            with contextlib.suppress(FileNotFoundError):
                path = Path(parent) / one
                found[str(path.relative_to(data_folder))] = path.lstat()
    return found


def _remove(data_folder: Path, path: str) -> bool:
    """Remove a file, and the folders that it leaves empty, but none that is always there."""
    place = data_folder / path
    try:
        place.unlink()
    except OSError:
        return False
    with contextlib.suppress(OSError):  # not empty
        for parent in list(place.parents)[: len(Path(path).parts) - 2]:
            parent.rmdir()
    return True
