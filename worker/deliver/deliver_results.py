"""Send results to their destinations, and see that they are kept there.

A delivery goes from `waiting` (objects are sent, an answer for each) to `delivered`, or by way of
`sent` (worker.deliver.commit_results asks for storage commitment) to `committed`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from database.deliveries.claimed import (
    DeliveryClaim,
    await_commitment,
    claim_delivery,
    end_delivery,
    postpone_delivery,
    record_delivery_event,
)
from database.deliveries.ends import refusals_in_words
from database.deliveries.objects import (
    ObjectAnswer,
    objects_at_destination,
    objects_to_send,
    record_answers,
)
from database.lease import LeaseLost
from database.session import Engine, Session, query, transaction
from database.states import DeliveryState, ObjectState
from database.tables.analysis import ResultObject
from dicom_node.request.c_store import StoreAnswer, error_of_answers, send_instances
from dicom_node.request.stow import store_instances
from radiology.errors import FirstreadError, PeerRefused, Refused
from settings.environment import Settings
from settings.log_events import get_logger
from settings.peers import Peer
from worker.attempt.retry import retry_delay_s
from worker.deliver.commit_results import commit_one, delivery_backoff

_log = get_logger("delivery")
_LEASE_S = 120.0  # sending twice does no harm, so it need not be renewed while a slow peer stores


def deliver_one(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> bool:
    """Claim the delivery that is due first and take it one step on; False when none is due."""
    with transaction(engine) as session:
        claim = claim_delivery(session, lease_s=_LEASE_S, now=clock())
    if claim is None:
        return False
    peer = next((one for one in settings.destinations if one.name == claim.destination), None)
    try:
        if peer is None:
            _end_without_peer(engine, claim, clock())
        elif claim.state is DeliveryState.SENT and peer.storage_commitment:
            commit_one(settings, engine, claim, peer, clock, random)
        else:
            _send_one(settings, engine, claim, peer, clock, random)
    except LeaseLost:
        _log.warning("delivery_lease_lost", delivery_id=claim.delivery_id)
    return True


def _end_without_peer(engine: Engine, claim: DeliveryClaim, now: datetime) -> None:
    error = PeerRefused(
        "The destination is not in the settings any more", destination=claim.destination
    )
    with transaction(engine) as session:
        end_delivery(
            session,
            claim,
            DeliveryState.REFUSED,
            now,
            error_kind=error.kind,
            error_message=str(error),
        )


def _send_one(
    settings: Settings,
    engine: Engine,
    claim: DeliveryClaim,
    peer: Peer,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> None:
    with query(engine) as session:
        objects = objects_to_send(session, claim)
    answers: Sequence[StoreAnswer] = ()
    try:
        answers = _send(settings, peer, objects)
        error = error_of_answers(answers)
    except FirstreadError as no_association:
        error = no_association
    by_path = {settings.results_folder / one.path: one.id for one in objects}
    with transaction(engine) as session:
        record_answers(session, claim, {by_path[one.path]: _kept(one) for one in answers}, clock())
        if error is None or _is_part(session, claim, answers):
            _settle(session, claim, peer, clock())
        else:
            _postpone_or_end(session, settings, claim, error, clock(), random())


def _send(settings: Settings, peer: Peer, objects: Sequence[ResultObject]) -> Sequence[StoreAnswer]:
    """Send by C-STORE, or by STOW-RS where the peer has an address for it."""
    paths = [settings.results_folder / one.path for one in objects]
    if not paths:
        return ()
    if peer.stow_url is not None:
        secret = settings.stow_secret(peer)
        return store_instances(paths, peer, secret, timeout_s=settings.delivery_timeout_s)
    return send_instances(
        paths, peer, calling_ae_title=settings.ae_title, timeout_s=settings.delivery_timeout_s
    )


def _kept(answer: StoreAnswer) -> ObjectAnswer:
    """What is kept of an answer. Only what the peer refuses for good is not sent again."""
    if answer.error is None:
        return ObjectAnswer(ObjectState.STORED, answer.status)
    refused = isinstance(answer.error, PeerRefused)
    state = ObjectState.REFUSED if refused else ObjectState.WAITING
    return ObjectAnswer(state, answer.status, answer.error.message)


def _is_part(session: Session, claim: DeliveryClaim, answers: Sequence[StoreAnswer]) -> bool:
    """Whether the peer has answered for everything, and has taken a part of it."""
    states = {one.state for one in objects_at_destination(session, claim.delivery_id)}
    taken = states & {ObjectState.STORED, ObjectState.COMMITTED}
    return bool(answers) and bool(taken) and ObjectState.WAITING not in states


def _settle(session: Session, claim: DeliveryClaim, peer: Peer, now: datetime) -> None:
    """Everything that the peer takes is stored: that is the end, or its promise is awaited."""
    error_kind, error_message = refusals_in_words(session, claim.delivery_id)
    if not peer.storage_commitment:
        state = DeliveryState.DELIVERED
        end_delivery(session, claim, state, now, error_kind=error_kind, error_message=error_message)
        return
    await_commitment(
        session, claim, now, asks=0, error_kind=error_kind, error_message=error_message
    )
    record_delivery_event(session, claim, "sent", now, error_kind=error_kind)


def _postpone_or_end(
    session: Session,
    settings: Settings,
    claim: DeliveryClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    delay_s = retry_delay_s(error, claim.attempts, delivery_backoff(settings), jitter=jitter)
    _log.warning(
        "not_delivered",
        destination=claim.destination,
        error_kind=error.kind,
        attempt=claim.attempts,
        retry_in_s=delay_s,
    )
    if delay_s is not None:
        postpone_delivery(
            session,
            claim,
            now + timedelta(seconds=delay_s),
            now,
            error_kind=error.kind,
            error_message=str(error),
        )
        return
    state = DeliveryState.REFUSED if isinstance(error, Refused) else DeliveryState.FAILED
    end_delivery(session, claim, state, now, error_kind=error.kind, error_message=str(error))
