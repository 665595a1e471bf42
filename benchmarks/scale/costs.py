"""What one study costs: processor seconds by part and by step, bytes, rows.

Studies are sent one at a time to a whole embedded Firstread; what all of it takes while nothing
happens is measured before and taken off.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.scale.processors import ProcessorTrace, processor_s, with_children
from benchmarks.scale.studies import PhantomStudy, make_studies, send_study
from database.events import EventRow, events_after
from database.session import query
from firstread.demo.stage import Ports, Stage, set_up_stage
from settings.served_process import ServedProcess, needed_parts

_LIMIT_S: Final = 1800.0
_IDLE_S: Final = 15.0
_STEPS: Final = ("select", "decode", "infer", "encode")
_ENDS: Final = ("claimed", "selected", "decoded", "inferred", "encoded")


@dataclass(frozen=True, slots=True)
class StudyCost:
    """What one study of a size costs, mean of several.

    Attributes
    ----------
    parts_s : processor seconds of each process, beyond what it takes when idle
    steps_s : of the analysis, by step; the rest of its part is claiming and cleaning up
    idle : share of one core that everything together takes while nothing happens
    received_bytes, kept_bytes : images as they came; objects, pictures and slices of the result
    database_bytes : pages of SQLite
    rows : by table
    """

    slices: int
    side: int
    studies: int
    parts_s: dict[str, float]
    steps_s: dict[str, float]
    idle: float
    received_bytes: float
    kept_bytes: float
    database_bytes: float
    rows: dict[str, float]

    @property
    def total_s(self) -> float:
        """Processor seconds of all parts."""
        return sum(self.parts_s.values())


def measure_costs(
    console: Console, folder: Path, *, slices: int, side: int, studies: int
) -> StudyCost:
    """Send studies one at a time and measure."""
    made = make_studies(folder / "studies", [False] * (studies + 1), slices=slices, side=side)
    with set_up_stage(folder / "stage", Ports(), say=console.print) as stage:
        parts = needed_parts(stage.settings)
        _one(stage, made[0])  # what is loaded once is not counted
        idle_s = _idle(stage, parts)
        before, held = _spent(stage, parts), _held(stage)
        began = time.monotonic()
        analysis = [stage.supervisor.pid(ServedProcess.ANALYSIS)]
        steps = dict.fromkeys(_STEPS, 0.0)
        with ProcessorTrace(analysis) as trace:
            for study in made[1:]:
                for name, seconds in _steps(trace, _one(stage, study)).items():
                    steps[name] += seconds / studies
        time.sleep(1.0)  # what follows a delivery belongs to it, and nothing says when it ends
        passed_s = time.monotonic() - began
        after, holds = _spent(stage, parts), _held(stage)
    return StudyCost(
        slices=slices,
        side=side,
        studies=studies,
        parts_s={
            part.value: max(after[part] - before[part] - idle_s[part] * passed_s, 0.0) / studies
            for part in parts
        },
        steps_s=steps,
        idle=sum(idle_s.values()),
        received_bytes=(holds.spool - held.spool) / studies,
        kept_bytes=(holds.results - held.results) / studies,
        database_bytes=(holds.pages - held.pages) / studies,
        rows={
            table: (count - held.rows[table]) / studies
            for table, count in holds.rows.items()
            if count > held.rows[table]
        },
    )


def _one(stage: Stage, study: PhantomStudy) -> list[EventRow]:
    """Send one study and wait for it to be delivered; gives its events."""
    send_study(stage, study)
    events: list[EventRow] = []

    def delivered() -> bool:
        with query(stage.engine) as session:
            events[:] = [
                one
                for one in events_after(session, 0)
                if one.study_instance_uid == study.study_instance_uid
            ]
        return any(one.name in ("delivered", "refused", "failed") for one in events)

    stage.wait(delivered, _LIMIT_S, poll_s=0.2)
    missing = {*_ENDS, "delivered"} - {one.name for one in events}
    if missing:
        raise SystemExit(f"A study did not get through: no {', '.join(sorted(missing))}")
    return events


def _steps(trace: ProcessorTrace, events: list[EventRow]) -> dict[str, float]:
    at: dict[str, datetime] = {event.name: event.at for event in events}
    moments = [at[name] for name in _ENDS]
    pairs = zip(_STEPS, itertools.pairwise(moments), strict=True)
    return {name: trace.between(began, ended) for name, (began, ended) in pairs}


def _idle(stage: Stage, parts: list[ServedProcess]) -> dict[ServedProcess, float]:
    """Processor seconds in a second of each part while nothing happens."""
    time.sleep(2.0)  # what follows the first delivery is not idle, and says no end
    before = _spent(stage, parts)
    time.sleep(_IDLE_S)  # the span that is measured
    after = _spent(stage, parts)
    return {part: (after[part] - before[part]) / _IDLE_S for part in parts}


def _spent(stage: Stage, parts: list[ServedProcess]) -> dict[ServedProcess, float]:
    return {part: processor_s(with_children(stage.supervisor.pid(part))) for part in parts}


@dataclass(frozen=True, slots=True)
class _Held:
    """Bytes of folders and of the database, rows of its tables."""

    spool: int
    results: int
    pages: int
    rows: dict[str, int]


def _held(stage: Stage) -> _Held:
    settings = stage.settings
    with _sqlite(settings.sqlite_file) as database:
        names = [
            str(name)
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        rows = {name: _number(database, f'SELECT count(*) FROM "{name}"') for name in names}
        pages = _number(database, "PRAGMA page_count") * _number(database, "PRAGMA page_size")
    return _Held(_size(settings.spool_folder), _size(settings.results_folder), pages, rows)


@contextlib.contextmanager
def _sqlite(file: Path) -> Iterator[sqlite3.Connection]:
    """The database as any other program would read it."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def _number(database: sqlite3.Connection, question: str) -> int:
    return int(database.execute(question).fetchone()[0])


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
