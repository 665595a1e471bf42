"""A day of studies: how many come in each hour, drawn; and what becomes of them, computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from benchmarks.scale.simulate import QueuedStudy, Served, centile
from radiology.urgency import Urgency

HOURS: Final = (
    1.5, 1.2, 1.0, 1.0, 1.0, 1.3, 2.2, 4.5, 6.8, 7.6, 7.8, 7.4,
    6.4, 6.8, 7.2, 7.0, 6.4, 5.2, 4.2, 3.6, 3.2, 2.8, 2.2, 1.7,
)  # fmt: skip
"""Studies by hour of day, per cent: made, not recorded. A working day on top of an emergency
department; the busiest hour has 1.9 times the mean."""

_URGENT, _SUSPECTED = 0.03, 0.12  # shares; made
_SHORTEST, _MIDDLE, _LONGEST = 60, 300, 1000  # slices of a study: triangular, made


@dataclass(frozen=True, slots=True)
class WorkerSeconds:
    """What one study of `slices` takes a worker, in seconds; in proportion to its slices."""

    seconds: float
    slices: int

    def of(self, slices: float) -> float:
        """What a study of so many slices takes."""
        return self.seconds * slices / self.slices


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What a day came to. Waits are from the queue to the answer, in seconds."""

    studies: int
    workers: int
    busy: float
    busiest_hour_busy: float
    urgent_median_s: float
    urgent_95_s: float
    urgent_longest_s: float
    routine_median_s: float
    routine_95_s: float
    longest_s: float
    most_waiting: int


def draw_day(studies: int, costs: WorkerSeconds, *, seed: int) -> list[QueuedStudy]:
    """Draw a day: a Poisson process whose rate changes with the hour.

    Parameters
    ----------
    studies : how many are expected; as many as are drawn come
    costs : of a study with so many slices
    """
    random = Random(seed)
    drawn = []
    for hour, share in enumerate(HOURS):
        at, rate = hour * 3600.0, studies * share / sum(HOURS) / 3600.0
        while (at := at + random.expovariate(rate)) < (hour + 1) * 3600.0:
            slices = random.triangular(_SHORTEST, _LONGEST, _MIDDLE)
            drawn.append(QueuedStudy(at, costs.of(slices), _urgency(random.random())))
    return drawn


def mean_slices() -> float:
    """Of the studies that are drawn."""
    return (_SHORTEST + _MIDDLE + _LONGEST) / 3


def _urgency(chance: float) -> Urgency:
    if chance < _URGENT:
        return Urgency.URGENT
    return Urgency.SUSPECTED if chance < _URGENT + _SUSPECTED else Urgency.ROUTINE


def figures(served: Sequence[Served], *, workers: int) -> DayFigures:
    """Sum a day up."""
    urgent = [one.until_answer for one in served if one.study.urgency is Urgency.URGENT]
    routine = [one.until_answer for one in served if one.study.urgency is Urgency.ROUTINE]
    return DayFigures(
        studies=len(served),
        workers=workers,
        busy=sum(one.study.seconds for one in served) / (workers * 86400.0),
        busiest_hour_busy=max(_asked_for(served, hour) for hour in range(24)) / workers,
        urgent_median_s=centile(urgent, 50),
        urgent_95_s=centile(urgent, 95),
        urgent_longest_s=max(urgent, default=0.0),
        routine_median_s=centile(routine, 50),
        routine_95_s=centile(routine, 95),
        longest_s=max((one.until_answer for one in served), default=0.0),
        most_waiting=_most_waiting(served),
    )


def _asked_for(served: Sequence[Served], hour: int) -> float:
    """How many workers the studies of one hour would keep busy for an hour."""
    return sum(one.study.seconds for one in served if one.study.at // 3600 == hour) / 3600.0


def _most_waiting(served: Sequence[Served]) -> int:
    moments = sorted([(one.study.at, 1) for one in served] + [(one.began, -1) for one in served])
    waiting = most = 0
    for _, change in moments:
        waiting += change
        most = max(most, waiting)
    return most
