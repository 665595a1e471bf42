"""Runs of the doctor: begun, on their way, and kept for the page when they have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.doctor.ticket import SILENT_AFTER, new_ticket
from database.one_at_a_time import one_at_a_time
from database.tables.operation.doctor import DoctorRun
from database.tables.readers.account import NAME_LENGTH

_MACHINE_LENGTH = 255


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as it was last heard of.

    Attributes
    ----------
    done, of : how many checks have ended, and how many there are
    step, step_of : title of the check that is under way, and which one of several it is; "" where
        none is
    lines : as `firstread.doctor.line` writes them; of a run that is under way, those so far
    broken_off : it is not heard of any more, and has not ended
    """

    run_id: int
    asked_by: str
    machine: str
    ticket: str
    started_at: datetime
    ended_at: datetime | None
    done: int
    of: int
    step: str
    step_of: str
    lines: tuple[dict[str, Any], ...]
    broken_off: bool

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on."""
        return self.ended_at is None and not self.broken_off


def begin_run(session: Session, now: datetime, *, asked_by: str, machine: str) -> RunFacts | None:
    """Note that a run begins; None while another one is under way.

    Of those before only the last that has come to its end is kept.
    """
    one_at_a_time(session, "doctor")  # two that begin at once: there is no row yet to lock
    last = last_run(session, now)
    if last is not None and last.is_under_way:
        return None
    ended = last_run(session, now, ended=True)
    session.execute(delete(DoctorRun).where(DoctorRun.id != (ended.run_id if ended else 0)))
    row = DoctorRun(
        asked_by=asked_by[:NAME_LENGTH],
        machine=machine[:_MACHINE_LENGTH],
        ticket=new_ticket(),
        started_at=now,
        seen_at=now,
        ended_at=None,
        report={},
    )
    session.add(row)
    session.flush()  # its id is what the run goes by
    return _facts(row, now)


def note_run(
    session: Session,
    run_id: int,
    now: datetime,
    *,
    done: int,
    of: int,
    step: str,
    step_of: str,
    lines: Sequence[dict[str, Any]],
) -> None:
    """Note how far a run is."""
    row = session.get(DoctorRun, run_id)
    if row is None:  # it was taken for broken off, and another one has begun
        return
    row.seen_at = now
    row.report = {"done": done, "of": of, "step": step, "step_of": step_of, "lines": list(lines)}


def end_run(
    session: Session, run_id: int, now: datetime, *, lines: Sequence[dict[str, Any]]
) -> None:
    """Keep what a run has found; those before it go."""
    row = session.get(DoctorRun, run_id)
    if row is None:
        return
    row.seen_at = row.ended_at = now
    row.report = {"done": len(lines), "of": len(lines), "step": "", "lines": list(lines)}
    session.execute(delete(DoctorRun).where(DoctorRun.id < run_id))


def run_of(session: Session, run_id: int, now: datetime) -> RunFacts | None:
    """A run by its number; None where there is no such run."""
    row = session.get(DoctorRun, run_id)
    return None if row is None else _facts(row, now)


def last_run(session: Session, now: datetime, *, ended: bool = False) -> RunFacts | None:
    """The run that began last; None before the first one.

    Parameters
    ----------
    ended : only of those that came to their end
    """
    chosen = select(DoctorRun).order_by(DoctorRun.id.desc()).limit(1)
    if ended:
        chosen = chosen.where(DoctorRun.ended_at.is_not(None))
    row = session.scalars(chosen).one_or_none()
    return None if row is None else _facts(row, now)


def _facts(row: DoctorRun, now: datetime) -> RunFacts:
    report = row.report
    return RunFacts(
        run_id=row.id,
        asked_by=row.asked_by,
        machine=row.machine,
        ticket=row.ticket,
        started_at=row.started_at,
        ended_at=row.ended_at,
        done=int(report.get("done", 0)),
        of=int(report.get("of", 0)),
        step=str(report.get("step", "")),
        step_of=str(report.get("step_of", "")),
        lines=tuple(report.get("lines", ())),
        broken_off=row.ended_at is None and row.seen_at <= now - SILENT_AFTER,
    )
