"""What the doctor asks of the database itself: its clock, and how long a commit takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from database.session import Engine, query, transaction
from database.tables.operation.doctor import DoctorRun

_COMMITS = 10


@dataclass(frozen=True, slots=True)
class CommitTimes:
    """Seconds that a commit of one row took, of some of them."""

    median_s: float
    longest_s: float


def commit_times(engine: Engine, run_id: int, now: datetime) -> CommitTimes:
    """Change the row of a run some times, each in a transaction of its own.

    Raises
    ------
    DatabaseUnavailable
        It does not answer, or cannot be written.
    """
    took: list[float] = []
    for _ in range(_COMMITS):
        began = time.perf_counter()
        with transaction(engine) as session:
            row = session.get_one(DoctorRun, run_id)
            row.report = {**row.report, "probe": len(took)}
            row.seen_at = now
        took.append(time.perf_counter() - began)
    return CommitTimes(median(took), max(took))


def server_clock(engine: Engine) -> datetime | None:
    """What a database server says that the time is; None of SQLite, which has our own clock.

    Raises
    ------
    DatabaseUnavailable
        It does not answer.
    """
    if engine.dialect.name != "postgresql":
        return None
    with query(engine) as session:
        said: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return said.astimezone(UTC)


def why_unreachable(engine: Engine) -> str:
    """What the driver says when a connection is opened; "" where one is opened after all."""
    try:
        with engine.connect():
            return ""
    except DBAPIError as error:
        lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        return lines[0].strip()
