"""Writes how an attempt at a job ended without an answer: refused, back to the queue, or failed."""

from __future__ import annotations

from database.events import record_event
from database.jobs.claimed import Claim, end_job, return_job
from database.results.stored import store_result
from database.session import Session
from database.states import JobState, WorklistRank
from database.studies.patient import withhold_patient_of
from database.tables.study.analysis import Result
from radiology.errors import (
    BundleDoesNotApply,
    OriginalsRemoved,
    PatientUnreadable,
    Refused,
    ResultMismatch,
    SeveralPatients,
)
from radiology.outcome import Outcome
from settings.log.log_events import get_logger
from worker.attempt.queue import Unsuccessful
from worker.attempt.retry import Ending

_log = get_logger("pipeline")


def settle_job(session: Session, claim: Claim, end: Unsuccessful) -> None:
    """End a claimed job, or give it back to the queue.

    Raises
    ------
    LeaseLost
        The job is somebody else's by now.
    """
    if end.ending is Ending.AGAIN:
        return_job(session, claim, end.now, **end.fault, not_before=end.due_at)
        return
    if isinstance(end.error, BundleDoesNotApply):  # says nothing of the study
        end_job(session, claim, JobState.NOT_APPLICABLE, end.now, rank=None, **end.fault)
        return
    refused = isinstance(end.error, Refused)
    if isinstance(end.error, SeveralPatients | PatientUnreadable):
        withhold_patient_of(session, claim.study_id)
    end_job(
        session,
        claim,
        JobState.REFUSED if refused else JobState.FAILED,
        end.now,
        rank=WorklistRank.UNANSWERED,
        **end.fault,
    )
    # The answer that an earlier version has stays in force: it was given of all images.
    if isinstance(end.error, Refused) and not isinstance(end.error, OriginalsRemoved):
        _store_refusal(session, claim, end.error, end)
    if isinstance(end.error, ResultMismatch):
        _raise_alarm(session, claim, end.error, end)


def _store_refusal(session: Session, claim: Claim, error: Refused, end: Unsuccessful) -> None:
    """A refusal is an answer too: "not assessable", with the reason."""
    _log.info("refused", error_kind=error.kind, **error.facts)
    result = Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=Outcome.NOT_ASSESSABLE,
        urgency=None,
        reason=str(error),
        reading={"outcome": Outcome.NOT_ASSESSABLE.value, "refused_by": error.kind},
        created_at=end.now,
    )
    store_result(session, result, [], [], end.now)
    # A flag that an earlier version raised stays: no answer says nothing against it.
    record_event(
        session,
        "flag_not_raised",
        end.now,
        study_id=claim.study_id,
        job_id=claim.job_id,
        outcome=Outcome.NOT_ASSESSABLE.value,
        rule=error.kind,
    )


def _raise_alarm(session: Session, claim: Claim, error: ResultMismatch, end: Unsuccessful) -> None:
    """A result does not agree with its source: the study says so."""
    _log.critical("result_mismatch", reason=error.message, **error.facts)
    record_event(
        session,
        "result_mismatch",
        end.now,
        study_id=claim.study_id,
        job_id=claim.job_id,
        reason=error.message,
        **error.facts,
    )
