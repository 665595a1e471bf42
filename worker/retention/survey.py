"""What would go now and what is held back, without touching anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from database.retention.disk import Marks, Room, days_left, disk_course, marks_of, to_free
from database.retention.facts import (
    KeptResult,
    old_quarantine,
    results_with,
    study_facts,
)
from database.retention.held import HeldBack, held_back
from database.retention.state import EMPTYING, noted_state
from database.session import Engine, Session, query
from settings.environment import Settings
from storage.kept_files import kept_files
from worker.retention.candidates import candidates
from worker.retention.choose import (
    Because,
    GoingKind,
    HeldCount,
    choose_going,
    horizon,
    result_held_back,
)
from worker.retention.files import result_files
from worker.retention.turn import Measure, measure_disk

_MOST_QUARANTINE = 100_000


@dataclass(frozen=True, slots=True)
class WouldGo:
    """One thing: its kind ("originals", "slices", "result", "quarantine"), and why it would go."""

    kind: str
    of: str  # Study Instance UID; of quarantine, the number of its row
    size_bytes: int
    because: Because


@dataclass(frozen=True, slots=True)
class WouldStay:
    """A study whose images are held back although their time has come."""

    study_instance_uid: str
    reason: HeldBack


@dataclass(frozen=True, slots=True)
class Survey:
    """What would go, what is held back, and how full the disk is."""

    going: tuple[WouldGo, ...]
    held: tuple[WouldStay, ...]
    room: Room
    marks: Marks
    min_free_bytes: int
    days_left: float | None


def survey(
    settings: Settings, engine: Engine, now: datetime, *, measure: Measure = measure_disk
) -> Survey:
    """Look at everything that turns of the retention would look at now."""
    retention, room = settings.retention, measure(settings)
    marks = marks_of(room.total_bytes, retention, min_free_bytes=settings.min_free_bytes)
    with query(engine) as session:
        noted = noted_state(session, EMPTYING)
        emptying = noted is not None and bool(noted.facts.get("emptying"))
        elsewhere = kept_files(settings).are_elsewhere
        free_bytes = 0 if elsewhere else to_free(room, marks, emptying=emptying)
        going, held = _by_age_and_mark(settings, session, now, free_bytes)
        results = _old_results(settings, session, now)
        course = disk_course(session, now)
        return Survey(
            going=(*going, *results, *_quarantine(settings, session, now)),
            held=tuple(held),
            room=room,
            marks=marks,
            min_free_bytes=settings.min_free_bytes,
            days_left=days_left(course, min_free_bytes=settings.min_free_bytes),
        )


def _by_age_and_mark(
    settings: Settings, session: Session, now: datetime, free_bytes: int
) -> tuple[list[WouldGo], list[WouldStay]]:
    found = list(candidates(settings, session, now, freeing=free_bytes > 0))
    chosen = choose_going(found, now, settings.retention, free_bytes=free_bytes, held=HeldCount())
    going = [
        WouldGo(
            one.candidate.kind.value,
            one.candidate.study.study_instance_uid,
            one.candidate.size_bytes,
            one.because,
        )
        for one in chosen
        if one.candidate.size_bytes
    ]
    treatment = timedelta(days=settings.retention.treatment_days)
    studies = [one.study for one in found if one.kind is GoingKind.ORIGINALS]
    reasons = [(one, held_back(one, now, treatment=treatment)) for one in studies]
    return going, [WouldStay(one.study_instance_uid, why) for one, why in reasons if why]


def _old_results(settings: Settings, session: Session, now: datetime) -> list[WouldGo]:
    retention = settings.retention
    before = horizon(now, retention, days=retention.results_days, freeing=False)
    going: list[WouldGo] = []
    last: KeptResult | None = None
    while before is not None:
        together = results_with(session, slices=False, before=before, after=last)
        if not together:
            break
        last = together[-1]
        studies = study_facts(session, {one.study_id for one in together}, now)
        for one in together:
            study = studies[one.study_id]
            held = result_held_back(study, now, retention, only_copy=one.only_copy)
            size = sum(file.size_bytes for file in result_files(settings, one))
            if held is None and size:
                going.append(WouldGo("result", study.study_instance_uid, size, Because.AGE))
    return going


def _quarantine(settings: Settings, session: Session, now: datetime) -> list[WouldGo]:
    days = settings.retention.quarantine_days
    if not days:
        return []
    old = old_quarantine(session, before=now - timedelta(days=days), limit=_MOST_QUARANTINE)
    return [WouldGo("quarantine", str(one.row_id), one.size_bytes, Because.AGE) for one in old]
