"""One turn of the retention: some small steps, each of them one commit.

What is marked from before goes first; so a turn that died is ended by the next one. Then, as far as
their time has come or the disk is past a mark: images of studies, slices for the page, files of
results, quarantine, events.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from database.retention.disk import (
    Marks,
    Room,
    keep_sample,
    marks_of,
    sample_is_due,
    to_free,
)
from database.retention.facts import (
    KeptResult,
    old_quarantine,
    result_facts,
    results_with,
    study_facts,
)
from database.retention.old_rows import delete_old_audit, delete_old_events
from database.retention.removals import (
    QUARANTINE,
    MarkedFile,
    delete_quarantine,
    lock_studies,
    mark,
    marked_bytes,
    note_files_removed,
)
from database.retention.state import EMPTYING, HELD, TURN, note_state, noted_state
from database.session import Engine, Session, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.retention.candidates import candidates
from worker.retention.choose import (
    Going,
    HeldCount,
    choose_going,
    horizon,
    result_held_back,
)
from worker.retention.files import (
    RemovedFiles,
    remove_marked,
    result_files,
)
from worker.retention.mark_going import mark_going
from worker.retention.orphans import sweep_orphans

_log = get_logger("retention")
_TURN_S = 0.5  # studies wait to be assembled by the same worker
_MOST_FILES = 2000
_MOST_TOGETHER = 200
_IN_ONE_COMMIT = 20
_QUARANTINE_TOGETHER = 200


@dataclass(slots=True)
class TurnOutcome:
    """What a turn removed, and what it held back."""

    studies: int = 0
    slices: int = 0
    results: int = 0
    quarantined: int = 0
    events: int = 0
    removed: RemovedFiles = field(default_factory=RemovedFiles)
    held: HeldCount = field(default_factory=HeldCount)
    ended: bool = True  # nothing more is to be done now

    @property
    def marked(self) -> int:
        """How many things went."""
        return self.studies + self.slices + self.results + self.quarantined + self.events


Measure = Callable[[Settings], Room]


def measure_disk(settings: Settings) -> Room:
    """The disk of the data folder, as it is now: free is what we may use of it.

    Where files are kept in a bucket, the disk holds copies, and no file of a study goes for it.
    """
    usage = shutil.disk_usage(settings.data_folder)
    return Room(usage.free, usage.total)


def retention_turn(
    settings: Settings,
    engine: Engine,
    now: datetime,
    *,
    measure: Measure = measure_disk,
    most_s: float = _TURN_S,
) -> TurnOutcome:
    """Do what is due, for at most so long; what is left over is the next turn's."""
    return _Turn(settings, engine, now, measure, most_s).run()


class _Turn:
    """The steps, with what they share."""

    def __init__(
        self, settings: Settings, engine: Engine, now: datetime, measure: Measure, most_s: float
    ) -> None:
        self._settings, self._engine, self._now = settings, engine, now
        self._retention = settings.retention
        self._measure = measure
        self._until = time.monotonic() + most_s
        self._made = TurnOutcome()

    def run(self) -> TurnOutcome:
        self._remove()
        room, before = self._measure(self._settings), self._made.removed.size_bytes
        self._by_age_and_mark(self._to_free(room))
        self._results()
        self._quarantine()
        self._remove()
        self._old_rows()
        sweep_orphans(self._settings, self._engine, self._now)
        freed = self._made.removed.size_bytes - before
        self._note(room, Room(room.free_bytes + freed, room.total_bytes))
        return self._made

    def _time_is_up(self) -> bool:
        if time.monotonic() < self._until:
            return False
        self._made.ended = False
        return True

    def _marks(self, room: Room) -> Marks:
        return marks_of(
            room.total_bytes, self._retention, min_free_bytes=self._settings.min_free_bytes
        )

    def _to_free(self, room: Room) -> int:
        if kept_files(self._settings).are_elsewhere:
            return 0
        with query(self._engine) as session:
            noted = noted_state(session, EMPTYING)
            marked = marked_bytes(session)
        was_emptying = noted is not None and bool(noted.facts.get("emptying"))
        wanted = to_free(room, self._marks(room), emptying=was_emptying)
        if was_emptying != (wanted > 0):
            with transaction(self._engine) as session:
                self._note_emptying(session, room, emptying=wanted > 0)
        return max(0, wanted - marked)

    def _by_age_and_mark(self, free_bytes: int) -> None:
        with query(self._engine) as session:
            found = candidates(self._settings, session, self._now, freeing=free_bytes > 0)
            going = list(
                self._while_there_is_time(
                    choose_going(
                        found,
                        self._now,
                        self._retention,
                        free_bytes=free_bytes,
                        held=self._made.held,
                    )
                )
            )
        for first in range(0, len(going), _IN_ONE_COMMIT):
            if self._time_is_up():
                return
            marked = mark_going(
                self._settings, self._engine, self._now, going[first : first + _IN_ONE_COMMIT]
            )
            self._made.studies += marked.studies
            self._made.slices += marked.slices
            self._remove()

    def _while_there_is_time(self, going: Iterator[Going]) -> Iterator[Going]:
        for count, one in enumerate(going, start=1):
            yield one
            if count >= _MOST_TOGETHER or self._time_is_up():
                self._made.ended = False
                return

    def _results(self) -> None:
        before = horizon(
            self._now, self._retention, days=self._retention.results_days, freeing=False
        )
        if before is None:
            return
        for together in self._old_results(before):
            for one in together:
                self._remove_files(one)
            if self._time_is_up():
                return

    def _remove_files(self, result: KeptResult) -> None:
        with transaction(self._engine) as session:
            if not lock_studies(session, [result.study_id]):
                return
            (fresh,) = result_facts(session, [result.result_id])
            study = study_facts(session, [fresh.study_id], self._now)[fresh.study_id]
            held = result_held_back(study, self._now, self._retention, only_copy=fresh.only_copy)
            if held is not None:
                return
            files = result_files(self._settings, fresh)
            mark(session, files, self._now)
            note_files_removed(session, fresh.result_id, fresh.study_id, self._now)
        self._made.results += 1

    def _old_results(self, before: datetime) -> Iterator[list[KeptResult]]:
        """In pieces, each read for itself, so that no read lasts as long as what is done."""
        last: KeptResult | None = None
        while True:
            with query(self._engine) as session:
                together = results_with(session, slices=False, before=before, after=last)
            if not together:
                return
            yield together
            last = together[-1]

    def _quarantine(self) -> None:
        if not self._retention.quarantine_days:
            return
        before = self._now - timedelta(days=self._retention.quarantine_days)
        while not self._time_is_up():
            with transaction(self._engine) as session:
                old = old_quarantine(session, before=before, limit=_QUARANTINE_TOGETHER)
                mark(
                    session,
                    [MarkedFile(QUARANTINE, one.path, one.size_bytes) for one in old if one.path],
                    self._now,
                )
                delete_quarantine(session, [one.row_id for one in old])
            self._made.quarantined += len(old)
            if len(old) < _QUARANTINE_TOGETHER:
                return

    def _old_rows(self) -> None:
        for days, delete in (
            (self._retention.events_days, delete_old_events),
            (self._retention.audit_days, self._delete_old_audit),
        ):
            while days and not self._time_is_up():
                with transaction(self._engine) as session:
                    count = delete(session, self._now - timedelta(days=days))
                self._made.events += count
                if not count:
                    break

    def _delete_old_audit(self, session: Session, before: datetime) -> int:
        keep_unsent = self._settings.audit.repository is not None
        return delete_old_audit(session, before, self._now, keep_unsent=keep_unsent)

    def _remove(self) -> None:
        gone = remove_marked(self._settings, self._engine, most_files=_MOST_FILES)
        before = self._made.removed
        self._made.removed = RemovedFiles(
            before.files + gone.files, before.size_bytes + gone.size_bytes
        )

    def _note_emptying(self, session: Session, room: Room, *, emptying: bool) -> None:
        note_state(session, EMPTYING, self._now, emptying=emptying)
        _log.info("disk_mark", emptying=emptying, free_bytes=room.free_bytes)

    def _note(self, room: Room, now_free: Room) -> None:
        """Keep what was seen; that the low mark is reached too.

        Said by the next turn, it would be too late: studies that came until then would go on
        being made room for, and the disk would never fill to its high mark again.
        """
        with transaction(self._engine) as session:
            noted = noted_state(session, EMPTYING)
            emptying = noted is not None and bool(noted.facts.get("emptying"))
            if emptying and not to_free(now_free, self._marks(room), emptying=True):
                self._note_emptying(session, now_free, emptying=False)
            note_state(session, TURN, self._now, ended=self._made.ended)
            if self._made.ended:  # otherwise not all were looked at
                held = {reason.value: count for reason, count in self._made.held.studies.items()}
                note_state(session, HELD, self._now, studies=held)
            if sample_is_due(session, self._now):
                keep_sample(session, room, self._now)
        if self._made.marked:
            _log.info(
                "retention_turn",
                studies=self._made.studies,
                slices=self._made.slices,
                results=self._made.results,
                quarantined=self._made.quarantined,
                events=self._made.events,
                files=self._made.removed.files,
                size_bytes=self._made.removed.size_bytes,
            )
