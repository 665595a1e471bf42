"""Sends results to their destinations, and requests storage commitment.

A delivery goes from `waiting` (objects are sent, an answer for each) to `delivered`, or by way of
`sent` (worker.deliver.commit_results asks for storage commitment) to `committed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydicom import dcmread

from database.accounts.audit import Actor, record_audit, study_reference
from database.deliveries.claimed import (
    DeliveryClaim,
    await_commitment,
    claim_delivery,
    end_delivery,
    postpone_delivery,
    record_delivery_event,
)
from database.deliveries.destinations import go_on, hold_back, next_attempt
from database.deliveries.ends import refusals_in_words
from database.deliveries.objects import (
    ObjectAnswer,
    check_patient,
    objects_at_destination,
    objects_to_send,
    record_answers,
)
from database.session import Session, query, transaction
from database.states import DeliveryState, ObjectState
from database.studies.study_of import uid_of_result
from database.tables.study.analysis import ResultObject
from dicom_node.request.c_store import StoreAnswer, error_of_answers, send_instances
from dicom_node.request.stow import store_instances
from radiology.errors import NotCommitted, PatientCorrected, PeerRefused, PeerUnreachable
from radiology.words.peer_words import with_words
from settings.log.log_events import get_logger
from settings.peers import Peer
from storage.kept_files import kept_files
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff, Ending, is_away
from worker.deliver.commit_results import ask_for_commitment
from worker.equipment import Equipment
from worker.patient.stated_element import stated_text

_log = get_logger("delivery")
_LEASE_S = 120.0  # sending twice does no harm, so it need not be renewed while a slow peer stores


def deliver_one(equipment: Equipment) -> bool:
    """Make the next step of the delivery that is due first; False when none is due."""
    return attempt_next(_Deliveries(equipment), equipment)


class _Deliveries(Queue[DeliveryClaim]):
    """Results on their way: sent, and then asked for until the destination promises to keep them.

    Both are one row and one backoff. Attempts at sending are counted by `attempts`, at asking by
    `asks`; what the destination does not promise to keep counts as an attempt at sending it. A
    destination that is away is waited for, however long, and all its deliveries wait together.
    """

    name = "deliveries"
    needs_files = True

    def __init__(self, equipment: Equipment) -> None:
        super().__init__(equipment)
        self._nobody_there = False  # this attempt got no association: no other one would either

    @property
    def backoff(self) -> Backoff:
        settings = self._equipment.settings
        return Backoff(
            settings.delivery_first_retry_s,
            settings.delivery_longest_retry_s,
            settings.delivery_max_attempts,
            patient=True,
        )

    def claim(self, session: Session, now: datetime) -> DeliveryClaim | None:
        return claim_delivery(session, lease_s=_LEASE_S, now=now)

    def facts(self, claim: DeliveryClaim) -> Mapping[str, int | str]:
        return {"delivery_id": claim.delivery_id, "destination": claim.destination}

    def study_of(self, session: Session, claim: DeliveryClaim) -> str:
        return uid_of_result(session, claim.result_id)

    def attempt_number(self, claim: DeliveryClaim, error: Exception) -> int:
        asking = claim.state is DeliveryState.SENT and not isinstance(error, NotCommitted)
        return claim.asks + 1 if asking else claim.attempts

    def unanswered(self, claim: DeliveryClaim) -> int:
        return claim.unanswered

    def attempt(self, claim: DeliveryClaim, lease: Lease) -> None:
        destinations = self._equipment.settings.destinations
        peer = next((one for one in destinations if one.name == claim.destination), None)
        if peer is None:
            raise PeerRefused(
                "The destination is not in the settings any more", destination=claim.destination
            )
        if claim.state is DeliveryState.SENT and peer.storage_commitment:
            ask_for_commitment(self._equipment, claim, peer)
        else:
            self._send(claim, peer)

    def settle(self, session: Session, claim: DeliveryClaim, end: Unsuccessful) -> None:
        match end.ending:
            case Ending.AGAIN:
                self._postpone(session, claim, end)
            case Ending.REFUSED:
                # What was made before a correction is not wanted any more: nobody need act
                outdated = isinstance(end.error, PatientCorrected)
                state = DeliveryState.WITHDRAWN if outdated else DeliveryState.REFUSED
                end_delivery(session, claim, state, end.now, **end.fault)
            case Ending.FAILED:
                end_delivery(session, claim, DeliveryState.FAILED, end.now, **end.fault)

    def _postpone(self, session: Session, claim: DeliveryClaim, end: Unsuccessful) -> None:
        due_at = end.due_at
        if self._nobody_there:
            due_at = next_attempt(session, claim, due_at, end.now)
        send_again = isinstance(end.error, NotCommitted)
        postpone_delivery(
            session,
            claim,
            due_at,
            end.now,
            **end.fault,
            state=DeliveryState.WAITING if send_again else None,
            unanswered=is_away(end.error),
        )
        if self._nobody_there:
            kind, message = end.fault["error_kind"], end.fault["error_message"]
            hold_back(session, claim, due_at, error_kind=kind, error_message=message)

    def _send(self, claim: DeliveryClaim, peer: Peer) -> None:
        equipment = self._equipment
        folder = equipment.settings.results_folder
        with query(equipment.engine) as session:
            objects = objects_to_send(session, claim)
            kept_files(equipment.settings).fetch_all([folder / one.path for one in objects])
            check_patient(session, claim, {_patient_id(folder / one.path) for one in objects})
        if claim.attempts == 1:  # each further attempt is the same transfer
            with transaction(equipment.engine) as session:
                _record_transfer(session, "transfer_begun", claim, peer, equipment.clock())
        answers = self._answers(peer, objects)
        error = error_of_answers(answers)
        ids = {folder / one.path: one.id for one in objects}
        now = equipment.clock()
        with transaction(equipment.engine) as session:
            record_answers(session, claim, {ids[one.path]: _kept(one) for one in answers}, now)
            stored = error is None or _is_part(session, claim, answers)
            if stored:
                _end_stored(session, claim, peer, now)
                _record_transfer(
                    session,
                    "results_sent",
                    claim,
                    peer,
                    now,
                    instances=sum(one.error is None for one in answers),
                )
                go_on(session, claim.destination, now)  # it is back: whatever waited for it
        if error is not None and not stored:
            raise error  # after the answers are kept
        refused = sum(one.error is not None for one in answers)
        _log.info("delivered", objects=len(answers) - refused, refused=refused)

    def _answers(self, peer: Peer, objects: Sequence[ResultObject]) -> Sequence[StoreAnswer]:
        """Send by C-STORE, or by STOW-RS where the peer has an address for it."""
        settings = self._equipment.settings
        paths = [settings.results_folder / one.path for one in objects]
        if not paths:
            return ()
        title, timeout_s = settings.ae_title, settings.delivery_timeout_s
        try:
            if peer.stow_url is not None:
                return store_instances(paths, peer, settings.stow_secret(peer), timeout_s=timeout_s)
            return send_instances(paths, peer, calling_ae_title=title, timeout_s=timeout_s)
        except PeerUnreachable:  # raised, not answered for an object: nothing was sent
            self._nobody_there = True
            raise


def _patient_id(path: Path) -> str:
    """Whom an object names; it is ours, so that it is there and can be read."""
    header = dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"])
    return stated_text(header, "PatientID")


def _kept(answer: StoreAnswer) -> ObjectAnswer:
    """What is kept of an answer. Only what the peer refuses for good is not sent again."""
    if answer.error is None:
        return ObjectAnswer(ObjectState.STORED, answer.status)
    refused = isinstance(answer.error, PeerRefused)
    state = ObjectState.REFUSED if refused else ObjectState.WAITING
    reason = with_words(answer.error.message, answer.error.said)
    return ObjectAnswer(state, answer.status, reason)


def _is_part(session: Session, claim: DeliveryClaim, answers: Sequence[StoreAnswer]) -> bool:
    """Whether the peer has answered for everything, and has taken a part of it."""
    states = {one.state for one in objects_at_destination(session, claim.delivery_id)}
    taken = states & {ObjectState.STORED, ObjectState.COMMITTED}
    return bool(answers) and bool(taken) and ObjectState.WAITING not in states


def _record_transfer(
    session: Session, name: str, claim: DeliveryClaim, peer: Peer, now: datetime, **facts: Any
) -> None:
    """Note that results go, or have gone, to a destination (PS3.15 A.5.3.3 and A.5.3.7)."""
    web = peer.stow_url
    record_audit(
        session,
        name,
        now,
        Actor(peer.name, "", peer.host or (web.host if web else "") or ""),
        study=study_reference(session, result_id=claim.result_id),
        ae_title=str(peer.ae_title),
        delivery=claim.delivery_id,
        **facts,
    )


def _end_stored(session: Session, claim: DeliveryClaim, peer: Peer, now: datetime) -> None:
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
