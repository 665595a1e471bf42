"""Moments of rows after the clock was set back: what is to be done at one is moved back with it.

A lease of a worker that has died, a result that waits to be sent, the next step of a flag, a study
that waits for its last image: all of them would wait until it is as late again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from database.retention.state import TURN, noted_state
from database.tables.every import METADATA

_NEVER_SO_FAR: Final = timedelta(minutes=1)  # clocks of two hosts are apart by less
_WAITED_FOR: Final = frozenset(
    ("ask_at", "due_at", "escalate_at", "last_instance_at", "lease_until", "until")
)


def set_back_by(session: Session, now: datetime) -> timedelta | None:
    """How far the clock was set back since the last turn of the retention; None: it was not.

    Turns are one a minute, of one process, and each notes when it was.
    """
    last = noted_state(session, TURN)
    ahead = timedelta() if last is None else last.noted_at - now
    return ahead if ahead > _NEVER_SO_FAR else None


def move_moments_back(session: Session, now: datetime, by: timedelta) -> int:
    """Move moments to come back by so much, of every table; gives how many rows had one."""
    moved = 0
    for table in METADATA.sorted_tables:
        key = table.primary_key.columns
        for name in sorted(_WAITED_FOR.intersection(table.columns.keys())):
            column = table.columns[name]
            # Read and written: SQLite has no arithmetic of moments
            for *row, moment in session.execute(select(*key, column).where(column > now)).all():
                named = (one == value for one, value in zip(key, row, strict=True))
                changed = update(table).where(*named, column == moment)
                session.execute(changed.values({name: moment - by}))
                moved += 1
    return moved
