"""What the doctor found, for the administrator: in the reader's language, what is wrong on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from database.doctor.runs import RunFacts, last_run
from database.session import Session
from worklist.words.translations import translated, translated_row

_WORST_FIRST: Final = ("broken", "warning", "fine")


@dataclass(frozen=True, slots=True)
class DoctorScreenLine:
    """One line: how it is, what was looked at, what it is, and what to do."""

    health: str
    title: str
    said: str
    cure: str


@dataclass(frozen=True, slots=True)
class DoctorLines:
    """The last run that came to its end, and what has become of the newest.

    Attributes
    ----------
    step, done, of : of one that is under way; `of` is 0 where none is
    broken_off : the newest one has not ended, and is not heard of any more
    asked_by, machine, ended_at : of the one that ended; `ended_at` is None before the first one
    to_do, fine : its lines
    """

    step: str
    done: int
    of: int
    under_way: bool
    broken_off: bool
    asked_by: str
    machine: str
    ended_at: datetime | None
    to_do: tuple[DoctorScreenLine, ...]
    fine: tuple[DoctorScreenLine, ...]

    @property
    def worst(self) -> str:
        """The worst that there is among its lines."""
        return self.to_do[0].health if self.to_do else "fine"


def doctor_lines(session: Session, now: datetime) -> DoctorLines:
    """Read the rows of the doctor's runs."""
    newest, ended = last_run(session, now), last_run(session, now, ended=True)
    lines = [] if ended is None else [_line(one) for one in ended.lines]
    to_do = [one for one in lines if one.health != "fine"]
    return DoctorLines(
        step="" if newest is None else _step(newest),
        done=0 if newest is None else newest.done,
        of=0 if newest is None else newest.of,
        under_way=newest is not None and newest.is_under_way,
        broken_off=newest is not None and newest.broken_off,
        asked_by="" if ended is None else ended.asked_by,
        machine="" if ended is None else ended.machine,
        ended_at=None if ended is None else ended.ended_at,
        to_do=tuple(sorted(to_do, key=lambda one: _WORST_FIRST.index(one.health))),
        fine=tuple(one for one in lines if one.health == "fine"),
    )


def _step(run: RunFacts) -> str:
    return f"{translated(run.step)} {run.step_of}".strip()


def _line(row: Mapping[str, Any]) -> DoctorScreenLine:
    cure = row.get("cure")
    return DoctorScreenLine(
        str(row["health"]),
        f"{translated(str(row['title']))} {row['check_of']}".strip(),
        _sentence(row["said"]),
        "" if cure is None else _sentence(cure),
    )


def _sentence(kept: Mapping[str, Any]) -> str:
    """Its words in the reader's language; a fact that is a sentence of ours is translated too."""
    facts = {
        name: translated_row(value) if isinstance(value, str) else value
        for name, value in kept["facts"].items()
    }
    return translated(str(kept["text"]), **facts)
