"""A queue whose workers look at waiting studies first, and one of first in, first out, as events.

Pure: moments and costs in, moments out. `evaluation.waiting.queue_replay` knows of each study at
once how long it may wait; here that is only known when a worker has looked. The rules are those of
`database.jobs.claimed` (the job that is due first), `database.studies.assembly.Waits` (what a
priority may wait) and `worker.look_first` (40 looks, then the next study is read).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.waiting.queue_replay import Order, QueuedItem, replay
from radiology.urgency import Urgency
from settings.peers import RequestPriority

LOOKS_AT_ONCE: Final = 40  # worker.look_first
_LIKE: Final = {Urgency.URGENT: RequestPriority.STAT, Urgency.SUSPECTED: RequestPriority.HIGH}
_WORTH_A_LOOK: Final = (RequestPriority.HIGH, RequestPriority.ROUTINE, RequestPriority.MEDIUM)


@dataclass(frozen=True, slots=True)
class QueuedStudy:
    """A study that comes into the queue.

    Attributes
    ----------
    at : when, seconds
    seconds : how long a worker has it
    urgency : what its reading will say
    priority : what it was asked for with
    seen : whether a first look shows its urgency
    """

    at: float
    seconds: float
    urgency: Urgency
    priority: RequestPriority = RequestPriority.ROUTINE
    seen: bool = True


@dataclass(frozen=True, slots=True)
class LooksFirst:
    """How the queue is ordered.

    Attributes
    ----------
    waits_s : what each priority may wait before it goes ahead of what is more urgent and newer
    look_s : what one first look takes a worker; None: none is taken
    """

    waits_s: dict[RequestPriority, float]
    look_s: float | None

    def due(self, study: QueuedStudy, like: RequestPriority | None = None) -> float:
        """What the queue is sorted by; a look brings a study forward, never back."""
        own = self.waits_s[study.priority]
        return study.at + (own if like is None else min(own, self.waits_s[like]))


@dataclass(frozen=True, slots=True)
class Served:
    """When a study was begun and when its answer, and so its flag, was there."""

    study: QueuedStudy
    began: float
    ended: float

    @property
    def until_answer(self) -> float:
        """Seconds from the queue to the answer."""
        return self.ended - self.study.at


def first_in_first_out(studies: Sequence[QueuedStudy], *, workers: int) -> list[Served]:
    """No priorities, no looks; in the order of the answers."""
    items = [QueuedItem(one.at, one.seconds, 0.0, "") for one in studies]
    done = replay(items, workers=workers, order=Order.FIRST_IN_FIRST_OUT)
    served = [
        Served(study, float(began), float(ended))
        for study, began, ended in zip(studies, done.started_s, done.ended_s, strict=True)
    ]
    return sorted(served, key=lambda one: one.ended)


class _Waiting:
    """The studies that no worker has, by the moment that they are due."""

    def __init__(self, order: LooksFirst) -> None:
        self._order = order
        self._number = itertools.count()
        self._due: list[tuple[float, int, QueuedStudy]] = []
        self._unseen: list[tuple[float, int, QueuedStudy]] = []
        self._entry: dict[int, int] = {}  # of a study, by identity: which of its entries counts
        self.count = 0

    def add(self, study: QueuedStudy) -> None:
        """A study comes."""
        self._put(study, None)
        self.count += 1
        if self._order.look_s is not None and study.priority in _WORTH_A_LOOK:
            entry = (self._order.due(study), next(self._number), study)
            heapq.heappush(self._unseen, entry)

    def take(self) -> QueuedStudy:
        """The one that is due first."""
        while True:
            _, number, study = heapq.heappop(self._due)
            if self._entry.get(id(study)) == number:
                del self._entry[id(study)]
                self.count -= 1
                return study

    def to_look_at(self) -> QueuedStudy | None:
        """The next one that nobody has looked at; None where there is no order to decide."""
        while self.count > 1 and self._unseen:
            study = heapq.heappop(self._unseen)[2]
            if id(study) in self._entry:
                return study
        return None

    def looked_at(self, study: QueuedStudy) -> None:
        """A look has ended; nothing moves if a worker has taken the study meanwhile."""
        like = _LIKE.get(study.urgency) if study.seen else None
        if like is not None and id(study) in self._entry:
            self._put(study, like)

    def _put(self, study: QueuedStudy, like: RequestPriority | None) -> None:
        number = next(self._number)
        self._entry[id(study)] = number
        heapq.heappush(self._due, (self._order.due(study, like), number, study))


def looks_first(studies: Iterable[QueuedStudy], order: LooksFirst, *, workers: int) -> list[Served]:
    """Let studies come, be looked at and be read; in the order in which their answers are there.

    A worker that is free takes looks, up to `LOOKS_AT_ONCE`, and then the study that is due first.
    """
    coming = sorted(studies, key=lambda one: one.at)
    waiting, served = _Waiting(order), []
    number = itertools.count()
    free = [(0.0, next(number), 0) for _ in range(workers)]  # when, who, looks taken in this turn
    idle: list[tuple[int, int]] = []  # workers that found nothing
    looking: dict[int, QueuedStudy] = {}
    arrived = 0
    heapq.heapify(free)
    while free or arrived < len(coming):
        if not free or (arrived < len(coming) and coming[arrived].at <= free[0][0]):
            study = coming[arrived]
            arrived += 1
            waiting.add(study)
            if idle:
                who, looks = idle.pop(0)
                heapq.heappush(free, (study.at, who, looks))
            continue
        now, who, looks = heapq.heappop(free)
        if who in looking:
            waiting.looked_at(looking.pop(who))
        look = waiting.to_look_at() if looks < LOOKS_AT_ONCE else None
        if look is not None and order.look_s is not None:
            looking[who] = look
            heapq.heappush(free, (now + order.look_s, who, looks + 1))
        elif waiting.count:
            study = waiting.take()
            served.append(Served(study, now, now + study.seconds))
            heapq.heappush(free, (now + study.seconds, who, 0))
        else:
            idle.append((who, 0))
    return sorted(served, key=lambda one: one.ended)


def centile(values: Sequence[float], per_cent: float) -> float:
    """The value that so many of a hundred do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * per_cent / 100), len(ordered) - 1)] if ordered else 0.0
