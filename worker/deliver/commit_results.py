"""Ask a destination to keep what it has stored, until it has promised or it was asked in vain.

PS3.4 Annex J. The request is a row before it is sent, so a worker that dies, an answer that is
lost, and a peer that answers tomorrow all end in a promise or in asking again; nothing is taken
for kept that nobody promised.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from database.deliveries.claimed import (
    DeliveryClaim,
    await_commitment,
    end_delivery,
    postpone_delivery,
    record_delivery_event,
)
from database.deliveries.commitments import (
    CommitmentReport,
    Reported,
    record_report,
    record_request,
)
from database.deliveries.ends import refusals_in_words
from database.deliveries.objects import ObjectAtDestination, objects_at_destination, send_all_again
from database.lease import LeaseLost
from database.session import Engine, Session, transaction
from database.states import DeliveryState, ObjectState
from dicom_node.request.storage_commitment import request_commitment
from radiology.errors import FirstreadError, NotCommitted, Refused
from radiology.identity import derived_uid
from settings.environment import Settings
from settings.log_events import get_logger
from settings.peers import Peer
from worker.attempt.retry import Backoff, retry_delay_s

_log = get_logger("delivery")
_OPEN_S = 2.0  # how long the association stays open for an answer that comes at once
_MOST_ASKS = 3  # unanswered so often, the objects are sent again before the next request


def delivery_backoff(settings: Settings) -> Backoff:
    """How deliveries are tried again."""
    return Backoff(
        settings.delivery_first_retry_s,
        settings.delivery_longest_retry_s,
        settings.delivery_max_attempts,
    )


def commit_one(
    settings: Settings,
    engine: Engine,
    claim: DeliveryClaim,
    peer: Peer,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> None:
    """Take a delivery whose objects are stored one step on.

    Asks for commitment; or, when the peer has said that it does not keep some of them, or has not
    answered several times, lets them be sent again.

    Raises
    ------
    LeaseLost
        The delivery is somebody else's by now.
    """
    now = clock()
    with transaction(engine) as session:
        error = _why_to_send_again(session, claim)
        if error is not None:
            _send_again(session, settings, claim, error, now, random())
            return
        transaction_uid = _transaction_uid(settings, claim, now)
        objects = record_request(session, claim, transaction_uid, now)
        if not objects:
            _end_committed(session, claim, now)
            return
        record_delivery_event(
            session, claim, "commitment_asked", now, transaction_uid=transaction_uid
        )
    try:
        _ask(settings, engine, peer, transaction_uid, objects, clock)
    except FirstreadError as fault:
        with transaction(engine) as session:
            _postpone_or_end(session, settings, claim, fault, clock(), random())
        return
    _await(settings, engine, claim, peer, clock)


def _why_to_send_again(session: Session, claim: DeliveryClaim) -> NotCommitted | None:
    objects = objects_at_destination(session, claim.delivery_id)
    failed = [one for one in objects if one.state is ObjectState.WAITING]
    if failed:
        kinds = ", ".join(dict.fromkeys(one.kind.value for one in failed))
        return NotCommitted(f"The peer does not keep what it was sent: {kinds}; it is sent again")
    if claim.asks >= _MOST_ASKS:
        send_all_again(session, claim)
        return NotCommitted("The peer does not answer for what it was sent; it is sent again")
    return None


def _send_again(
    session: Session,
    settings: Settings,
    claim: DeliveryClaim,
    error: NotCommitted,
    now: datetime,
    jitter: float,
) -> None:
    delay_s = retry_delay_s(error, claim.attempts, delivery_backoff(settings), jitter=jitter)
    _log.warning(
        "not_committed",
        destination=claim.destination,
        attempt=claim.attempts,
        asks=claim.asks,
        retry_in_s=delay_s,
    )
    if delay_s is None:
        end_delivery(
            session,
            claim,
            DeliveryState.FAILED,
            now,
            error_kind=error.kind,
            error_message=str(error),
        )
        return
    postpone_delivery(
        session,
        claim,
        now + timedelta(seconds=delay_s),
        now,
        error_kind=error.kind,
        error_message=str(error),
        state=DeliveryState.WAITING,
    )


def _ask(
    settings: Settings,
    engine: Engine,
    peer: Peer,
    transaction_uid: str,
    objects: list[ObjectAtDestination],
    clock: Callable[[], datetime],
) -> None:
    def record(report: CommitmentReport) -> Reported:
        with transaction(engine) as session:
            return record_report(
                session, report, clock(), destinations=(peer.name,), destination=peer.name
            )

    request_commitment(
        peer,
        transaction_uid,
        {one.sop_instance_uid: one.sop_class_uid for one in objects},
        record,
        calling_ae_title=settings.ae_title,
        timeout_s=settings.delivery_timeout_s,
        wait_s=_OPEN_S,
    )


def _end_committed(session: Session, claim: DeliveryClaim, now: datetime) -> None:
    """The peer has promised everything already, in answer to several requests."""
    error_kind, error_message = refusals_in_words(session, claim.delivery_id)
    state = DeliveryState.COMMITTED
    end_delivery(session, claim, state, now, error_kind=error_kind, error_message=error_message)


def _await(
    settings: Settings,
    engine: Engine,
    claim: DeliveryClaim,
    peer: Peer,
    clock: Callable[[], datetime],
) -> None:
    """Leave the delivery until its answer is overdue; unless the answer has come already."""
    try:
        with transaction(engine) as session:
            error_kind, error_message = refusals_in_words(session, claim.delivery_id)
            await_commitment(
                session,
                claim,
                clock() + timedelta(seconds=peer.storage_commitment_timeout_s),
                error_kind=error_kind,
                error_message=error_message,
            )
    except LeaseLost:
        _log.debug("commitment_answered_meanwhile", delivery_id=claim.delivery_id)


def _postpone_or_end(
    session: Session,
    settings: Settings,
    claim: DeliveryClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    """The peer could not be asked: its objects are stored, so only the asking is tried again."""
    delay_s = retry_delay_s(error, claim.asks + 1, delivery_backoff(settings), jitter=jitter)
    _log.warning(
        "commitment_not_asked",
        destination=claim.destination,
        error_kind=error.kind,
        asks=claim.asks + 1,
        retry_in_s=delay_s,
    )
    if delay_s is None:
        state = DeliveryState.REFUSED if isinstance(error, Refused) else DeliveryState.FAILED
        end_delivery(session, claim, state, now, error_kind=error.kind, error_message=str(error))
        return
    postpone_delivery(
        session,
        claim,
        now + timedelta(seconds=delay_s),
        now,
        error_kind=error.kind,
        error_message=str(error),
    )


def _transaction_uid(settings: Settings, claim: DeliveryClaim, now: datetime) -> str:
    """A UID that names this request and no other: the token grows with each claim."""
    return derived_uid(
        "storage commitment",
        settings.ae_title,
        claim.destination,
        str(claim.result_id),
        str(claim.delivery_id),
        str(claim.fencing_token),
        now.isoformat(),
    )
