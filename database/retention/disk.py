"""How full the disk is, between which marks it stays, and how long it will last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from database.tables.operation.retention import DiskSample
from settings.retention import Retention

_SAMPLE_EVERY = timedelta(hours=1)
_COURSE = timedelta(days=7)  # by which the rate is told: a week has the same days as the next one
_LEAST_COURSE = timedelta(hours=12)
_SAMPLES_KEPT = timedelta(days=30)
_NODE_REFUSES_BEHIND_HIGH = 1.5  # removing begins before studies are refused, on any disk
_NODE_REFUSES_BEHIND_LOW = 2.0


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the disk of the data folder."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Free bytes below which what is oldest goes, and free bytes until which it does."""

    high_free_bytes: int
    low_free_bytes: int


def marks_of(total_bytes: int, retention: Retention, *, min_free_bytes: int) -> Marks:
    """The marks of a disk, as free bytes.

    The node refuses studies below `min_free_bytes` (0xA700). On a small disk that would come before
    the high mark; there the marks are moved, so that removing always begins first. No mark asks
    for more than the disk has.
    """
    high = max(
        total_bytes * (1 - retention.high_mark_percent / 100),
        _NODE_REFUSES_BEHIND_HIGH * min_free_bytes,
    )
    low = max(
        total_bytes * (1 - retention.low_mark_percent / 100),
        _NODE_REFUSES_BEHIND_LOW * min_free_bytes,
    )
    return Marks(int(min(high, total_bytes)), int(min(low, total_bytes)))


def to_free(room: Room, marks: Marks, *, emptying: bool) -> int:
    """Bytes that are to be freed now; 0 between the marks, unless freeing has begun."""
    begun = room.free_bytes < marks.high_free_bytes
    if not begun and not emptying:
        return 0
    return max(0, marks.low_free_bytes - room.free_bytes)


def days_left(samples: Sequence[tuple[datetime, int]], *, min_free_bytes: int) -> float | None:
    """Days until the disk is so full that studies are refused, at the rate of the samples.

    Parameters
    ----------
    samples : moment and free bytes, the first taken first

    Returns
    -------
    None where the disk does not fill, or too few hours are known. The slope is the least squares
    line, so that a single large removal does not decide it.
    """
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < _LEAST_COURSE:
        return None
    start = samples[0][0]
    days = [(at - start) / timedelta(days=1) for at, _ in samples]
    free = [float(free_bytes) for _, free_bytes in samples]
    mean_day, mean_free = sum(days) / len(days), sum(free) / len(free)
    spread = sum((day - mean_day) ** 2 for day in days)
    together = sum(
        (day - mean_day) * (one - mean_free) for day, one in zip(days, free, strict=True)
    )
    per_day = together / spread if spread else 0.0
    if per_day >= 0:
        return None
    return max(0.0, (free[-1] - min_free_bytes) / -per_day)


def sample_is_due(session: Session, now: datetime) -> bool:
    """Whether an hour has passed since the last sample."""
    last = session.scalar(
        select(DiskSample.sampled_at).order_by(DiskSample.sampled_at.desc()).limit(1)
    )
    return last is None or now - last >= _SAMPLE_EVERY


def keep_sample(session: Session, room: Room, now: datetime) -> None:
    """Note how full the disk is, and forget what is of no use any more."""
    session.merge(
        DiskSample(sampled_at=now, free_bytes=room.free_bytes, total_bytes=room.total_bytes)
    )
    session.execute(delete(DiskSample).where(DiskSample.sampled_at < now - _SAMPLES_KEPT))


def disk_course(session: Session, now: datetime) -> list[tuple[datetime, int]]:
    """Moment and free bytes of the last seven days, since the disk has its present size."""
    rows = session.execute(
        select(DiskSample.sampled_at, DiskSample.free_bytes, DiskSample.total_bytes)
        .where(DiskSample.sampled_at >= now - _COURSE)
        .order_by(DiskSample.sampled_at)
    ).all()
    size = rows[-1].total_bytes if rows else 0
    return [(row.sampled_at, row.free_bytes) for row in rows if row.total_bytes == size]
