"""One study: what was found and why, what became of it, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.flag_pages import flag_decision, flag_of_study
from database.session import reading
from database.states import RETRYABLE, DeliveryState
from database.worklist_facts import (
    DecisionFacts,
    EventFacts,
    ObjectFacts,
    ResultFacts,
    StudyPage,
)
from database.worklist_rows import study_page
from worklist.case_lines import case_lines, has_heat
from worklist.figures import (
    GateLine,
    LungLine,
    algorithm_line,
    found_in_words,
    gate_lines,
    lung_lines,
    suspicion_threshold,
)
from worklist.flag_lines import flag_lines
from worklist.list_screen import list_line
from worklist.screens import PageContext, Screen, make_part
from worklist.study_words import DeliveryLine, delivery_line
from worklist.verdict import Verdict, verdict_of, verdict_of_result

_MAY_BE_SENT_AGAIN = (DeliveryState.WAITING, DeliveryState.REFUSED, DeliveryState.FAILED)


class StudyNotFound(Exception):
    """There is no study with this UID."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One event, and the seconds since the one before; None for the first."""

    at: datetime
    name: str
    since_previous_s: float | None
    facts: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SentLine:
    """One delivery with what was answered for each object."""

    delivery: DeliveryLine
    attempts: int
    objects: tuple[ObjectFacts, ...]


@dataclass(frozen=True, slots=True)
class EarlierLine:
    """A superseded result."""

    result_id: int
    superseded_by_id: int | None
    study_version: int
    created_at: datetime
    verdict: Verdict
    found: tuple[str, ...]
    suspicion: float | None
    lungs: tuple[LungLine, ...]
    gates: tuple[GateLine, ...]
    has_picture: bool
    deliveries: tuple[DeliveryLine, ...]


def study_screen(context: PageContext, study_instance_uid: str) -> Screen:
    """One study as it stands now.

    Raises
    ------
    StudyNotFound
    """
    with reading(context.engine) as session:
        page = study_page(session, study_instance_uid)
        if page is None:
            raise StudyNotFound
        study_id = page.row.study.id
        flags = flag_lines(flag_of_study(session, study_id), flag_decision(session, study_id))
    study = page.row.study
    name = study.accession_number or study.patient_id or "without accession number"
    return Screen(
        title=f"{verdict_of(page.row).word} – study {name}",
        parts=tuple(
            make_part(context.templates, f"study_{key}.html", key, **values)
            for key, values in {**_sections(page), "flags": {"lines": flags}}.items()
        ),
    )


def step_lines(events: tuple[EventFacts, ...]) -> tuple[StepLine, ...]:
    """Events with the time between them."""
    before = (None, *(event.at for event in events))
    return tuple(
        StepLine(
            at=event.at,
            name=event.name,
            since_previous_s=(event.at - previous).total_seconds() if previous else None,
            facts=tuple((name, value) for name, value in event.facts.items() if value != ""),
        )
        for event, previous in zip(events, before, strict=False)
    )


def _sections(page: StudyPage) -> Mapping[str, Mapping[str, object]]:
    """The values of each section, by its key; the page places them in this order."""
    result = page.row.result
    lungs = lung_lines(result.reading) if result else ()
    return {
        "head": {
            "line": list_line(page.row),
            "instances": page.instances,
            "series": page.series,
            "retry_job_id": _retry_job_id(page),
        },
        "picture": {
            "result_id": result.id if result and result.key_picture else None,
            "has_heat": has_heat(result.reading) if result else False,
            "superseding": page.row.superseded,
        },
        "figures": {
            "lungs": lungs,
            "suspicion": result.suspicion if result else None,
            "threshold": suspicion_threshold(result.reading) if result else None,
            "rule": result.urgency_rule if result else "",
            "kind": verdict_of(page.row).kind.value,
        },
        "case": {"case": case_lines(result.reading) if result else None},
        "gates": {"gates": gate_lines(result.reading) if result else ()},
        "deliveries": {
            "sent": _sent_lines(result),
            "send_again_job_id": _send_again_job_id(result),
            "has_result": result is not None,
        },
        "series": {"decisions": _decisions(page)},
        "steps": {
            "steps": step_lines(page.events),
            "ended_after_s": _ended_after_s(page),
            "answered": _is_answered(page),
        },
        "earlier": {"earlier": _earlier_lines(page)},
        "algorithm": {
            "algorithm": algorithm_line(result.reading) if result else None,
            "provider": result.execution_provider if result else "",
            "uid": page.row.study.study_instance_uid,
            "calling_ae_title": page.row.study.calling_ae_title,
            "jobs": page.jobs,
        },
    }


def _retry_job_id(page: StudyPage) -> int | None:
    """The newest job, when it ended in a way that a person may send back to the queue."""
    job = page.row.job
    return job.id if job is not None and job.state in RETRYABLE else None


def _send_again_job_id(result: ResultFacts | None) -> int | None:
    if result is None:
        return None
    unsent = any(
        delivery.state is not DeliveryState.WITHDRAWN
        and ((delivery.state in _MAY_BE_SENT_AGAIN and delivery.attempts) or delivery.error_kind)
        for delivery in result.deliveries
    )
    return result.job_id if unsent else None


def _sent_lines(result: ResultFacts | None) -> tuple[SentLine, ...]:
    if result is None:
        return ()
    return tuple(
        SentLine(delivery_line(delivery), delivery.attempts, delivery.objects)
        for delivery in result.deliveries
    )


def _decisions(page: StudyPage) -> tuple[DecisionFacts, ...]:
    """Of the newest job that has decided: a job that waits has not yet."""
    return next((job.decisions for job in page.jobs if job.decisions), ())


def _ended_after_s(page: StudyPage) -> float | None:
    """Seconds from the last image to the end of the newest analysis."""
    job = page.row.job
    if job is None or job.finished_at is None:
        return None
    seconds = (job.finished_at - page.row.study.last_instance_at).total_seconds()
    return seconds if seconds >= 0 else None


def _is_answered(page: StudyPage) -> bool:
    job, result = page.row.job, page.row.result
    return job is not None and result is not None and result.job_id == job.id


def _earlier_lines(page: StudyPage) -> tuple[EarlierLine, ...]:
    return tuple(
        EarlierLine(
            result_id=result.id,
            superseded_by_id=result.superseded_by_id,
            study_version=result.study_version,
            created_at=result.created_at,
            verdict=verdict_of_result(result),
            found=found_in_words(result),
            suspicion=result.suspicion,
            lungs=lung_lines(result.reading),
            gates=gate_lines(result.reading),
            has_picture=result.key_picture is not None,
            deliveries=tuple(delivery_line(item) for item in result.deliveries),
        )
        for result in page.results
        if result.superseded_by_id is not None
    )
