"""What studies and jobs wait for, since when and until when: read only, plain values.

Nothing here decides. Assembly is asked what it would do (`database.arrivals.expected`), the queue
what order it has (`database.jobs.claimed`), a lease whether it holds (`database.lease`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from database.arrivals.expected import awaited_studies
from database.process_signs import SILENT_AFTER_S
from database.states import RUNNING, UNDER_WAY, DeliveryState, JobState, StudyState
from database.tables.readers.upload import ProcessSign
from database.tables.study.analysis import Delivery, Event, Job, Result, Study
from radiology.arrivals.whole import WaitLimits
from settings.served_process import ServedProcess

_BEGAN_TO_WAIT = ("queued", "returned", "requeued", "retried", "wanted_again")


class WaitsFor(StrEnum):
    """What has to happen next."""

    IMAGES = "images"  # more of them: `awaited` says why they are expected
    SWEEP = "sweep"  # the housekeeping, which is late
    TURN = "turn"  # a worker: `place` in the queue
    BUNDLE = "bundle"  # nobody: its bundle is not in use
    RETRY = "retry"  # the next attempt, after one that `error_kind` ended
    WORKER = "worker"  # the worker that has it in hand
    DESTINATION = "destination"  # to be sent
    COMMITMENT = "commitment"  # a destination's promise to keep it (PS3.4 Annex J)


@dataclass(frozen=True, slots=True)
class Wait:
    """One thing that is waited for.

    Attributes
    ----------
    since : the last image, the moment of queueing, the claim, the result
    until : when it ends by itself if nothing else happens; None where nobody knows
    facts : what else is known of it, by name
    """

    waits_for: WaitsFor
    since: datetime
    until: datetime | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaitingStudy:
    """A study with images that no job knows yet."""

    study_instance_uid: str
    accession_number: str
    sender: str
    received_at: datetime
    wait: Wait


def waiting_studies(
    session: Session, now: datetime, limits: WaitLimits, *, limit: int, uids: Sequence[str] = ()
) -> list[WaitingStudy]:
    """Studies that are not assembled, the one that has waited longest first.

    Parameters
    ----------
    limits : how long images are waited for
    uids : only these Study Instance UIDs; all when empty
    """
    awaited = {one.study_id: one for one in awaited_studies(session, now, limits)}
    asked = select(Study).where(Study.state == StudyState.RECEIVED)
    if uids:
        asked = asked.where(Study.study_instance_uid.in_(uids))
    found = []
    for study in session.scalars(asked.order_by(Study.last_instance_at, Study.id).limit(limit)):
        expected, since = awaited.get(study.id), study.last_instance_at
        if expected is None:
            wait = Wait(WaitsFor.IMAGES, since, None, {"awaited": "arriving"})
        elif expected.due_at <= now or expected.why is None:
            wait = Wait(WaitsFor.SWEEP, since, expected.due_at)
        else:
            facts = {"awaited": expected.why.value}
            wait = Wait(WaitsFor.IMAGES, since, expected.due_at, facts)
        found.append(
            WaitingStudy(
                study.study_instance_uid,
                study.accession_number,
                study.calling_ae_title,
                study.received_at,
                wait,
            )
        )
    return found


def waits_of_jobs(
    session: Session, job_ids: Collection[int], now: datetime, *, bundles: Collection[str]
) -> dict[int, tuple[Wait, ...]]:
    """What each of these jobs waits for; nothing of one that has come to its end.

    Parameters
    ----------
    bundles : that are in use: no worker takes a job of another one
    """
    jobs = session.scalars(
        select(Job)
        .where(Job.id.in_(job_ids))
        .options(selectinload(Job.result).selectinload(Result.deliveries))
    ).all()
    queue = _Queue.read(session, now, bundles)
    since = _began_to_wait(session, [job.id for job in jobs if job.state in RUNNING])
    return {
        job.id: (_of_job(job, since.get(job.id, job.queued_at), now, queue),)
        if job.state in RUNNING
        else tuple(_of_deliveries(job, now))
        for job in jobs
    }


@dataclass(frozen=True, slots=True)
class _Queue:
    """The jobs that can be claimed, in the order in which they are, and who would claim them."""

    places: Mapping[int, int]
    workers: int
    bundles: Collection[str]

    @classmethod
    def read(cls, session: Session, now: datetime, bundles: Collection[str]) -> _Queue:
        """As `database.jobs.claimed.claim_job` would take them."""
        ids = session.scalars(
            select(Job.id)
            .where(
                Job.state == JobState.QUEUED,
                Job.lease_until.is_(None),
                Job.bundle.in_(bundles),
            )
            .order_by(Job.due_at, Job.id)
        )
        workers = session.scalar(
            select(func.count())
            .select_from(ProcessSign)
            .where(
                ProcessSign.part == ServedProcess.ANALYSIS.value,
                ProcessSign.seen_at >= now - timedelta(seconds=SILENT_AFTER_S),
            )
        )
        places = {job_id: place for place, job_id in enumerate(ids, start=1)}
        return cls(places, int(workers or 0), bundles)


def _of_job(job: Job, since: datetime, now: datetime, queue: _Queue) -> Wait:
    facts: dict[str, str | int]
    if job.lease_until is None:
        if job.bundle not in queue.bundles:
            return Wait(WaitsFor.BUNDLE, since)
        facts = {
            "place": queue.places.get(job.id, 0),
            "queue": len(queue.places),
            "workers": queue.workers,
        }
        return Wait(WaitsFor.TURN, since, None, facts)
    if job.lease_until < now:
        return Wait(WaitsFor.SWEEP, since, job.lease_until)
    if job.state is JobState.QUEUED and job.error_kind:  # given back: a claim takes the reason away
        facts = {"error_kind": job.error_kind, "attempts": job.attempts}
        return Wait(WaitsFor.RETRY, since, job.lease_until, facts)
    facts = {
        "worker": job.worker,
        "progress_percent": job.progress_percent,
        "attempts": job.attempts,
    }
    return Wait(WaitsFor.WORKER, job.claimed_at or since, job.lease_until, facts)


def _of_deliveries(job: Job, now: datetime) -> list[Wait]:
    if job.result is None:
        return []
    return [
        _of_delivery(one, job.result, now)
        for one in job.result.deliveries
        if one.state in UNDER_WAY
    ]


def _of_delivery(delivery: Delivery, result: Result, now: datetime) -> Wait:
    sent = delivery.state is DeliveryState.SENT
    in_hand = delivery.lease_until is not None and delivery.lease_until >= now
    facts: dict[str, str | int] = {
        "destination": delivery.destination,
        "attempts": delivery.asks if sent else delivery.attempts,
        "in_hand": int(in_hand),
    }
    if delivery.error_kind:
        facts["error_kind"] = delivery.error_kind
    return Wait(
        WaitsFor.COMMITMENT if sent else WaitsFor.DESTINATION,
        result.created_at,
        delivery.due_at if delivery.due_at > now and not in_hand else None,
        facts,
    )


def _began_to_wait(session: Session, job_ids: Collection[int]) -> dict[int, datetime]:
    """When each job was last queued, given back, freed or sent back by a person."""
    studies = select(Job.study_id).where(Job.id.in_(job_ids))  # events have an index by study
    rows = session.execute(
        select(Event.job_id, func.max(Event.at))
        .where(
            Event.study_id.in_(studies),
            Event.job_id.in_(job_ids),
            Event.name.in_(_BEGAN_TO_WAIT),
        )
        .group_by(Event.job_id)
    )
    return {int(job_id): at for job_id, at in rows if job_id is not None}
