"""Reads spans from the rows: each is something that began and ended, with a place in its trace.

A trace is one version of a study, from the first association that brought it to the flags and
deliveries of its results. Its id and those of its spans follow from the rows, so that each span can
be sent by itself, when it has ended, and twice without harm. Facts are identifiers and words of
ours, as in the log; the names of spans are static.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from database.states import ENDED_WELL, DeliveryState, JobState
from database.tables.readers.flag import Flag
from database.tables.study.analysis import (
    Association,
    Delivery,
    Event,
    Instance,
    Job,
    Result,
    Study,
)

_STEPS = (JobState.SELECTED, JobState.DECODED, JobState.INFERRED, JobState.ENCODED)
_JOB_ENDS = tuple(
    state.value
    for state in (
        JobState.ENCODED,
        JobState.REFUSED,
        JobState.FAILED,
        JobState.NOT_APPLICABLE,
        JobState.SHADOWED,
    )
)
_DELIVERED = tuple(state.value for state in ENDED_WELL)
_NOT_DELIVERED = tuple(
    f"delivery_{state.value}" for state in (DeliveryState.REFUSED, DeliveryState.FAILED)
)
_FLAGS = ("flag_sent", "flag_refused", "flag_failed")
ENDINGS = (*_JOB_ENDS, *_DELIVERED, *_NOT_DELIVERED, *_FLAGS)
"""Names of the events with which spans end."""


@dataclass(frozen=True, slots=True)
class StudySpan:
    """Something that began and ended.

    Attributes
    ----------
    trace_id, span_id : of 16 and 8 bytes (W3C Trace Context)
    parent_id : None of the span of the study itself
    failed : why it did not go well; "" where it did
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    began: datetime
    ended: datetime
    facts: dict[str, str | int]
    failed: str = ""


def spans_of(session: Session, event: Event) -> list[StudySpan]:
    """The spans that end with an event; none where it is not about a study any more."""
    study = None if event.study_id is None else session.get(Study, event.study_id)
    if study is None:
        return []
    if event.name in _FLAGS:
        return list(_of_notice(session, study, event))
    job = None if event.job_id is None else session.get(Job, event.job_id)
    if job is None:
        return []
    if event.name in (*_DELIVERED, *_NOT_DELIVERED):
        return list(_of_delivery(session, study, job, event))
    return list(_of_job(session, study, job, event))


def _of_job(session: Session, study: Study, job: Job, event: Event) -> Iterator[StudySpan]:
    trace = _Trace(study, job.study_version)
    events = session.scalars(
        select(Event)
        .where(Event.study_id == study.id, Event.job_id == job.id, Event.id <= event.id)
        .order_by(Event.id)
    ).all()
    attempt = _last_attempt(events)
    failed = job.error_kind if event.name in ("refused", "failed") else ""
    facts: dict[str, str | int] = {"bundle": job.bundle, "job_id": job.id, "state": event.name}
    whole = trace.span("job", job.queued_at, event.at, facts, str(job.id), failed=failed)
    yield whole
    if not attempt:
        return
    claimed = attempt[0].at
    yield trace.span("wait", job.queued_at, claimed, facts, str(job.id), parent=whole.span_id)
    for before, one in itertools.pairwise(attempt):
        yield trace.span(one.name, before.at, one.at, facts, str(job.id), parent=whole.span_id)
    if _is_last_of_version(session, job, event):
        yield from _of_study(session, study, job, trace, event)


def _of_study(
    session: Session, study: Study, job: Job, trace: _Trace, event: Event
) -> Iterator[StudySpan]:
    associations = session.scalars(
        select(Association)
        .where(
            Association.id.in_(
                select(Instance.association_id).where(
                    Instance.study_id == study.id, Instance.study_version == job.study_version
                )
            )
        )
        .order_by(Association.id)
    ).all()
    began = min([study.received_at, *(one.accepted_at for one in associations)])
    if job.study_version > 1 and associations:
        began = associations[0].accepted_at
    yield trace.root(began, event.at, {"priority": study.priority.value})
    for one in associations:
        ended = one.ended_at or study.last_instance_at
        facts: dict[str, str | int] = {"association_id": one.id}
        failed = "" if one.ending in (None, "released") else str(one.ending)
        yield trace.span("association", one.accepted_at, ended, facts, str(one.id), failed=failed)
    quiet_since = min(study.last_instance_at, job.queued_at)
    yield trace.span("assembly", quiet_since, job.queued_at, {}, "")


def _of_delivery(session: Session, study: Study, job: Job, event: Event) -> Iterator[StudySpan]:
    result = session.scalars(select(Result).where(Result.job_id == job.id)).one_or_none()
    destination = str(event.facts.get("destination", ""))
    if result is None:
        return
    row = session.scalars(
        select(Delivery).where(Delivery.result_id == result.id, Delivery.destination == destination)
    ).first()
    trace = _Trace(study, job.study_version)
    facts: dict[str, str | int] = {
        "destination": destination,
        "state": event.name.removeprefix("delivery_"),
        "attempts": row.attempts if row else 0,
    }
    failed = str(event.facts.get("error_kind", "")) if event.name in _NOT_DELIVERED else ""
    yield trace.span("delivery", result.created_at, event.at, facts, str(event.id), failed=failed)


def _of_notice(session: Session, study: Study, event: Event) -> Iterator[StudySpan]:
    flag = session.scalars(select(Flag).where(Flag.study_id == study.id)).one_or_none()
    if flag is None:
        return
    result = session.get_one(Result, flag.result_id)
    trace = _Trace(study, result.study_version)
    facts: dict[str, str | int] = {
        "channel": str(event.facts.get("channel", "")),
        "kind": str(event.facts.get("kind", "")),
        "attempts": int(event.facts.get("attempt", 0)),
        "urgency": flag.urgency.value,
    }
    failed = "" if event.name == "flag_sent" else str(event.facts.get("error_kind", ""))
    yield trace.span("flag", flag.raised_at, event.at, facts, str(event.id), failed=failed)


def _last_attempt(events: Sequence[Event]) -> Sequence[Event]:
    """The last claim and the steps after it; nothing where the job ended without a claim."""
    claims = [number for number, one in enumerate(events) if one.name == "claimed"]
    if not claims:
        return ()
    claim, *others = events[claims[-1] :]
    return [claim, *(one for one in others if one.name in _STEPS)]


def _is_last_of_version(session: Session, job: Job, event: Event) -> bool:
    """Whether all bundles have ended with the version, and this one as the last."""
    others = select(Job.id).where(
        Job.study_id == job.study_id, Job.study_version == job.study_version, Job.id != job.id
    )
    unfinished = session.scalar(
        select(Job.id).where(Job.id.in_(others), Job.finished_at.is_(None)).limit(1)
    )
    later = session.scalar(
        select(Event.id)
        .where(
            Event.study_id == job.study_id,
            Event.job_id.in_(others),
            Event.name.in_(_JOB_ENDS),
            Event.id > event.id,
        )
        .limit(1)
    )
    return unfinished is None and later is None


class _Trace:
    """The trace of one version of a study."""

    def __init__(self, study: Study, version: int) -> None:
        self._facts: dict[str, str | int] = {
            "study_instance_uid": study.study_instance_uid,
            "study_version": version,
        }
        self._key = f"{study.study_instance_uid} {version}"
        self._root_id = self._number("study", 8)
        self.trace_id = self._number("trace", 16)

    def root(self, began: datetime, ended: datetime, facts: dict[str, str | int]) -> StudySpan:
        """The span of the study itself."""
        return StudySpan(
            self.trace_id, self._root_id, None, "study", began, ended, {**self._facts, **facts}
        )

    def span(
        self,
        name: str,
        began: datetime,
        ended: datetime,
        facts: dict[str, str | int],
        key: str,
        *,
        parent: int | None = None,
        failed: str = "",
    ) -> StudySpan:
        """A span below another one; `key` tells it from others of its name."""
        return StudySpan(
            self.trace_id,
            self._number(f"{name} {key}", 8),
            self._root_id if parent is None else parent,
            name,
            min(began, ended),
            ended,
            {**self._facts, **facts},
            failed,
        )

    def _number(self, what: str, size: int) -> int:
        digest = hashlib.sha256(f"firstread {self._key} {what}".encode()).digest()
        return int.from_bytes(digest[:size], "big") or 1  # 0 is no valid id
