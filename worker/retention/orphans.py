"""Finds files that no row names, and rows whose file is gone: a few folders each turn.

A file without a row is left by a process that died between the two: before Success was answered, or
before its result was stored. It is removed when it has lain there for a day; until then somebody
may be about to name it. No mark is needed: what is left over is found again. A row without its file
is damage: it is logged, and nothing is changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from database.retention.named_files import (
    NOTHING_NAMED,
    NamedFiles,
    named_files,
    named_in_quarantine,
)
from database.retention.state import ORPHANS, note_state, noted_state
from database.session import Engine, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.files import FileFacts
from storage.kept_files import kept_files
from worker.retention.files import files_below

_log = get_logger("retention")
_OLD_ENOUGH_S = 24 * 3600.0
_FOLDERS_A_TURN = 20
_PICTURE_ENDS = (".slices.zip", ".heat.npz", ".heat.png", ".png")


@dataclass(frozen=True, slots=True)
class Orphans:
    """What one folder was found to hold, and to lack."""

    without_row: tuple[Path, ...] = ()
    without_file: tuple[str, ...] = ()  # within the spool


@dataclass(frozen=True, slots=True)
class _Lying:
    """Files that have lain in one folder's three places for a day."""

    spooled: list[str]
    kept: list[str]
    aside: list[str]


def sweep_orphans(
    settings: Settings, engine: Engine, now: datetime, *, folders: int = _FOLDERS_A_TURN
) -> int:
    """Look into the next few folders; remove what no row names. Returns how many files."""
    with query(engine) as session:
        noted = noted_state(session, ORPHANS)
    after = str(noted.facts.get("after", "")) if noted else ""
    names = _next_names(settings, after, folders)
    found = _look(settings, engine, names, now)
    for name, orphans in zip(names, found, strict=True):
        if orphans.without_file:
            _log.error("files_missing", files=len(orphans.without_file), study_instance_uid=name)
    removed = sum(
        _removed(settings, path, now) for orphans in found for path in orphans.without_row
    )
    if names or after:
        with transaction(engine) as session:
            note_state(session, ORPHANS, now, after=_place(names[-1]) if names else "")
    if removed:
        _log.warning("orphans_removed", files=removed)
    return removed


def _removed(settings: Settings, path: Path, now: datetime) -> bool:
    """Remove a file that is as old as it was: another one may have taken its place meanwhile."""
    files = kept_files(settings)
    try:
        facts = files.facts(path)
        if facts is None or not _is_old(facts, now):
            return False
        files.remove(path)
    except OSError:
        return False
    with contextlib.suppress(OSError):  # not empty
        path.parent.rmdir()
        path.parent.parent.rmdir()
    return True


def _next_names(settings: Settings, after: str, most: int) -> list[str]:
    """Names of folders of studies, and of days of the quarantine; "" begins again."""
    names: set[str] = set()
    for folder in (settings.spool_folder, settings.results_folder, settings.quarantine_folder):
        names.update(kept_files(settings).names(folder))
    # A hospital has tens of thousands of them, and each turn comes by here: one pass, no sorting.
    places = ((_place(name), name) for name in names if not name.startswith("."))
    return [name for _, name in heapq.nsmallest(most, (one for one in places if one[0] > after))]


def _place(name: str) -> str:
    """Where a folder stands in the order: no name of one, because that is the UID of a study."""
    return hashlib.sha256(name.encode()).hexdigest()


def _look(settings: Settings, engine: Engine, names: list[str], now: datetime) -> list[Orphans]:
    # What lies there comes first: what a row names by then is named.
    folders = (settings.spool_folder, settings.results_folder, settings.quarantine_folder)
    lying = [_Lying(*(_old(settings, folder, name, now) for folder in folders)) for name in names]
    with query(engine) as session:
        named = named_files(session, names)
        known = named_in_quarantine(session, [path for one in lying for path in one.aside])
    return [
        _orphans(settings, one, named.get(name, NOTHING_NAMED), known)
        for name, one in zip(names, lying, strict=True)
    ]


def _orphans(settings: Settings, lying: _Lying, named: NamedFiles, known: set[str]) -> Orphans:
    stems = {path.removesuffix(".png") for path in named.results if path.endswith(".png")}
    return Orphans(
        (
            *(
                settings.spool_folder / path
                for path in lying.spooled
                if path not in named.here and not _sop_instance_uids(path) & named.instances
            ),
            *(
                settings.results_folder / path
                for path in lying.kept
                if path not in named.results and _picture_stem(path) not in stems
            ),
            *(settings.quarantine_folder / path for path in lying.aside if path not in known),
        ),
        _missing(settings, named),
    )


def _missing(settings: Settings, named: NamedFiles) -> tuple[str, ...]:
    files = kept_files(settings)
    return tuple(path for path in named.here if files.facts(settings.spool_folder / path) is None)


def _old(settings: Settings, folder: Path, name: str, now: datetime) -> list[str]:
    return [one.path for one in files_below(settings, folder, name) if _is_old(one, now)]


def _is_old(file: FileFacts, now: datetime) -> bool:
    return now.timestamp() - file.modified_at >= _OLD_ENOUGH_S


def _sop_instance_uids(path: str) -> set[str]:
    """Which instances a file may be of: the name of a corrected copy goes on with a digest."""
    stem = Path(path).name.removesuffix(".dcm")
    return {stem, stem.rpartition(".")[0]}


def _picture_stem(path: str) -> str:
    return next((path.removesuffix(end) for end in _PICTURE_ENDS if path.endswith(end)), path)
