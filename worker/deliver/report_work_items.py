"""Tells subscribers what happened to work items (PS3.4 Section CC.2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from database.session import Session, transaction
from database.states import NotificationState
from database.studies.study_of import uid_of_work_item
from database.work_items.notifications import (
    NotificationClaim,
    claim_notification,
    end_notification,
    postpone_notification,
)
from database.work_items.subscriptions import WorkItemEvent
from dicom_node.work_items.report import report_event
from radiology.errors import PeerRefused
from settings.peers import Peer
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Queue, Unsuccessful
from worker.attempt.retry import Backoff, Ending, is_away
from worker.equipment import Equipment

_LEASE_S = 120.0  # telling twice does no harm: a report says how things stand


def report_one(equipment: Equipment) -> bool:
    """Send the report that is due first; False when none is due."""
    return attempt_next(_Reports(equipment), equipment)


class _Reports(Queue[NotificationClaim]):
    """Event reports on their way to subscribers."""

    name = "reports"

    @property
    def backoff(self) -> Backoff:
        settings = self._equipment.settings
        return Backoff(
            settings.report_first_retry_s,
            settings.report_longest_retry_s,
            settings.report_max_attempts,
            patient=True,  # a receiver that missed a report shows what is no longer so
        )

    def claim(self, session: Session, now: datetime) -> NotificationClaim | None:
        return claim_notification(session, lease_s=_LEASE_S, now=now)

    def facts(self, claim: NotificationClaim) -> Mapping[str, int | str]:
        return {
            "notification_id": claim.notification_id,
            "receiving_ae_title": claim.receiving_ae_title,
        }

    def unanswered(self, claim: NotificationClaim) -> int:
        return claim.unanswered

    def study_of(self, session: Session, claim: NotificationClaim) -> str:
        return uid_of_work_item(session, claim.sop_instance_uid)

    def attempt(self, claim: NotificationClaim, lease: Lease) -> None:
        equipment = self._equipment
        report_event(
            self._receiver(claim.receiving_ae_title),
            claim.sop_instance_uid,
            WorkItemEvent(claim.event_type),
            claim.information,
            calling_ae_title=equipment.settings.ae_title,
            timeout_s=equipment.settings.delivery_timeout_s,
        )
        with transaction(equipment.engine) as session:
            end_notification(session, claim, NotificationState.SENT, equipment.clock())

    def settle(self, session: Session, claim: NotificationClaim, end: Unsuccessful) -> None:
        if end.ending is Ending.AGAIN:
            away = is_away(end.error)
            postpone_notification(session, claim, end.due_at, **end.fault, unanswered=away)
        else:  # refused or failed: the subscriber must look by itself
            end_notification(session, claim, NotificationState.FAILED, end.now, **end.fault)

    def _receiver(self, ae_title: str) -> Peer:
        clients = self._equipment.settings.told_of_work_items
        peer = next((one for one in clients if one.ae_title == ae_title), None)
        if peer is None:
            raise PeerRefused("The subscriber is not in the settings any more")
        return peer
