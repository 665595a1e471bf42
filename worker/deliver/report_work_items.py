"""Tell subscribers what happened to work items (PS3.4 Section CC.2.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from database.lease import LeaseLost
from database.session import Engine, transaction
from database.states import NotificationState
from database.work_items.notifications import (
    NotificationClaim,
    claim_notification,
    end_notification,
    postpone_notification,
)
from database.work_items.subscriptions import WorkItemEvent
from dicom_node.work_items.report import report_event
from radiology.errors import FirstreadError, PeerRefused
from settings.environment import Settings
from settings.log_events import get_logger
from settings.peers import Peer
from worker.attempt.retry import Backoff, retry_delay_s

_log = get_logger("work_items")
_LEASE_S = 120.0  # telling twice does no harm: a report says how things stand


def report_one(
    settings: Settings,
    engine: Engine,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> bool:
    """Claim the report that is due first and send it; False when none is due."""
    with transaction(engine) as session:
        claim = claim_notification(session, lease_s=_LEASE_S, now=clock())
    if claim is None:
        return False
    try:
        _report(settings, engine, claim, clock, random)
    except LeaseLost:
        _log.warning("notification_lease_lost", notification_id=claim.notification_id)
    return True


def _report(
    settings: Settings,
    engine: Engine,
    claim: NotificationClaim,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> None:
    try:
        report_event(
            _receiver(settings, claim.receiving_ae_title),
            claim.sop_instance_uid,
            WorkItemEvent(claim.event_type),
            claim.information,
            calling_ae_title=settings.ae_title,
            timeout_s=settings.delivery_timeout_s,
        )
    except FirstreadError as error:
        _postpone_or_end(settings, engine, claim, error, clock(), random())
        return
    with transaction(engine) as session:
        end_notification(session, claim, NotificationState.SENT, clock())


def _receiver(settings: Settings, ae_title: str) -> Peer:
    found = (one for one in settings.worklist_clients if one.ae_title == ae_title)
    peer = next((one for one in found if one.has_address), None)
    if peer is None:
        raise PeerRefused("The subscriber is not in the settings any more")
    return peer


def _postpone_or_end(
    settings: Settings,
    engine: Engine,
    claim: NotificationClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    backoff = Backoff(
        first_s=settings.delivery_first_retry_s,
        longest_s=settings.delivery_longest_retry_s,
        max_attempts=settings.delivery_max_attempts,
    )
    delay_s = retry_delay_s(error, claim.attempts, backoff, jitter=jitter)
    _log.warning(
        "subscriber_not_told",
        receiving_ae_title=claim.receiving_ae_title,
        error_kind=error.kind,
        attempt=claim.attempts,
        retry_in_s=delay_s,
    )
    with transaction(engine) as session:
        if delay_s is None:
            end_notification(
                session,
                claim,
                NotificationState.FAILED,
                now,
                error_kind=error.kind,
                error_message=str(error),
            )
        else:
            postpone_notification(
                session,
                claim,
                now + timedelta(seconds=delay_s),
                error_kind=error.kind,
                error_message=str(error),
            )
