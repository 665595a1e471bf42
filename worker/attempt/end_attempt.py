"""How an attempt at a job ends without an answer: refused, back to the queue, or failed."""

from __future__ import annotations

import contextlib
import traceback
from datetime import datetime, timedelta

from database.events import record_event
from database.jobs.claimed import Claim, end_job, return_job
from database.lease import LeaseLost
from database.results.stored import store_result
from database.session import Session, transaction
from database.states import JobState, WorklistRank
from database.tables.analysis import Result
from radiology.errors import Refused, ResultMismatch, Unavailable
from radiology.outcome import Outcome
from settings.log_events import get_logger
from worker.attempt.retry import Backoff, retry_delay_s
from worker.equipment import Equipment

_log = get_logger("pipeline")
_DEFECT_ATTEMPTS = 2  # a defect is tried once more: memory may have been short, a disk slow


def end_refused(own: Equipment, claim: Claim, error: Refused) -> None:
    """A refusal is an answer too: "not assessable", with the reason."""
    _log.info("refused", error_kind=error.kind, **error.facts)
    now = own.clock()
    with transaction(own.engine) as session, contextlib.suppress(LeaseLost):
        end_job(
            session,
            claim,
            JobState.REFUSED,
            now,
            rank=WorklistRank.UNANSWERED,
            error_kind=error.kind,
            error_message=str(error),
        )
        _store_refusal(session, claim, error, now)
        # A flag that an earlier version raised stays: no answer says nothing against it.
        record_event(
            session,
            "flag_not_raised",
            now,
            study_id=claim.study_id,
            job_id=claim.job_id,
            outcome=Outcome.NOT_ASSESSABLE.value,
            rule=error.kind,
        )


def _store_refusal(session: Session, claim: Claim, error: Refused, now: datetime) -> None:
    store_result(
        session,
        Result(
            job_id=claim.job_id,
            study_id=claim.study_id,
            study_version=claim.study_version,
            outcome=Outcome.NOT_ASSESSABLE,
            urgency=None,
            reason=str(error),
            reading={"outcome": Outcome.NOT_ASSESSABLE.value, "refused_by": error.kind},
            created_at=now,
        ),
        [],
        [],
        now,
    )


def return_or_fail(own: Equipment, claim: Claim, error: Unavailable) -> None:
    """Something was not there: try again later, or give up after the last attempt."""
    settings = own.settings
    backoff = Backoff(
        settings.delivery_first_retry_s, settings.delivery_longest_retry_s, settings.max_attempts
    )
    delay_s = retry_delay_s(error, claim.attempts, backoff, jitter=0.0)
    _give_back(own, claim, error.kind, str(error), delay_s)


def end_defect(own: Equipment, claim: Claim, error: Exception) -> None:
    """What nobody foresaw: once more, then failed, with the lines that it came from."""
    # The message of a foreign exception may quote a data set; its type and the lines may not.
    trace = "".join(traceback.format_tb(error.__traceback__))
    _log.error("defect", error_kind=type(error).__name__, trace=trace)
    delay_s = 1.0 if claim.attempts < _DEFECT_ATTEMPTS else None
    _give_back(own, claim, type(error).__name__, "A defect; the trace is kept", delay_s, trace)


def end_mismatch(own: Equipment, claim: Claim, error: ResultMismatch) -> None:
    """A result that does not agree with its source: an alarm, and no second attempt.

    The same reading gives the same objects, so that trying again would only lose time.
    """
    _log.critical("result_mismatch", reason=error.message, **error.facts)
    with transaction(own.engine) as session:
        record_event(
            session,
            "result_mismatch",
            own.clock(),
            study_id=claim.study_id,
            job_id=claim.job_id,
            reason=error.message,
            **error.facts,
        )
    trace = "".join(traceback.format_tb(error.__traceback__))
    _give_back(own, claim, error.kind, str(error), None, trace)


def _give_back(
    own: Equipment,
    claim: Claim,
    error_kind: str,
    message: str,
    delay_s: float | None,
    trace: str = "",
) -> None:
    """Back to the queue after `delay_s`, or failed for good when that is None."""
    now = own.clock()
    with transaction(own.engine) as session, contextlib.suppress(LeaseLost):
        if delay_s is not None:
            return_job(
                session,
                claim,
                now,
                error_kind=error_kind,
                error_message=message,
                not_before=now + timedelta(seconds=delay_s),
            )
            return
        end_job(
            session,
            claim,
            JobState.FAILED,
            now,
            rank=WorklistRank.UNANSWERED,
            error_kind=error_kind,
            error_message=message,
            trace=trace,
        )
