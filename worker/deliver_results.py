"""Send results to their destinations: one association per study, a status for each object."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from database.deliveries import (
    DeliveryClaim,
    claim_delivery,
    end_delivery,
    objects_to_send,
    postpone_delivery,
    record_statuses,
)
from database.jobs import LeaseLost
from database.session import Engine, Session, reading, transaction
from database.states import DeliveryState
from database.tables import ResultObject
from dicom_node.send import error_of_answers, send_instances
from radiology.errors import FirstreadError, PeerRefused, Refused
from settings.environment import Settings
from settings.log_events import get_logger
from worker.retry import Backoff, retry_delay_s

_log = get_logger("delivery")
_LEASE_S = 120.0  # sending twice does no harm, so it need not be renewed while a slow peer stores


def deliver_one(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> bool:
    """Claim the delivery that is due first and try it; False when none is due."""
    with transaction(engine) as session:
        claim = claim_delivery(session, lease_s=_LEASE_S, now=clock())
    if claim is None:
        return False
    with reading(engine) as session:
        objects = objects_to_send(session, claim)
    statuses: dict[int, int | None] = {one.id: None for one in objects}
    error = _send(settings, claim, objects, statuses)
    try:
        with transaction(engine) as session:
            record_statuses(session, claim, statuses, clock())
            if error is None:
                end_delivery(session, claim, DeliveryState.DELIVERED, clock())
            else:
                _postpone_or_end(session, settings, claim, error, clock(), random())
    except LeaseLost:
        _log.warning("delivery_lease_lost", delivery_id=claim.delivery_id)
    return True


def _send(
    settings: Settings,
    claim: DeliveryClaim,
    objects: list[ResultObject],
    statuses: dict[int, int | None],
) -> FirstreadError | None:
    """Send in one association; fills `statuses` and returns what stands in the way, if anything."""
    peer = next((one for one in settings.destinations if one.name == claim.destination), None)
    if peer is None:
        return PeerRefused(
            "The destination is not in the settings any more", destination=claim.destination
        )
    by_path = {settings.results_folder / one.path: one.id for one in objects}
    try:
        sent = send_instances(
            list(by_path),
            peer,
            calling_ae_title=settings.ae_title,
            timeout_s=settings.delivery_timeout_s,
        )
    except FirstreadError as error:
        return error
    statuses.update({by_path[answer.path]: answer.status for answer in sent})
    return error_of_answers(sent)


def _postpone_or_end(
    session: Session,
    settings: Settings,
    claim: DeliveryClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    backoff = Backoff(
        settings.delivery_first_retry_s,
        settings.delivery_longest_retry_s,
        settings.delivery_max_attempts,
    )
    delay_s = retry_delay_s(error, claim.attempts, backoff, jitter=jitter)
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
