"""The scorecard: how long studies waited, urgent against routine, and what another order gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.studies.assembly import Waits
from database.views.scorecard_rows import LoggedJob, StudyTimes
from evaluation.statistics.estimate import Estimate
from evaluation.waiting.queue_replay import QueuedItem, WhatIf, most_at_once, what_if
from evaluation.waiting.waiting_times import WaitingTimes, median_difference, waiting_times
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from worklist.scorecard.site_days import SiteDays

ALL = "all"
WITHOUT_ANSWER = "without answer"
ASKED_URGENTLY, ASKED_ROUTINELY = "STAT and HIGH", "other priorities"
_URGENT_PRIORITIES = (RequestPriority.STAT, RequestPriority.HIGH)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a time runs to, from the last image on."""

    key: str
    words: str
    moment: Callable[[StudyTimes], datetime | None]
    of_flagged: bool  # counted only for studies that are urgent or were flagged


MEASURES = (
    Measure("result", "Result", lambda one: one.result_at, False),
    Measure("flag", "Flag sent", lambda one: one.flag_sent_at, True),
    Measure("opened", "Opened by a reader", lambda one: one.opened_at, False),
    Measure("acknowledged", "Flag acknowledged", lambda one: one.acknowledged_at, True),
)


@dataclass(frozen=True)
class MeasuredTimes:
    """One measure, in all and by group; a group without a study is left out."""

    measure: Measure
    total: WaitingTimes
    by_urgency: Mapping[str, WaitingTimes]
    by_scanner: Mapping[str, WaitingTimes]
    by_day: Mapping[str, WaitingTimes]
    by_day_urgent: Mapping[str, WaitingTimes]
    difference: Estimate  # median of routine less median of urgent, s

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        groups = {
            "by_urgency": self.by_urgency,
            "by_scanner": self.by_scanner,
            "by_day": self.by_day,
        }
        return {
            ALL: self.total.entries(),
            **{
                name: {group: times.entries() for group, times in found.items()}
                for name, found in groups.items()
            },
            **self.difference.entries("routine_less_urgent_s"),
        }


@dataclass(frozen=True, slots=True)
class ReadingRoom:
    """Who reads, for the what-if.

    Attributes
    ----------
    limit_s : how long a routine study may wait until no newer study goes ahead of it
    """

    readers: int
    reading_s: float
    limit_s: float


def measured_times(studies: Sequence[StudyTimes], days: SiteDays) -> tuple[MeasuredTimes, ...]:
    """Each measure over the studies."""
    return tuple(_measured(measure, studies, days) for measure in MEASURES)


def _measured(measure: Measure, studies: Sequence[StudyTimes], days: SiteDays) -> MeasuredTimes:
    counted = [
        study
        for study in studies
        if not measure.of_flagged
        or study.urgency is Urgency.URGENT
        or study.flag_sent_at is not None
    ]
    seconds = [_seconds(one, measure) for one in counted]
    by_urgency = _grouped(urgency_word(one) for one in counted)
    day_of = {one.study_id: days.day_of(one.last_instance_at).isoformat() for one in counted}
    by_day = _grouped(day_of[one.study_id] for one in counted)
    urgent = [at for at, one in enumerate(counted) if one.urgency is Urgency.URGENT]
    by_day_urgent: dict[str, list[int]] = defaultdict(list)
    for at in urgent:
        by_day_urgent[day_of[counted[at].study_id]].append(at)

    def times(groups: Mapping[str, list[int]]) -> dict[str, WaitingTimes]:
        return {
            name: waiting_times([seconds[at] for at in groups[name]]) for name in sorted(groups)
        }

    def came(word: str) -> list[float]:
        return [found for at in by_urgency.get(word, []) if (found := seconds[at]) is not None]

    words = {name: group for name in urgency_words() if (group := by_urgency.get(name))}
    return MeasuredTimes(
        measure=measure,
        total=waiting_times(seconds),
        by_urgency={name: waiting_times([seconds[at] for at in words[name]]) for name in words},
        by_scanner=times(_grouped(one.scanner for one in counted)),
        by_day=times(by_day),
        by_day_urgent=times(by_day_urgent),
        difference=median_difference(came(Urgency.URGENT.value), came(Urgency.ROUTINE.value)),
    )


def _seconds(times: StudyTimes, measure: Measure) -> float | None:
    moment = measure.moment(times)
    return None if moment is None else (moment - times.last_instance_at).total_seconds()


def _grouped(words: Iterable[str]) -> dict[str, list[int]]:
    """Places by word."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(words):
        groups[word].append(at)
    return groups


def urgency_words() -> tuple[str, ...]:
    """The groups by urgency, in their order."""
    return (*(urgency.value for urgency in Urgency), WITHOUT_ANSWER)


def urgency_word(times: StudyTimes) -> str:
    """The group that a study belongs to."""
    return times.urgency.value if times.urgency is not None else WITHOUT_ANSWER


def replayed_jobs(jobs: Sequence[LoggedJob], waits: Waits, workers: int | None) -> WhatIf:
    """The analysis queue: by Requested Procedure Priority, with the job queue's own rule.

    Parameters
    ----------
    workers : None: as many as were seen to run at once
    """
    start = min((one.queued_at for one in jobs), default=None)
    items = [
        QueuedItem(
            queued_s=(job.queued_at - start).total_seconds() if start else 0.0,
            service_s=(job.finished_at - job.claimed_at).total_seconds(),
            allowance_s=waits.allowance(job.priority).total_seconds(),
            group=ASKED_URGENTLY if job.priority in _URGENT_PRIORITIES else ASKED_ROUTINELY,
        )
        for job in jobs
    ]
    if workers is None:
        begun = [one.claimed_at.timestamp() for one in jobs]
        workers = most_at_once(begun, [one.finished_at.timestamp() for one in jobs])
    return what_if(items, workers=workers)


def replayed_reading(studies: Sequence[StudyTimes], room: ReadingRoom) -> WhatIf:
    """The reading room: readers who take the next study of a list, around the clock.

    A study is there to be read from its result on. First in, first out against by urgency: urgent
    at once, suspected after half of the limit, everything else after the limit.
    """
    allowance_s = {Urgency.URGENT: 0.0, Urgency.SUSPECTED: room.limit_s / 2}
    there = [(one, one.result_at) for one in studies if one.result_at is not None]
    start = min((at for _, at in there), default=None)
    items = [
        QueuedItem(
            queued_s=(at - start).total_seconds() if start else 0.0,
            service_s=room.reading_s,
            allowance_s=allowance_s.get(times.urgency, room.limit_s)
            if times.urgency
            else room.limit_s,
            group=urgency_word(times),
        )
        for times, at in there
    ]
    return what_if(items, workers=room.readers)
