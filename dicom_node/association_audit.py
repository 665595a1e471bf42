"""Records associations as rows and log events: accepted, rejected, released, aborted and lost.

PS3.8 Table 9-21 (reasons for rejection), PS3.15 Annex A.5 (what an audit trail is for).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext

from database.accounts.audit import Actor, StudyReference, record_audit, study_reference
from database.doctor.ticket import is_in_force, is_ticket
from database.metrics.counted import count
from database.metrics.declared import (
    ASSOCIATIONS_ACCEPTED,
    ASSOCIATIONS_ENDED,
    ASSOCIATIONS_REJECTED,
)
from database.session import Engine, Session, query, transaction
from database.states import AssociationEnding
from database.studies.instances import end_association, open_association
from dicom_node.callers import Callers, source_name
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.association_request import AssociationFault
from dicom_node.guard.rejection import Rejection
from dicom_node.presentation_contexts import (
    accepted_contexts,
    reporting_contexts,
    worklist_contexts,
)
from dicom_node.security.handshake_fault import HandshakeFailed
from dicom_node.turned_away import TurnedAway
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from settings.log.log_events import get_logger

Clock = Callable[[], datetime]

_log = get_logger("node")

# PS3.8 Table 9-21: 1 permanent, 2 transient; by 1 the service user, 2 the provider (ACSE), 3 the
# provider (presentation)
REQUEST_NOT_READ: Final = Rejection(1, 2, 1)
PROTOCOL_VERSION_NOT_SUPPORTED: Final = Rejection(1, 2, 2)
APPLICATION_CONTEXT_NOT_SUPPORTED: Final = Rejection(1, 1, 2)
CALLING_AE_TITLE_NOT_RECOGNISED: Final = Rejection(1, 1, 3)
CALLED_AE_TITLE_NOT_RECOGNISED: Final = Rejection(1, 1, 7)
TEMPORARY_CONGESTION: Final = Rejection(2, 3, 1)
LOCAL_LIMIT_EXCEEDED: Final = Rejection(2, 3, 2)

_OF_FAULT: Final = {
    AssociationFault.CALLED_AE_TITLE: (
        CALLED_AE_TITLE_NOT_RECOGNISED,
        "the peer calls us by what is no AE title: correct it there",
    ),
    AssociationFault.CALLING_AE_TITLE: (
        CALLING_AE_TITLE_NOT_RECOGNISED,
        "the peer's own AE title is none: give it up to 16 ASCII characters there, no backslash",
    ),
    AssociationFault.PROTOCOL_VERSION: (
        PROTOCOL_VERSION_NOT_SUPPORTED,
        "the peer does not speak version 1 of the upper layer protocol",
    ),
    AssociationFault.CONTENT: (
        REQUEST_NOT_READ,
        "the request is damaged: look into the peer's log, or at what stands between it and us",
    ),
}

_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"  # PS3.7 Annex A.2.1


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What a caller is told who is not let in, and for the administrator a word and what to do."""

    rejection: Rejection
    reason: str
    hint: str = ""


class AssociationAudit:
    """Decides who is let in, and notes how each association begins and ends."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        clock: Clock,
        count: Callable[[], int],
        callers: Callers | None = None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._clock = clock
        self._count = count
        self._callers = callers or Callers(settings.sources)
        self._reporters = Callers(settings.committing)
        self._clients = Callers(settings.worklist_clients)
        self._anybody = Callers(settings.peers)
        self._turned_away = TurnedAway(engine, clock)

    def admit(self, association: AcceptedAssociation, request: A_ASSOCIATE) -> Rejection | None:
        """Decide on an association request, and note the decision as a row.

        Of rejections only so many get a row as the administrator has a use for: whoever is not
        known could fill the database with them.

        Returns
        -------
        None when the caller is let in. When the database does not answer, no peer is admitted: no
        instance could be stored, and "temporary congestion" tells the peer to try again later.
        """
        called = str(request.called_ae_title).strip()
        refusal = self._decide(association, request, called)
        rejection = None if refusal is None else refusal.rejection
        if refusal is not None and not self._note(association, refusal):
            return rejection
        try:
            with transaction(self._engine) as session:
                row = open_association(
                    session,
                    self._clock(),
                    calling_ae_title=association.calling_ae_title,
                    called_ae_title=called,
                    address=association.address,
                )
                if rejection is not None:
                    end_association(session, row, AssociationEnding.REJECTED, self._clock())
        except DatabaseUnavailable:
            _log.error("database_unavailable", **association.facts())
            if rejection is None:
                count(ASSOCIATIONS_REJECTED, reason="database_unavailable")
            return rejection or TEMPORARY_CONGESTION
        if rejection is None:
            association.association_id = row  # of nobody else: by it those are counted who are in
            _log.info("association_accepted", **association.facts())
            count(ASSOCIATIONS_ACCEPTED, source=source_name(association.peer))
        return rejection

    def end(self, association: AcceptedAssociation) -> None:
        """Note the end of an association that was let in."""
        if association.association_id is None or association.is_rejected:
            return
        released = association.is_released
        ending = AssociationEnding.RELEASED if released else AssociationEnding.ABORTED
        facts = association.facts()
        if association.refused:
            facts["refused"] = association.refused
        count(ASSOCIATIONS_ENDED, ending="lost" if association.lost else ending.value)
        if released:
            _log.info("association_released", **facts)
        elif association.lost:
            _log.warning("association_lost", **facts)
        else:
            _log.warning("association_aborted", **facts)
        try:
            with transaction(self._engine) as session:
                now = self._clock()
                end_association(session, association.association_id, ending, now)
                self._record_received(session, association, now)
        except DatabaseUnavailable:
            # The row stays open; its studies are assembled after the longer quiet period.
            _log.error("database_unavailable", **facts)

    def _record_received(
        self, session: Session, association: AcceptedAssociation, now: datetime
    ) -> None:
        """Note each study that it has brought (PS3.15 A.5.3.7), once, with what came of it."""
        actor = Actor(association.calling_ae_title, "", association.address)
        for uid, instances in sorted(association.studies.items()):
            study = study_reference(session, study_instance_uid=uid)
            record_audit(
                session,
                "study_received",
                now,
                actor,
                study=study or StudyReference(uid, ""),
                ae_title=association.calling_ae_title,
                instances=instances,
                encrypted=association.certificate is not None,
            )

    def _note(self, association: AcceptedAssociation, refusal: _Refusal) -> bool:
        """Say and count that a caller is turned away; whether it is worth a row."""
        count(ASSOCIATIONS_REJECTED, reason=refusal.reason)
        return self._turned_away.rejected(association.facts(), refusal.reason, refusal.hint)

    def _decide(
        self, association: AcceptedAssociation, request: A_ASSOCIATE, called: str
    ) -> _Refusal | None:
        calling = association.calling_ae_title
        if association.request_fault is not None:
            rejection, hint = _OF_FAULT[association.request_fault]
            return _Refusal(rejection, association.request_fault.value, hint)
        if str(request.application_context_name) != _APPLICATION_CONTEXT:
            return _Refusal(APPLICATION_CONTEXT_NOT_SUPPORTED, "application_context")
        if called != self._settings.ae_title:
            hint = f"call {self._settings.ae_title}, or set ae_title to {called}"
            return _Refusal(CALLED_AE_TITLE_NOT_RECOGNISED, "called_ae_title", hint)
        if is_ticket(calling):
            return self._decide_on_doctor(association)
        self._offer(association)
        address, certificate = association.address, association.certificate
        welcome = self._settings.accept_any_peer
        welcome = welcome and not self._anybody.is_impostor(calling, certificate)
        if association.peer is None and not welcome:
            reason, hint = self._anybody.why_not(calling, address, certificate)
            return _Refusal(CALLING_AE_TITLE_NOT_RECOGNISED, reason, hint)
        return self._if_room()

    def _decide_on_doctor(self, association: AcceptedAssociation) -> _Refusal | None:
        """Let our own doctor in while it runs, whoever else may call; nobody else by its title."""
        try:
            with query(self._engine) as session:
                known = is_in_force(session, association.calling_ae_title, self._clock())
        except DatabaseUnavailable:
            return _Refusal(TEMPORARY_CONGESTION, "database_unavailable")
        if not known:
            hint = "titles of this form are for 'firstread doctor'; its run has ended"
            return _Refusal(CALLING_AE_TITLE_NOT_RECOGNISED, "calling_ae_title", hint)
        association.offer(list(accepted_contexts()))
        return self._if_room()

    def _if_room(self) -> _Refusal | None:
        if self._count() > self._settings.max_associations:
            return _Refusal(LOCAL_LIMIT_EXCEEDED, "max_associations")
        return None

    def _offer(self, association: AcceptedAssociation) -> None:
        """Offer a caller what its roles allow; work items never to a stranger."""
        caller = association.calling_ae_title, association.address, association.certificate
        source = self._callers.peer_of(*caller)
        reporter = self._reporters.peer_of(*caller)
        client = self._clients.peer_of(*caller)
        association.peer = source or reporter or client
        offered: list[PresentationContext] = []
        if source is not None or self._settings.accept_any_peer:
            offered += accepted_contexts()
        if reporter is not None:
            offered += reporting_contexts()
        if client is not None:
            offered += worklist_contexts()
        association.offer(offered)

    def not_secured(self, address: str, failure: HandshakeFailed) -> None:
        """Take note of a connection that came to nothing before anything was asked on it."""
        self._turned_away.not_secured(address, failure)
