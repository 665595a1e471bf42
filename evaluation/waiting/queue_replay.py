"""Replays the log of a queue in two orders: first in first out, and by urgency.

A discrete-event simulation of a queue with several equal workers without preemption. The order by
urgency is that of the job queue: by the moment of queueing plus what the item's class may wait. So
an item goes ahead of those of a less patient class for as long as it may wait, and after that of no
item that came later: prioritising shortens some waits and lengthens others by a bounded number of
items, and does the same work in the same time.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.waiting.waiting_times import WaitingTimes, waiting_times


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """One piece of work.

    Attributes
    ----------
    queued_s : when it came, in seconds from any moment
    service_s : how long a worker is busy with it
    allowance_s : what its class may wait
    group : what it is counted as
    """

    queued_s: float
    service_s: float
    allowance_s: float
    group: str


class Order(Enum):
    """Which waiting item a free worker takes."""

    FIRST_IN_FIRST_OUT = "first_in_first_out"
    PRIORITISED = "prioritised"


@dataclass(frozen=True)
class Replayed:
    """When each item was begun and ended, in seconds; shape (items,), in the given order."""

    started_s: NDArray[np.float64]
    ended_s: NDArray[np.float64]


def replay(items: Sequence[QueuedItem], *, workers: int, order: Order) -> Replayed:
    """Let workers take the items one by one.

    Parameters
    ----------
    items : in any order
    workers : at least 1
    """
    started, ended = np.zeros(len(items)), np.zeros(len(items))
    coming = sorted(range(len(items)), key=lambda index: (items[index].queued_s, index))
    free = [float("-inf")] * workers
    waiting: list[tuple[float, float, int]] = []
    now, admitted = float("-inf"), 0
    for _ in items:
        soonest = now if waiting else items[coming[admitted]].queued_s
        now = max(free[0], soonest)
        while admitted < len(coming) and items[coming[admitted]].queued_s <= now:
            heapq.heappush(waiting, _place(items[coming[admitted]], coming[admitted], order))
            admitted += 1
        *_, index = heapq.heappop(waiting)
        started[index], ended[index] = now, now + items[index].service_s
        heapq.heapreplace(free, ended[index])
    return Replayed(started, ended)


def _place(item: QueuedItem, index: int, order: Order) -> tuple[float, float, int]:
    allowance_s = item.allowance_s if order is Order.PRIORITISED else 0.0
    return (item.queued_s + allowance_s, item.queued_s, index)


@dataclass(frozen=True)
class GroupTimes:
    """Of one group: from queueing to the end, and to the beginning."""

    to_result: WaitingTimes
    wait: WaitingTimes

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        return {"to_result": self.to_result.entries(), "longest_wait_s": self.wait.most_s}


@dataclass(frozen=True)
class WhatIf:
    """Both orders by group, over the same items."""

    workers: int
    items: int
    by_order: dict[Order, dict[str, GroupTimes]]

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "workers": self.workers,
            "items": self.items,
            **{
                order.value: {group: times.entries() for group, times in groups.items()}
                for order, groups in self.by_order.items()
            },
        }


def what_if(items: Sequence[QueuedItem], *, workers: int) -> WhatIf:
    """Replay the items in both orders."""
    return WhatIf(workers, len(items), {order: _times(items, workers, order) for order in Order})


def _times(items: Sequence[QueuedItem], workers: int, order: Order) -> dict[str, GroupTimes]:
    done = replay(items, workers=workers, order=order)
    results: dict[str, list[float | None]] = defaultdict(list)
    waits: dict[str, list[float | None]] = defaultdict(list)
    for item, started, ended in zip(items, done.started_s, done.ended_s, strict=True):
        results[item.group].append(float(ended) - item.queued_s)
        waits[item.group].append(float(started) - item.queued_s)
    return {
        group: GroupTimes(waiting_times(results[group]), waiting_times(waits[group]))
        for group in sorted(results)
    }


def most_at_once(begun_s: Sequence[float], ended_s: Sequence[float]) -> int:
    """How many pieces of work were under way together at most; at least 1."""
    changes = sorted([(at, 1) for at in begun_s] + [(at, -1) for at in ended_s])
    under_way = most = 0
    for _, change in changes:
        under_way += change
        most = max(most, under_way)
    return max(most, 1)
