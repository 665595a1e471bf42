"""What the administrator is told of the disk: how long it lasts, what goes, what is held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from database.retention.disk import days_left, disk_course, marks_of
from database.retention.state import EMPTYING, HELD, noted_state
from database.session import Session
from settings.environment import Settings


@dataclass(frozen=True, slots=True)
class RetentionLines:
    """Of the last turn of the retention, and of the last days.

    Attributes
    ----------
    days_left : until studies are refused, at the rate of the last days; None where the disk does
        not fill, or is not known for half a day yet
    begins_bytes, ends_bytes : free bytes below which the oldest goes, and until which it does
    emptying : whether it does now
    held : reasons, each with the number of studies that are past their time and held back by it
    """

    days_left: int | None
    begins_bytes: int
    ends_bytes: int
    emptying: bool
    held: tuple[tuple[str, int], ...]


def retention_lines(
    session: Session, settings: Settings, now: datetime, *, total_bytes: int
) -> RetentionLines:
    """Read from rows alone: the housekeeping has counted."""
    marks = marks_of(total_bytes, settings.retention, min_free_bytes=settings.min_free_bytes)
    left = days_left(disk_course(session, now), min_free_bytes=settings.min_free_bytes)
    emptying, held = noted_state(session, EMPTYING), noted_state(session, HELD)
    counts = {} if held is None else held.facts.get("studies", {})
    return RetentionLines(
        None if left is None else int(left),
        marks.high_free_bytes,
        marks.low_free_bytes,
        emptying is not None and bool(emptying.facts.get("emptying")),
        tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))),
    )
