"""Chooses what goes, and says what is held back and why, from rows and the clock alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from database.retention.held import HeldBack, KeptStudy, held_back
from settings.retention import Retention


class Because(StrEnum):
    """Why something goes."""

    AGE = "age"
    DISK_MARK = "disk mark"


@dataclass(slots=True)
class HeldCount:
    """How many of one kind are held back, by reason."""

    studies: Counter[HeldBack] = field(default_factory=Counter)

    def add(self, reason: HeldBack) -> None:
        """One more."""
        self.studies[reason] += 1


class GoingKind(StrEnum):
    """What goes by age and past a mark."""

    ORIGINALS = "originals"
    SLICES = "slices"


@dataclass(frozen=True, slots=True)
class MayGo:
    """Images of a study, or the slices of one of its results, with what tells whether they may go.

    `at` is when the last image came, or the result was made; `result_id` is None for images.
    """

    kind: GoingKind
    at: datetime
    size_bytes: int
    study: KeptStudy
    result_id: int | None = None


@dataclass(frozen=True, slots=True)
class Going:
    """What goes, and why."""

    candidate: MayGo
    because: Because


def horizon(now: datetime, retention: Retention, *, days: float, freeing: bool) -> datetime | None:
    """What came before this moment may go; None where nothing may.

    Parameters
    ----------
    days : the age of its kind; 0: kept for ever, also past a mark
    freeing : whether the disk is past a mark
    """
    if days == 0:
        return None
    aged = now - timedelta(days=days)
    return max(aged, now - timedelta(hours=retention.shortest_hours)) if freeing else aged


def choose_going(
    candidates: Iterable[MayGo],
    now: datetime,
    retention: Retention,
    *,
    free_bytes: int,
    held: HeldCount,
) -> Iterator[Going]:
    """What goes, the oldest first, whatever its kind.

    Parameters
    ----------
    candidates : the oldest first, none younger than the `horizon` of its kind
    free_bytes : to be freed because the disk is past a mark; 0: only what is old enough goes
    held : counts the studies whose images would go and may not
    """
    aged = {
        GoingKind.ORIGINALS: now - timedelta(days=retention.originals_days),
        GoingKind.SLICES: now - timedelta(days=retention.slices_days),
    }
    treatment = timedelta(days=retention.treatment_days)
    for one in candidates:
        old = one.at <= aged[one.kind]
        if free_bytes <= 0 and not old:
            if one.at > max(aged.values()):
                return
            continue
        reason = held_back(one.study, now, treatment=treatment)
        if reason is not None:
            if one.kind is GoingKind.ORIGINALS:
                held.add(reason)
            continue
        free_bytes -= one.size_bytes
        yield Going(one, Because.AGE if old else Because.DISK_MARK)


def result_held_back(
    study: KeptStudy, now: datetime, retention: Retention, *, only_copy: bool
) -> HeldBack | None:
    """Why files of a result do not go; None where they may.

    Parameters
    ----------
    study : of the result
    only_copy : nobody else has its objects; False where slices for the page are asked about
    """
    reason = held_back(study, now, treatment=timedelta(days=retention.treatment_days))
    if reason is None and only_copy:
        return HeldBack.ONLY_COPY
    return reason
