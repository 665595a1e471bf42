"""The outcome of each study, for the demo and the benchmarks: read only, plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from database.states import UNDER_WAY, StudyState
from database.tables.study.analysis import Delivery, Job, Result, Study

_ANALYSED = (
    StudyState.ENCODED,
    StudyState.DELIVERED,
    StudyState.COMMITTED,
    StudyState.REFUSED,
    StudyState.FAILED,
)


@dataclass(frozen=True, slots=True)
class StudyAnswer:
    """Where a study stands and what was found.

    Of several bundles the most urgent answer is told. `ended` means that no further step follows by
    itself; `reason` is why there is no answer, or why it did not reach PACS; `reading` is what the
    row of the current result holds. The objects are those of all bundles.
    """

    study_instance_uid: str
    version: int
    state: str
    ended: bool
    answer: str
    reason: str
    rule: str
    reading: dict[str, Any]
    execution_provider: str
    key_picture: str | None
    received_at: datetime
    last_instance_at: datetime
    object_uids: tuple[str, ...]


def study_answers(session: Session) -> list[StudyAnswer]:
    """Every study in the order of the worklist page."""
    studies = session.scalars(
        select(Study)
        .options(
            selectinload(Study.jobs)
            .selectinload(Job.result)
            .options(selectinload(Result.deliveries), selectinload(Result.objects))
        )
        .order_by(Study.worklist_rank, Study.received_at)
    )
    return [_answer(study) for study in studies]


def _answer(study: Study) -> StudyAnswer:
    jobs = [one for one in study.jobs if one.study_version == study.version]
    job = min(jobs, key=_place, default=None)
    result = job.result if job else None
    results = [one.result for one in jobs if one.result is not None]
    deliveries = [delivery for one in results for delivery in one.deliveries]
    return StudyAnswer(
        study_instance_uid=study.study_instance_uid,
        version=study.version,
        state=study.state.value,
        ended=study.state in _ANALYSED and not any(_open(one) for one in deliveries),
        answer=_words(result),
        reason=_reason(job, deliveries),
        rule=result.urgency_rule if result else "",
        reading=result.reading if result else {},
        execution_provider=result.execution_provider if result else "",
        key_picture=result.key_picture if result else None,
        received_at=study.received_at,
        last_instance_at=study.last_instance_at,
        object_uids=tuple(made.sop_instance_uid for one in results for made in one.objects),
    )


def _place(job: Job) -> tuple[str, int]:
    """The most urgent answer first, then the newest job."""
    return (job.rank.value if job.rank else "9", -job.id)


def _open(delivery: Delivery) -> bool:
    return delivery.state in UNDER_WAY


def _words(result: Result | None) -> str:
    if result is None:
        return "no answer"
    return result.urgency.value if result.urgency else "not assessable"


def _reason(job: Job | None, deliveries: list[Delivery]) -> str:
    if job is not None and job.error_kind:
        return f"{job.error_kind}: {job.error_message}"
    if job is not None and job.result is not None and job.result.reason:
        return job.result.reason
    refused = [one for one in deliveries if one.error_kind]
    return "; ".join(f"{one.destination}: {one.error_message}" for one in refused)
