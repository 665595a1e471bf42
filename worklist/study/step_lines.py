"""What happened to a study, step by step, with the time that each took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.views.worklist.worklist_facts import EventFacts, StudyPage
from radiology.answer.reading import ReportWords
from worklist.page.charts import duration

_IN_SECONDS_S = 120.0


@dataclass(frozen=True, slots=True)
class StepLine:
    """One event, and the time since the one before in words; empty for the first.

    `report` is of the bundle that the facts are about, None where no reading of it is known.
    """

    at: datetime
    name: str
    since_previous: str
    facts: tuple[tuple[str, Any], ...]
    report: ReportWords | None


def step_lines(
    events: tuple[EventFacts, ...], reports: Mapping[str, ReportWords]
) -> tuple[StepLine, ...]:
    """Events with the time between them.

    Parameters
    ----------
    reports : of the readings of the study, by the bundle's name
    """
    before = (None, *(event.at for event in events))
    return tuple(
        StepLine(
            at=event.at,
            name=event.name,
            since_previous=apart((event.at - previous).total_seconds()) if previous else "",
            facts=tuple((name, value) for name, value in event.facts.items() if value != ""),
            report=reports.get(event.facts.get("bundle", "")),
        )
        for event, previous in zip(events, before, strict=False)
    )


def apart(seconds: float) -> str:
    """How much later an event was than the one before, as people say it.

    Two machines may have written the two: where their clocks differ, it is earlier.
    """
    size = abs(seconds)
    said = duration(size) if size >= _IN_SECONDS_S else f"{size:.2f}\u00a0s"
    return f"−{said}" if seconds < 0 else f"+{said}"


def ended_after_s(page: StudyPage) -> float | None:
    """Seconds from the last image to the end of the newest analysis."""
    job = page.row.job
    if job is None or job.finished_at is None:
        return None
    seconds = (job.finished_at - page.row.study.last_instance_at).total_seconds()
    return seconds if seconds >= 0 else None


def is_answered(page: StudyPage) -> bool:
    """Whether the newest analysis has given the result that is shown."""
    job, result = page.row.job, page.row.result
    return job is not None and result is not None and result.job_id == job.id
