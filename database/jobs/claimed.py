"""A job that a worker holds: claim, lease, progress, end. Celery says when, this module which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from database.events import record_event
from database.jobs.job_times import note_end, note_step, note_wait
from database.lease import claim_first, ended, ended_in_defect, let_go, write_held
from database.states import RUNNING, JobState, WorklistRank
from database.studies.study_state import settle_study
from database.tables.study.analysis import Instance, Job, SeriesDecision
from database.work_items.kept import keep_work_item
from radiology.errors import OriginalsRemoved


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in a worker's hands: valid while its fencing token is the newest."""

    job_id: int
    study_id: int
    study_version: int
    bundle: str
    fencing_token: int
    attempts: int
    after_defect: bool  # the attempt before this one ended in a defect
    queued_at: datetime  # the same each time that the job is tried


def claim_job(
    session: Session,
    *,
    worker: str,
    lease_s: float,
    now: datetime,
    bundles: Collection[str] | None = None,
) -> Claim | None:
    """Take the waiting job that is due first; None when no job waits.

    A lease that ran out does not free a job by itself: the sweep counts its attempts first.

    Parameters
    ----------
    bundles : whose jobs the worker can run: one that was started with other settings leaves the
        others alone; None for all
    """
    mine = () if bundles is None else (Job.bundle.in_(bundles),)
    row = claim_first(
        session,
        Job,
        (Job.state == JobState.QUEUED, Job.lease_until.is_(None), *mine),
        (Job.due_at, Job.id),
        lease_s=lease_s,
        now=now,
        returning=(
            Job.id,
            Job.study_id,
            Job.study_version,
            Job.bundle,
            Job.fencing_token,
            Job.attempts,
            ended_in_defect(Job),
            Job.queued_at,
        ),
        attempts=Job.attempts + 1,
        claimed_at=now,
        worker=worker,
        progress_percent=0,
        error_kind="",
        error_message="",
    )
    if row is None:
        return None
    claim = Claim(*row)
    if claim.attempts == 1:
        note_wait(session, claim.job_id, now)
    record_event(
        session,
        "claimed",
        now,
        study_id=claim.study_id,
        job_id=claim.job_id,
        worker=worker,
        attempt=claim.attempts,
    )
    return claim


def renew_lease(
    session: Session, claim: Claim, *, lease_s: float, progress_percent: int, now: datetime
) -> None:
    """Hold a job for longer, and show how far it is.

    Raises
    ------
    LeaseLost
        Another worker holds the job now.
    """
    _write(
        session,
        claim,
        lease_until=now + timedelta(seconds=lease_s),
        progress_percent=progress_percent,
    )


def advance_job(
    session: Session, claim: Claim, state: JobState, now: datetime, **facts: Any
) -> None:
    """Note that a step of a claimed job ended, with the figures worth keeping.

    Raises
    ------
    LeaseLost
        The job is somebody else's by now.
    """
    _write(session, claim, state=state)
    settle_study(session, claim.study_id)
    note_step(session, claim.job_id, state, now)
    record_event(session, state.value, now, study_id=claim.study_id, job_id=claim.job_id, **facts)


def end_job(
    session: Session,
    claim: Claim,
    state: JobState,
    now: datetime,
    *,
    rank: WorklistRank | None,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
    **facts: Any,
) -> None:
    """End the analysis of a claimed job: encoded, delivered, refused or failed; give it back.

    Parameters
    ----------
    rank : the place in the list that this end asks for; None where it says nothing of the study

    Raises
    ------
    LeaseLost
        The job is somebody else's by now.
    """
    _write(
        session,
        claim,
        **ended(state, now, error_kind=error_kind, error_message=error_message, trace=trace),
        progress_percent=100,
        rank=rank,
    )
    settle_study(session, claim.study_id)
    keep_work_item(session, claim.study_id, now)
    if state is JobState.ENCODED:
        note_step(session, claim.job_id, state, now)
    note_end(session, claim.job_id, state, now, error_kind=error_kind)
    if error_kind:
        facts = {**facts, "error_kind": error_kind}
    record_event(session, state.value, now, study_id=claim.study_id, job_id=claim.job_id, **facts)


def return_job(
    session: Session,
    claim: Claim,
    now: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
    not_before: datetime,
) -> None:
    """Give a claimed job back to the queue after something was unavailable.

    It is due again no sooner than `not_before`; the lease keeps it from being claimed until then.
    """
    _write(
        session,
        claim,
        **{
            **let_go(error_kind=error_kind, error_message=error_message, trace=trace),
            "state": JobState.QUEUED,
            "lease_until": not_before,
        },
    )
    settle_study(session, claim.study_id)
    record_event(
        session,
        "returned",
        now,
        study_id=claim.study_id,
        job_id=claim.job_id,
        error_kind=error_kind,
    )


def note_bundle(session: Session, claim: Claim, version: str) -> None:
    """Note which version of its bundle an attempt at a claimed job runs.

    Raises
    ------
    LeaseLost
        The job is somebody else's by now.
    """
    _write(session, claim, bundle_version=version)


def instance_paths(session: Session, claim: Claim) -> dict[str, str]:
    """SOP Instance UID to path, within the spool, of the instances that a job is about.

    Raises
    ------
    OriginalsRemoved
        Some of them are not here any more: what is left is not the study.
    """
    rows = session.execute(
        select(Instance.sop_instance_uid, Instance.path, Instance.removed_at)
        .where(
            Instance.study_id == claim.study_id,
            Instance.study_version <= claim.study_version,
        )
        .order_by(Instance.id)
    ).all()
    removed = sum(row.removed_at is not None for row in rows)
    if removed:
        raise OriginalsRemoved(removed=removed, images=len(rows))
    return {row.sop_instance_uid: row.path for row in rows}


def record_decisions(session: Session, claim: Claim, decisions: list[SeriesDecision]) -> None:
    """Replace an earlier attempt's decisions about the series by those of this attempt."""
    for old in session.scalars(select(SeriesDecision).where(SeriesDecision.job_id == claim.job_id)):
        session.delete(old)
    session.add_all(decisions)


def _write(session: Session, claim: Claim, **values: Any) -> None:
    """Write to the job's row if the claim still holds it."""
    unfinished = or_(Job.state.in_(RUNNING), Job.state == JobState.ENCODED)
    write_held(session, Job, claim.job_id, claim.fencing_token, unfinished, **values)
