"""What operation leaves for the next time and for the page: turns of the retention, copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from database.tables.operation.retention import RetentionState

TURN, EMPTYING, HELD, ORPHANS, BREAK = "turn", "emptying", "held", "orphans", "break"
BACKUP, RESTORED, MOVED = "backup", "restored", "moved"


@dataclass(frozen=True, slots=True)
class NotedState:
    """Facts, and since when they hold."""

    noted_at: datetime
    facts: dict[str, Any]


def note_state(session: Session, name: str, now: datetime, **facts: Any) -> None:
    """Keep facts under a name, in place of what was there."""
    session.merge(RetentionState(name=name, noted_at=now, facts=facts))


def noted_state(session: Session, name: str) -> NotedState | None:
    """What was last noted; None before the first time."""
    row = session.get(RetentionState, name)
    return None if row is None else NotedState(row.noted_at, dict(row.facts))
