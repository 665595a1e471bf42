"""An association that a peer requested from us, from admission to its end.

PS3.8 Section 7.1 (A-ASSOCIATE), 7.2 (A-RELEASE), 7.3 and 7.4 (aborts); Table 9-21 (reasons for
rejection). The classes extend pynetdicom's where that lets a peer do harm:
docs/decisions/0014-guarded-associations.md.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import DimseServiceType
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationServer

from dicom_node.guard.association_request import AssociationFault
from dicom_node.guard.guarded_socket import GuardedSocket, hang_up
from dicom_node.guard.guarded_upper_layer import (
    LIBRARY_FAULTS,
    Checkpoint,
    GuardedAcse,
    GuardedDimse,
    GuardedUpperLayer,
    RingingQueue,
)
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.guard.rejection import Rejection
from dicom_node.guard.served_requests import is_served, is_stored, name_service
from dicom_node.guard.store_command import StoreRequest, store_response
from dicom_node.guard.store_requests import StoreRequests
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from dicom_node.security.presented_certificate import PresentedCertificate
from dicom_node.spool import SpoolFile
from settings.log.log_events import get_logger
from settings.peers import Peer

_log = get_logger("node")
_number = itertools.count(1)
_MOMENT_S: Final = 1.0  # a sender needs this long at most to begin its next instance


@dataclass(frozen=True, slots=True)
class AgreedContext:
    """What was agreed for one presentation context (PS3.8 Section 9.3.3.2)."""

    sop_class_uid: str
    transfer_syntax_uid: str


class AssociationUser(Protocol):
    """What the node does with associations: who is admitted, where data sets go."""

    def admit(self, association: AcceptedAssociation, request: A_ASSOCIATE) -> Rejection | None:
        """Decide on a request; None lets it in."""

    def open_file(
        self, association: AcceptedAssociation, context_id: int, sop_instance_uid: str
    ) -> SpoolFile | None:
        """Open the file for a data set that begins to arrive; None when it is not kept."""

    def store(
        self,
        association: AcceptedAssociation,
        arrived: Sequence[tuple[StoreRequest, IncomingDataSet]],
    ) -> list[tuple[int, str]]:
        """Store what has come whole; gives status and Error Comment of each, raises nothing."""

    def end(self, association: AcceptedAssociation) -> None:
        """Take note that an association has ended."""

    def not_secured(self, address: str, failure: HandshakeFailed) -> None:
        """Take note of a connection that came to nothing for want of TLS, or for too much of it."""


class AcceptedAssociation(Association):
    """One association with a peer that called us.

    Parameters
    ----------
    server : accepted the connection; the library returns the connection to it at the end
    connection : with the peer
    user : decides what happens with the association
    certificate : that the peer has shown; None where it calls in clear
    max_instance_bytes : larger instances are refused
    stall_s : how long the peer may take over one PDU

    Attributes
    ----------
    association_id : of the row, once it is admitted
    peer : the entry in the settings that the caller matches; None when any caller is let in
    lost : whether the connection broke off, or was ended because of what came over it
    refused : how many of its objects were not stored
    quarantined : how many of them were put into quarantine
    studies : how many instances it has brought, by Study Instance UID
    """

    def __init__(
        self,
        server: AssociationServer,
        connection: socket.socket,
        *,
        user: AssociationUser,
        certificate: PresentedCertificate | None,
        max_instance_bytes: int,
        stall_s: float,
    ) -> None:
        super().__init__(server.ae, MODE_ACCEPTOR)
        self.user = user
        self.certificate = certificate
        self.association_id: int | None = None
        self.peer: Peer | None = None
        self.lost = False
        self._noted: set[tuple[str, str]] = set()
        self._agreed: dict[int, AgreedContext] = {}
        self.refused = 0
        self.quarantined = 0
        self.studies: Counter[str] = Counter()
        self._max_instance_bytes = max_instance_bytes
        self._incoming: set[IncomingDataSet] = set()
        self._last_at = time.monotonic()
        self._server = server
        self.name = f"AcceptorThread@{next(_number)}"  # the library finds its threads by this word
        self.checkpoint = Checkpoint()
        self.checkpoint.set()
        self._reactor_checkpoint = self.checkpoint
        self.acse = GuardedAcse(self, self.admit)
        self.dimse = GuardedDimse(self, self.checkpoint, self.incoming_data_set)
        layer = GuardedUpperLayer(self)
        self.dul: DULServiceProvider = layer
        self.acse_timeout = self.acse_timeout  # reach the timers of the new upper layer
        self.network_timeout = self.network_timeout
        self.dul.to_user_queue = RingingQueue(self.checkpoint)
        self.set_socket(GuardedSocket(self, stall_s=stall_s, client_socket=connection))
        layer.stores = StoreRequests(self, self.transport, stall_s=stall_s)

    @property
    def calling_ae_title(self) -> str:
        """The title that the peer gave for itself."""
        return str(self.requestor.ae_title).strip()

    @property
    def request_fault(self) -> AssociationFault | None:
        """Why its request must be rejected, whoever sent it; None where it could be read."""
        return cast("GuardedUpperLayer", self.dul).request_fault

    @property
    def address(self) -> str:
        """The peer's IP address."""
        info = self.requestor.address_info
        return "" if info is None else str(info.address)

    @property
    def transport(self) -> GuardedSocket:
        """The transport connection."""
        return cast("GuardedSocket", self.dul.socket)

    @property
    def is_sending(self) -> bool:
        """Whether an instance is arriving or being stored, or was a moment ago."""
        return bool(self._incoming) or time.monotonic() < self._last_at + _MOMENT_S

    def run(self) -> None:
        """Serve the association until it ends, and release its resources."""
        try:
            super().run()
        except LIBRARY_FAULTS as fault:
            _log.warning("association_fault", kind=type(fault).__name__, **self.facts())
            cast("GuardedUpperLayer", self.dul).send_abort()
        finally:
            self.hang_up()
            cast("GuardedUpperLayer", self.dul).end()
            for incoming in tuple(self._incoming):
                if not incoming.is_whole:  # the other thread stores it, and then lets go of it
                    self.forget(incoming)
            self.user.end(self)
            if self.transport.heard_tls:
                self.user.not_secured(self.address, HandshakeFailed(HandshakeFault.PLAIN_PORT))
            self.transport.let_go()

    def admit(self, request: A_ASSOCIATE) -> Rejection | None:
        """Ask the node whether this caller is welcome."""
        self.requestor.ae_title = request.calling_ae_title
        return self.user.admit(self, request)

    def offer(self, contexts: Iterable[PresentationContext]) -> None:
        """Offer this peer only what its roles allow; before negotiation."""
        by_class = {str(context.abstract_syntax): context for context in contexts}
        self.acceptor.supported_contexts = list(by_class.values())

    def context(self, context_id: int) -> AgreedContext:
        """What was agreed for a presentation context that was accepted."""
        known = self._agreed.get(context_id)
        if known is None:
            agreed = self._accepted_cx[context_id]
            known = AgreedContext(str(agreed.abstract_syntax), str(agreed.transfer_syntax[0]))
            self._agreed[context_id] = known
        return known

    def first(self, event: str, about: str) -> bool:
        """Whether this happens for the first time in this association."""
        if (event, about) in self._noted:
            return False
        self._noted.add((event, about))
        return True

    def incoming_data_set(self, message: DIMSEMessage) -> IncomingDataSet:
        """What takes the data set of a message that has just begun."""

        def open_file() -> SpoolFile | None:
            if not isinstance(message, C_STORE_RQ) or message.context_id not in self._accepted_cx:
                return None
            self._incoming.add(incoming)
            announced = str(message.command_set.get("AffectedSOPInstanceUID", ""))
            return self.user.open_file(self, message.context_id, announced)

        incoming = IncomingDataSet(open_file, max_bytes=self._max_instance_bytes)
        return incoming

    def has_message(self) -> bool:
        """Whether the library has the beginning of a message, so that what comes is its end."""
        return self.dimse.message is not None

    def has_to_say(self) -> bool:
        """Whether the state machine has something to do or to send, or is to end."""
        dul = self.dul
        dul._idle_timer.restart()  # something has come
        # `empty` would take the queues' locks, for an answer that may be over when it is given
        return bool(dul.event_queue.queue or dul.to_provider_queue.queue or dul._kill_thread)

    def stores(self, context_id: int) -> bool:
        """Whether what comes in a presentation context is to be stored."""
        accepted = context_id in self._accepted_cx
        return accepted and is_stored(self.context(context_id).sop_class_uid)

    def begin_to_store(self, request: StoreRequest) -> IncomingDataSet:
        """What takes the data set of a C-STORE request."""

        def open_file() -> SpoolFile | None:
            return self.user.open_file(self, request.context_id, request.sop_instance_uid)

        incoming = IncomingDataSet(open_file, max_bytes=self._max_instance_bytes)
        incoming.announced_sop_class_uid = request.sop_class_uid
        self._incoming.add(incoming)
        return incoming

    def window(self) -> int:
        """How many requests the peer may send without an answer (PS3.7 Annex D.3.3.3)."""
        return self.acceptor.asynchronous_operations[0]

    def store(self, arrived: Sequence[tuple[StoreRequest, IncomingDataSet]]) -> None:
        """Store instances that have come whole, and answer each in its turn."""
        try:
            statuses = self.user.store(self, arrived)
        finally:
            for _, incoming in arrived:
                incoming.is_whole = False
                self.forget(incoming)
        responses = [
            store_response(
                request,
                self.context(request.context_id).sop_class_uid,
                *status,
                self.dimse.maximum_pdu_size,
            )
            for (request, _), status in zip(arrived, statuses, strict=True)
        ]
        self.transport.send(b"".join(responses))

    def end_by_invalid_pdu(self) -> None:
        """End the association because of what came."""
        _log.warning("dimse_message_unreadable", kind="fragment", **self.facts())
        self.dul.event_queue.put("Evt19")  # PS3.8 Table 9-10: unrecognised or invalid PDU received

    def forget(self, incoming: IncomingDataSet) -> None:
        """Let go of a data set that was answered, or never will be."""
        self._last_at = time.monotonic()
        self._incoming.discard(incoming)
        incoming.discard()

    def hang_up(self) -> None:
        """Close the connection at once, without a word; the threads end by themselves."""
        connection = self.transport.socket
        if connection is not None:
            hang_up(connection)

    def _serve_request(self, msg: DimseServiceType, context_id: int) -> None:
        context = self._accepted_cx.get(context_id)
        if context is None or not is_served(msg, str(context.abstract_syntax)):
            # PS3.7 Section 9.1: what cannot be answered ends the association
            _log.warning("dimse_message_unexpected", **self.facts(), message=type(msg).__name__)
            self.abort()
            return
        name_service(msg, str(context.abstract_syntax))
        super()._serve_request(msg, context_id)
        self.dul._idle_timer.restart()  # storing took time; the peer was not idle meanwhile

    def facts(self) -> dict[str, Any]:
        """Identifiers of this association for log events."""
        return {
            "association_id": self.association_id,
            "calling_ae_title": self.calling_ae_title,
            "address": self.address,
        }
