"""One turn of the retention: some small steps, each of them one commit.

What is marked from before goes first; so a turn that died is ended by the next one. Then, as far as
their time has come or the disk is past a mark: images of studies, slices for the page, files of
results, quarantine, events. What is chosen is looked at once more under the study's lock: an image
may have come meanwhile.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from database.retention.disk import Room, keep_sample, marks_of, sample_is_due, to_free
from database.retention.facts import (
    KeptResult,
    old_quarantine,
    result_facts,
    results_with,
    study_facts,
)
from database.retention.held import KeptStudy, held_back
from database.retention.old_rows import delete_old_audit, delete_old_events
from database.retention.removals import (
    QUARANTINE,
    SPOOL,
    MarkedFile,
    delete_quarantine,
    lock_studies,
    mark,
    marked_bytes,
    note_files_removed,
    note_originals_removed,
    note_slices_removed,
    originals_of,
)
from database.retention.state import EMPTYING, HELD, TURN, note_state, noted_state
from database.session import Engine, Session, query, transaction
from settings.environment import Settings
from settings.log.log_events import get_logger
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
    files_below,
    remove_marked,
    result_files,
    slices_file,
)
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
    """The disk of the data folder, as it is now: free is what we may use of it."""
    usage = shutil.disk_usage(settings.data_folder)
    return Room(usage.free, usage.total)


def turn_is_due(settings: Settings, session: Session, now: datetime) -> bool:
    """Whether it is time for a turn; at once where the last one did not come to its end."""
    last = noted_state(session, TURN)
    if last is None or not last.facts.get("ended", True):
        return True
    return not timedelta() <= now - last.noted_at < timedelta(seconds=settings.retention.every_s)


def retain(settings: Settings, engine: Engine, now: datetime) -> None:
    """A turn, where one is due."""
    with query(engine) as session:
        due = turn_is_due(settings, session, now)
    if due:
        retention_turn(settings, engine, now)


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
        room = self._measure(self._settings)
        self._by_age_and_mark(self._to_free(room))
        self._results()
        self._quarantine()
        self._remove()
        self._old_rows()
        sweep_orphans(self._settings, self._engine, self._now)
        self._note(room)
        return self._made

    def _time_is_up(self) -> bool:
        if time.monotonic() < self._until:
            return False
        self._made.ended = False
        return True

    def _to_free(self, room: Room) -> int:
        marks = marks_of(
            room.total_bytes, self._retention, min_free_bytes=self._settings.min_free_bytes
        )
        with query(self._engine) as session:
            noted = noted_state(session, EMPTYING)
            marked = marked_bytes(session)
        was_emptying = noted is not None and bool(noted.facts.get("emptying"))
        wanted = to_free(room, marks, emptying=was_emptying)
        if was_emptying != (wanted > 0):
            with transaction(self._engine) as session:
                note_state(session, EMPTYING, self._now, emptying=wanted > 0)
            _log.info("disk_mark", emptying=wanted > 0, free_bytes=room.free_bytes)
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
            self._mark(going[first : first + _IN_ONE_COMMIT])
            self._remove()

    def _while_there_is_time(self, going: Iterator[Going]) -> Iterator[Going]:
        for count, one in enumerate(going, start=1):
            yield one
            if count >= _MOST_TOGETHER or self._time_is_up():
                self._made.ended = False
                return

    def _mark(self, going: Sequence[Going]) -> None:
        """Mark what goes, but for what has changed since, or is in somebody's hands."""
        spool = self._settings.spool_folder
        on_disk = {
            one.candidate.study.study_id: {
                path: state.st_size
                for path, state in files_below(spool, one.candidate.study.study_instance_uid)
            }
            for one in going
            if one.candidate.result_id is None
        }
        with transaction(self._engine) as session:
            ids = {one.candidate.study.study_id for one in going}
            locked = lock_studies(session, ids)
            studies = study_facts(session, locked, self._now) if locked else {}
            for one in going:
                study = studies.get(one.candidate.study.study_id)
                if study is None or not self._still_goes(one, study):
                    continue
                if one.candidate.result_id is None:
                    self._mark_originals(session, one, on_disk[study.study_id])
                else:
                    self._mark_slices(session, one.candidate.result_id)

    def _mark_originals(self, session: Session, going: Going, on_disk: Mapping[str, int]) -> None:
        study_id = going.candidate.study.study_id
        sizes = {**originals_of(session, study_id), **on_disk}
        mark(session, (MarkedFile(SPOOL, *one) for one in sizes.items()), self._now)
        note_originals_removed(
            session,
            study_id,
            self._now,
            because=going.because.value,
            size_bytes=sum(sizes.values()),
        )
        self._made.studies += 1

    def _mark_slices(self, session: Session, result_id: int) -> None:
        file = slices_file(self._settings, result_facts(session, result_id))
        mark(session, [] if file is None else [file], self._now)
        note_slices_removed(session, [result_id], self._now)
        self._made.slices += file is not None

    def _still_goes(self, going: Going, study: KeptStudy) -> bool:
        """By the rows as they are now."""
        candidate = going.candidate
        came_again = study.last_instance_at != candidate.at
        if candidate.result_id is None and (came_again or not study.originals_here):
            return False  # where they are gone, another turn was faster
        treatment = timedelta(days=self._retention.treatment_days)
        return held_back(study, self._now, treatment=treatment) is None

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
            fresh = result_facts(session, result.result_id)
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

    def _note(self, room: Room) -> None:
        with transaction(self._engine) as session:
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
