"""The files of the data folder: which ones a study or a result has, and removing marked ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from database.retention.facts import KeptResult
from database.retention.removals import (
    QUARANTINE,
    RESULTS,
    SPOOL,
    UPLOADS,
    MarkedFile,
    settle_removed,
    take_marked,
)
from database.session import Engine, transaction
from radiology.errors import ObjectStorageUnavailable
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.files import FileFacts, KeptFiles
from storage.kept_files import kept_files

_log = get_logger("retention")
_TOGETHER = 100  # files of one transaction: SQLite's other writers wait meanwhile
_SLICES = ".slices.zip"


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """How many files have gone, and what they held."""

    files: int = 0
    size_bytes: int = 0


def folders_of(settings: Settings) -> Mapping[str, Path]:
    """Where each kind of file lies, by the word that rows have for it."""
    return {
        SPOOL: settings.spool_folder,
        RESULTS: settings.results_folder,
        QUARANTINE: settings.quarantine_folder,
        UPLOADS: settings.uploads_folder,
    }


def files_below(settings: Settings, folder: Path, name: str) -> Iterator[FileFacts]:
    """Every file below an entry of a folder, by its path within the folder."""
    if is_within(folder, name):
        yield from kept_files(settings).below(folder, name)


def is_within(folder: Path, path: str) -> bool:
    """Whether a path of a row stays in its folder: rows may be damaged, or of other versions."""
    parts = Path(path).parts
    return (
        bool(parts) and not Path(path).is_absolute() and ".." not in parts and "." not in path[:1]
    )


def slices_file(settings: Settings, result: KeptResult) -> MarkedFile | None:
    """The slices for the page of a result; None where none are there."""
    if result.key_picture is None or not result.key_picture.endswith(".png"):
        return None
    path = result.key_picture.removesuffix(".png") + _SLICES
    size = _size(settings, path)
    return None if size is None else MarkedFile(RESULTS, path, size)


def result_files(settings: Settings, result: KeptResult) -> list[MarkedFile]:
    """Everything that is on disk of a result: objects, pictures, slices, what is compared with."""
    paths = {*result.object_paths, result.comparison_file} - {None}
    if result.key_picture is not None:
        paths |= {result.key_picture, *beside_picture(result.key_picture, slices=True)}
    found = ((path, _size(settings, path)) for path in sorted(filter(None, paths)))
    return [MarkedFile(RESULTS, path, size) for path, size in found if size is not None]


def beside_picture(key_picture: str, *, slices: bool) -> list[str]:
    """What may lie beside a key picture: where the classifier looked, and slices for the page."""
    if not key_picture.endswith(".png"):
        return []
    ends = (".heat.png", ".heat.npz", *((_SLICES,) if slices else ()))
    return [key_picture.removesuffix(".png") + end for end in ends]


def remove_marked(settings: Settings, engine: Engine, *, most_files: int) -> RemovedFiles:
    """Remove files that are marked, and settle their rows.

    Removing is a part of the transaction that settles: whoever puts a new file into a marked place
    waits for it, or takes the mark away first (`database.retention.removals.unmark`). A file that
    cannot be removed keeps its mark, and the log says so.
    """
    folders, files_of_site = folders_of(settings), kept_files(settings)
    files, size_bytes, after = 0, 0, 0
    while files < most_files:
        with transaction(engine) as session:
            marked = take_marked(session, limit=_TOGETHER, after=after)
            gone = [
                (row_id, one.size_bytes)
                for row_id, one in marked
                if _removed(files_of_site, folders[one.folder], one.path)
            ]
            if gone:
                settle_removed(session, [row_id for row_id, _ in gone])
        files += len(gone)
        size_bytes += sum(size for _, size in gone)
        if len(marked) < _TOGETHER:
            break
        after = marked[-1][0]
    return RemovedFiles(files, size_bytes)


def _removed(files: KeptFiles, folder: Path, relative: str) -> bool:
    """Remove one file, and the folders that it leaves empty; whether it is gone."""
    if not is_within(folder, relative):
        _log.error("removal_outside_folder")
        return False
    path = folder / relative
    try:
        files.remove(path)
    except OSError as error:
        _log.error("file_not_removed", errno=error.errno, folder=folder.name)
        return False
    except ObjectStorageUnavailable as error:
        _log.error("file_not_removed", folder=folder.name, **error.facts)
        return False
    for parent in path.parents:
        if parent == folder:
            break
        try:
            parent.rmdir()
        except OSError:  # not empty, or gone already
            break
    return True


def _size(settings: Settings, path: str) -> int | None:
    folder = settings.results_folder
    return kept_files(settings).size(folder / path) if is_within(folder, path) else None
