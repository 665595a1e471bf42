"""The order of the list: the moment at which each study is due.

A study is due when it came, plus what its rank may wait; the list is in the order of these moments.
The difference between two allowances is therefore the longest that a study can stand behind one
that came later: no study starves. A study that was opened stands after those that were not, unless
it is urgent or suspected; one of these whose flag somebody has acknowledged stands after those that
nobody has.

What a rank may wait is a setting, so the moment itself is not stored: within a rank it goes with
`study.received_at`, and the list merges one short stretch of the index for each rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from database.list_place import FLAGGED
from database.states import WorklistRank
from settings.page.worklist_order import WorklistOrder

_NEVER_RAISED = FLAGGED
# Of the longest wait: what came without an answer, or has none yet, goes before "routine".
_SHARES = {
    WorklistRank.SUSPECTED: 0.0,
    WorklistRank.UNANSWERED: 1 / 3,
    WorklistRank.PENDING: 2 / 3,
    WorklistRank.ROUTINE: 1.0,
}
_ACKNOWLEDGED_SHARE = 1 / 6  # what is suspected: behind its like, before what has no answer


@dataclass(frozen=True, slots=True)
class Lane:
    """Studies that are in the order of arrival among themselves."""

    rank: WorklistRank
    opened: bool
    acknowledged: bool  # its flag; of no other rank than those of `FLAGGED`


LANES = tuple(
    Lane(rank, opened, acknowledged)
    for rank in WorklistRank
    for opened in (False, True)
    for acknowledged in (False, True)
    if rank in FLAGGED or not acknowledged
)


def allowance(lane: Lane, order: WorklistOrder) -> timedelta:
    """What the studies of a lane may wait; negative where they go before what came earlier."""
    if lane.rank is WorklistRank.URGENT:
        # Twice, while nobody has seen it: whatever was acknowledged that came so much earlier.
        before = order.longest_wait_behind_urgent_s * (1 if lane.acknowledged else 2)
        return timedelta(seconds=order.longest_wait_s - before)
    if lane.rank is WorklistRank.SUSPECTED and lane.acknowledged:
        return timedelta(seconds=order.longest_wait_s * _ACKNOWLEDGED_SHARE)
    waits = timedelta(seconds=order.longest_wait_s * _SHARES[lane.rank])
    if lane.opened and lane.rank not in _NEVER_RAISED:
        return waits + timedelta(seconds=order.longest_wait_behind_urgent_s)
    return waits


def due_at(lane: Lane, received_at: datetime, order: WorklistOrder) -> datetime:
    """The moment that orders the list."""
    return received_at + allowance(lane, order)


def is_raised(lane: Lane, received_at: datetime, order: WorklistOrder, now: datetime) -> bool:
    """Whether a study has waited so long that a suspected one would now come after it.

    Where the list is in the order of arrival anyway, no study is raised.
    """
    if lane.opened or lane.rank in _NEVER_RAISED or not order.longest_wait_s:
        return False
    return due_at(lane, received_at, order) <= now
