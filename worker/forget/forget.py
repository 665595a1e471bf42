"""Forgets a study or a patient while Firstread runs; called again, it goes on where it stopped.

1. What is to be forgotten is noted, so that an attempt that died is known of.
2. Each study, in one transaction: its rows go, its files are marked. A study that a worker has in
   hand is waited for.
3. Quarantine, uploads and what messages said; audit events name nobody any more.
4. Marked files are removed, and the database rewritten.
5. Rows and files are searched. Only when nothing is found is the note of 1. removed as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from database.accounts.audit import Actor
from database.forget.aside import AsideObject, quarantined, uploaded, uploads_in_hand
from database.forget.held_by import HeldElsewhere, held_elsewhere, in_hand
from database.forget.named import ToForget, note_begun, note_ended, note_held, noted_held
from database.forget.rows import (
    WrittenMeanwhile,
    audit_forgotten,
    delete_aside,
    delete_said,
    delete_study,
    without_identifiers,
)
from database.forget.search import FoundRows, overwrite_deleted, search_tables
from database.forget.whole_identifier import WholeIdentifiers
from database.retention.facts import result_facts, result_ids_of
from database.retention.removals import (
    QUARANTINE,
    RESULTS,
    SPOOL,
    UPLOADS,
    MarkedFile,
    lock_study,
    mark,
    originals_of,
)
from database.session import Engine, Session, query, transaction
from radiology.errors import NotForgotten
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.forget.search_files import FoundFile, names_somebody, search_data_folder
from worker.patient.patient_identity import read_patient_identity
from worker.retention.files import files_below, remove_marked, result_files

_log = get_logger("forget")
_LOOK_EVERY_S = 0.2
_SHORTEST_NAME = 6
_SHORTEST_SWEEP_S = 10.0  # other hosts look every two seconds


@dataclass(frozen=True, slots=True)
class WouldForget:
    """What forgetting would remove, and what others hold."""

    studies: int
    files: int
    size_bytes: int
    quarantined: int
    uploads: int
    held_elsewhere: tuple[HeldElsewhere, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed, what others hold, and what a search has found in the end.

    `rewritten` says whether nothing of deleted rows is left within the database's own file,
    `caches_left` which hosts may still hold copies of what is gone from the object storage.
    """

    studies: int
    files: int
    size_bytes: int
    called: str
    held_elsewhere: tuple[HeldElsewhere, ...]
    rows_left: tuple[FoundRows, ...]
    files_left: tuple[FoundFile, ...]
    rewritten: bool
    caches_left: tuple[str, ...] = ()

    @property
    def is_proved(self) -> bool:
        """Whether nothing names it any more."""
        left = self.rows_left or self.files_left or self.caches_left
        return self.rewritten and not left


def would_forget(settings: Settings, engine: Engine, what: ToForget) -> WouldForget:
    """Look, and touch nothing."""
    with query(engine) as session:
        files = {
            (one.folder, one.path): one.size_bytes
            for study_id, uid in zip(what.study_ids, what.study_uids, strict=False)
            for one in _files_of(settings, session, study_id, uid)
        }
        return WouldForget(
            studies=len(what.study_ids),
            files=len(files),
            size_bytes=sum(files.values()),
            quarantined=len(
                _aside(settings, settings.quarantine_folder, quarantined(session), what)
            ),
            uploads=len(_aside(settings, settings.uploads_folder, uploaded(session), what)),
            held_elsewhere=tuple(held_elsewhere(session, what.study_ids)),
        )


def forget(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    what: ToForget,
    actor: Actor,
    *,
    wait_s: float,
    thorough: bool,
) -> Forgotten:
    """Remove it everywhere, and search for what is left.

    Parameters
    ----------
    wait_s : how long is waited for a worker that has work on it in hand
    thorough : read every byte of the data folder in the end

    Raises
    ------
    NotForgotten
        A worker has had work on it in hand for all that time. What was removed until then is gone;
        called again, the rest follows.
    """
    return _Forgetting(settings, engine, clock, what, wait_s).run(actor, thorough=thorough)


class _Forgetting:
    """One attempt."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Callable[[], datetime],
        what: ToForget,
        wait_s: float,
    ) -> None:
        self._settings, self._engine, self._clock, self._what = settings, engine, clock, what
        self._until = time.monotonic() + wait_s

    def run(self, actor: Actor, *, thorough: bool) -> Forgotten:
        what = self._what
        with query(self._engine) as session:
            # For the search alone: names are written nowhere
            names = tuple(self._names(session))
        with transaction(self._engine) as session:
            note_begun(session, what, self._clock())
        for study_id, uid in zip(what.study_ids, what.study_uids, strict=False):
            self._forget_study(study_id, uid)
        self._forget_aside()
        removed = remove_marked(self._settings, self._engine, most_files=10**9)
        with transaction(self._engine) as session:
            delete_said(session, what)
            called, events = without_identifiers(
                session,
                patient_id="" if what.shared else what.patient_id,
                study_uids=what.study_uids,
            )
            audit_forgotten(
                session,
                actor,
                self._clock(),
                called=called,
                events=events,
                studies=len(what.study_ids),
                files=removed.files,
                size_bytes=removed.size_bytes,
            )
        wanted = (*what.identifiers, *(name for name in names if len(name) >= _SHORTEST_NAME))
        with query(self._engine) as session:
            elsewhere = noted_held(session, what)
            rows_left = tuple(search_tables(session, wanted))
        if not rows_left:
            with transaction(self._engine) as session:
                note_ended(session, what)
        rewritten = overwrite_deleted(self._engine)
        caches_left = self._sweep_caches()
        files_left = tuple(search_data_folder(self._settings, wanted, thorough=thorough))
        _log.info(
            "forgotten",
            called=called,
            studies=len(what.study_ids),
            files=removed.files,
            rows_left=sum(one.rows for one in rows_left),
            files_left=len(files_left),
        )
        done = Forgotten(
            len(what.study_ids),
            removed.files,
            removed.size_bytes,
            called,
            elsewhere,
            rows_left,
            files_left,
            rewritten,
            caches_left,
        )
        if not done.is_proved and not rows_left:
            # It was searched for without its own note; called again, it must be known of.
            with transaction(self._engine) as session:
                note_begun(session, what, self._clock())
                note_held(session, what, elsewhere)
        return done

    def _sweep_caches(self) -> tuple[str, ...]:
        """Have every host remove its copies; gives those that have not done it in time."""
        files = kept_files(self._settings)
        if not files.are_elsewhere:
            return ()
        # Here: where files are kept in the data folder, the client of the bucket is not loaded.
        from storage.bucket_files import BucketFiles
        from storage.cache_keeper import swept_everywhere

        assert isinstance(files, BucketFiles)
        return swept_everywhere(files, max(self._until - time.monotonic(), _SHORTEST_SWEEP_S))

    def _names(self, session: Session) -> Iterator[str]:
        if not self._what.patient_id:  # the patient may have other studies, which stay
            return
        for study_id in self._what.study_ids:
            for path in list(originals_of(session, [study_id])[study_id])[:1]:
                place = self._settings.spool_folder / path
                identity = read_patient_identity(kept_files(self._settings).fetch(place))
                if identity is not None:
                    yield identity.name

    def _forget_study(self, study_id: int, uid: str) -> None:
        def remove(session: Session) -> str:
            lock_study(session, study_id)
            busy = in_hand(session, study_id, self._clock())
            if not busy:
                # Not before: what a worker had in hand has left meanwhile.
                note_held(session, self._what, held_elsewhere(session, (study_id,)))
                mark(session, _files_of(self._settings, session, study_id, uid), self._clock())
                delete_study(session, study_id, self._clock())
            return busy

        self._when_free(remove)
        _log.info("study_forgotten", study_id=study_id)

    def _forget_aside(self) -> None:
        settings = self._settings
        with query(self._engine) as session:
            objects = _aside(settings, settings.quarantine_folder, quarantined(session), self._what)
            uploads = _aside(settings, settings.uploads_folder, uploaded(session), self._what)
        numbers = [one.row_id for one in uploads]

        def remove(session: Session) -> str:
            if uploads_in_hand(session, numbers, self._clock()):
                return "an upload"
            files = [
                MarkedFile(QUARANTINE, one.path, one.size_bytes) for one in objects if one.path
            ]
            files += [  # not before: who had it in hand has written more
                MarkedFile(UPLOADS, file.path, file.size_bytes)
                for one in uploads
                if one.path
                for file in files_below(settings, settings.uploads_folder, one.path)
            ]
            mark(session, files, self._clock())
            delete_aside(session, quarantine=[one.row_id for one in objects], uploads=numbers)
            return ""

        self._when_free(remove)

    def _when_free(self, remove: Callable[[Session], str]) -> None:
        """Try until no worker is in the way; what it returns says which work is."""
        while True:
            try:
                with transaction(self._engine) as session:
                    busy = remove(session)
            except WrittenMeanwhile:
                busy = "a row that somebody writes"
            if not busy:
                return
            if time.monotonic() >= self._until:
                raise NotForgotten(
                    "A worker has work on it in hand: try again when it has ended", work=busy
                )
            time.sleep(_LOOK_EVERY_S)


def _files_of(settings: Settings, session: Session, study_id: int, uid: str) -> list[MarkedFile]:
    """Every file of a study: what its rows name, and all that lies in its folders."""
    found = {
        (one.folder, one.path): one.size_bytes
        for result in result_facts(session, result_ids_of(session, study_id))
        for one in result_files(settings, result)
    }
    found |= {
        (SPOOL, path): size
        for path, size in originals_of(session, [study_id])[study_id].items()
        if kept_files(settings).facts(settings.spool_folder / path) is not None
    }
    for name, folder in ((SPOOL, settings.spool_folder), (RESULTS, settings.results_folder)):
        found |= {(name, file.path): file.size_bytes for file in files_below(settings, folder, uid)}
    return [MarkedFile(folder, path, size) for (folder, path), size in found.items()]


def _aside(
    settings: Settings, folder: Path, objects: list[AsideObject], what: ToForget
) -> list[AsideObject]:
    wanted = WholeIdentifiers(one for one in what.identifiers if len(one) >= _SHORTEST_NAME)
    return [
        one
        for one in objects
        if wanted.in_text(one.words)
        or (one.path is not None and _names(settings, folder, one.path, what.identifiers))
    ]


def _names(settings: Settings, folder: Path, path: str, identifiers: tuple[str, ...]) -> bool:
    files = kept_files(settings)
    return any(
        names_somebody(files.fetch(folder / one), identifiers)
        for one in (*(file.path for file in files_below(settings, folder, path)), path)
    )
