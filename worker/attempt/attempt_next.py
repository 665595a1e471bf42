"""Makes an attempt at the next row of any queue: claims, holds, tries and settles it.

| what came of it | what becomes of the row                                            |
|-----------------|--------------------------------------------------------------------|
| success         | the attempt has written it, in the commit that made it true        |
| refused         | ended, with the reason; never again by itself                      |
| unavailable     | again, by the queue's own backoff; after its last attempt failed,  |
|                 | unless the queue waits for peers however long they are away        |
| lease lost      | nothing: the row is somebody else's                                |
| defect          | once more, then failed, with its trace                             |

A worker that dies does not settle its row: the lease runs out and the row is claimed again, as
often as the queue tries, and has then failed with `WorkerLost`.
"""

from __future__ import annotations

import structlog

from database.lease import LeaseLost
from database.metrics.counted import count
from database.metrics.declared import ATTEMPTS, LEASES_LOST
from database.session import transaction
from radiology.errors import Fact, FirstreadError, WorkerLost
from radiology.words.peer_words import loggable
from settings.log.log_events import get_logger
from storage.kept_files import kept_files
from worker.attempt.lease import Lease
from worker.attempt.queue import C, Queue, Unsuccessful
from worker.attempt.retry import Ending, decide, is_defect
from worker.equipment import Equipment

_log = get_logger("attempt")
_STATUSES = ("status", "http_status", "smtp_code", "code", "condition")  # of DIMSE, HTTP, SMTP, HL7


def attempt_next(queue: Queue[C], equipment: Equipment) -> bool:
    """Claim the row that is due first and try it once; False when none is due, or none can be.

    Raises
    ------
    DatabaseUnavailable
        The row cannot be claimed, or how it ended cannot be written: its lease runs out.
    """
    if queue.needs_files and not kept_files(equipment.settings).answer():
        return False
    with transaction(equipment.engine) as session:
        claim = queue.claim(session, equipment.clock())
        study = "" if claim is None else queue.study_of(session, claim)
    if claim is None:
        return False
    about = {**queue.facts(claim), **({"study_instance_uid": study} if study else {})}
    with structlog.contextvars.bound_contextvars(queue=queue.name, **about):
        try:
            error = _try(queue, claim, equipment)
            ending = "done" if error is None else _settle(queue, claim, error, equipment)
        except LeaseLost:
            ending = "lease_lost"
            count(LEASES_LOST, queue=queue.name)
            _log.warning("lease_lost")
    count(ATTEMPTS, queue=queue.name, ending=ending)
    return True


def _try(queue: Queue[C], claim: C, equipment: Equipment) -> Exception | None:
    """Try a claimed row; returns what went wrong, if anything."""
    if claim.attempts - queue.unanswered(claim) > queue.backoff.max_attempts:
        # Each of them was begun and none settled: what kills workers must not go on for ever.
        return WorkerLost(f"Attempt {claim.attempts - 1} has no end: its worker stopped")
    try:
        with Lease(
            equipment.engine, queue.renewal(claim), lease_s=equipment.settings.lease_s
        ) as lease:
            queue.attempt(claim, lease)
    except LeaseLost:
        raise
    except Exception as error:  # noqa: BLE001 where an attempt ends: docs/architecture.md
        return error
    return None


def _answered(error: Exception) -> dict[str, Fact]:
    """What a peer answered: its status, and of its words those that name nobody."""
    if not isinstance(error, FirstreadError):
        return {}
    facts = {name: error.facts[name] for name in _STATUSES if name in error.facts}
    return {**facts, "peer_said": loggable(error.said)} if error.said else facts


def _settle(queue: Queue[C], claim: C, error: Exception, equipment: Equipment) -> str:
    """Settle a row whose attempt did not succeed; gives the word by which it is counted."""
    attempt = queue.attempt_number(claim, error)
    decision = decide(
        error,
        attempt,
        queue.backoff,
        after_defect=claim.after_defect,
        unanswered=queue.unanswered(claim),
        jitter=equipment.jitter(),
    )
    end = Unsuccessful(error, decision, equipment.clock())
    facts = {"error_kind": end.fault["error_kind"], "attempt": attempt, **_answered(error)}
    if is_defect(error):
        _log.error("defect", ending=end.ending.value, trace=end.fault["trace"], **facts)
    elif end.ending is Ending.REFUSED:
        _log.info("attempt_refused", **facts)
    elif end.ending is Ending.AGAIN:
        _log.warning("attempt_postponed", retry_in_s=decision.delay_s, **facts)
    else:
        _log.warning("attempt_failed", **facts)
    with transaction(equipment.engine) as session:
        queue.settle(session, claim, end)
    queue.clear_up(claim, end)
    return "defect" if is_defect(error) else end.ending.value
