"""Requests storage commitment from a destination, until it commits or the attempts are used up.

PS3.4 Annex J. The request is a row before it is sent. So a worker that dies, an answer that is
lost, and a peer that answers tomorrow all end in a commitment or in a new request; an object counts
as committed only when the destination has committed to it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from database.deliveries.claimed import (
    DeliveryClaim,
    await_commitment,
    end_delivery,
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
from database.session import Session, transaction
from database.states import DeliveryState, ObjectState
from dicom_node.request.storage_commitment import request_commitment
from radiology.errors import NotCommitted
from radiology.identity import derived_uid
from settings.environment import Settings
from settings.log.log_events import get_logger
from settings.peers import Peer
from worker.equipment import Equipment

_log = get_logger("delivery")
_OPEN_S = 2.0  # how long the association stays open for an answer that comes at once
_MOST_ASKS = 3  # unanswered so often, the objects are sent again before the next request


def ask_for_commitment(equipment: Equipment, claim: DeliveryClaim, peer: Peer) -> None:
    """Make the next step of a delivery whose objects are stored.

    Raises
    ------
    NotCommitted
        The peer has said that it does not keep some of them, or has not answered several times:
        they wait to be sent again.
    LeaseLost
        The delivery is somebody else's by now.
    """
    now = equipment.clock()
    with transaction(equipment.engine) as session:
        missing = _send_again(session, claim)
        if missing is None:
            transaction_uid = _transaction_uid(equipment.settings, claim, now)
            objects = record_request(session, claim, transaction_uid, now)
            if not objects:
                _end_committed(session, claim, now)
                return
            record_delivery_event(
                session, claim, "commitment_asked", now, transaction_uid=transaction_uid
            )
    if missing is not None:
        raise missing  # after it is written what waits again
    _ask(equipment, peer, transaction_uid, objects)
    _await(equipment, claim, peer)


def _send_again(session: Session, claim: DeliveryClaim) -> NotCommitted | None:
    """Let what the peer does not keep wait to be sent again; None where there is nothing."""
    objects = objects_at_destination(session, claim.delivery_id)
    failed = [one for one in objects if one.state is ObjectState.WAITING]
    if failed:
        kinds = ", ".join(dict.fromkeys(one.kind.value for one in failed))
        return NotCommitted(f"The peer does not keep what it was sent: {kinds}; it is sent again")
    if claim.asks >= _MOST_ASKS:
        send_all_again(session, claim)
        return NotCommitted("The peer does not answer for what it was sent; it is sent again")
    return None


def _ask(
    equipment: Equipment, peer: Peer, transaction_uid: str, objects: list[ObjectAtDestination]
) -> None:
    def record(report: CommitmentReport) -> Reported:
        with transaction(equipment.engine) as session:
            return record_report(
                session,
                report,
                equipment.clock(),
                destinations=(peer.name,),
                destination=peer.name,
            )

    request_commitment(
        peer,
        transaction_uid,
        {one.sop_instance_uid: one.sop_class_uid for one in objects},
        record,
        calling_ae_title=equipment.settings.ae_title,
        timeout_s=equipment.settings.delivery_timeout_s,
        wait_s=_OPEN_S,
    )


def _end_committed(session: Session, claim: DeliveryClaim, now: datetime) -> None:
    """The peer has promised everything already, in answer to several requests."""
    error_kind, error_message = refusals_in_words(session, claim.delivery_id)
    state = DeliveryState.COMMITTED
    end_delivery(session, claim, state, now, error_kind=error_kind, error_message=error_message)


def _await(equipment: Equipment, claim: DeliveryClaim, peer: Peer) -> None:
    """Leave the delivery until its answer is overdue; unless the answer has come already."""
    overdue_at = equipment.clock() + timedelta(seconds=peer.storage_commitment_timeout_s)
    try:
        with transaction(equipment.engine) as session:
            error_kind, error_message = refusals_in_words(session, claim.delivery_id)
            await_commitment(
                session, claim, overdue_at, error_kind=error_kind, error_message=error_message
            )
    except LeaseLost:
        _log.debug("commitment_answered_meanwhile")


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
