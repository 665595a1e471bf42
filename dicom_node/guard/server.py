"""The server that listens, and makes an association of each connection.

PS3.8 Section 9.1 (the upper layer over TCP/IP).
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.events import Event
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from dicom_node.guard.accepted_association import AcceptedAssociation, AssociationUser
from dicom_node.guard.guarded_upper_layer import GuardedUpperLayer
from dicom_node.places import Places
from dicom_node.security.handshake import accept_tls
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from dicom_node.security.presented_certificate import PresentedCertificate
from settings.log.log_events import get_logger

_log = get_logger("node")
# A quarter of all may be of one address, of what has not been let in: handshakes, and connections
# that have not asked for an association yet. As many as associations: a router begins them at once.
_SHARE_OF_ONE: Final = 4
_FEWEST_OF_ONE: Final = 4
_WAITING_CONNECTIONS: Final = 128  # the kernel's queue of connections that nobody accepted yet


@dataclass(frozen=True, slots=True)
class ServerSecurity:
    """TLS of a port.

    Attributes
    ----------
    context : gives the context in force for the next connection
    handshake_s : how long a caller may take over the handshake
    """

    context: Callable[[], ssl.SSLContext]
    handshake_s: float


class _NodeRequestHandler(RequestHandler):
    """Turns a connection into an association, after the handshake where there is TLS.

    Each is a thread of its own, so that nobody waits for a handshake but who makes it.
    """

    server: NodeServer
    certificate: PresentedCertificate | None = None

    def handle(self) -> None:
        """Begin the association; a connection that is not secured has ended before."""
        if self.server.security is None or self._secured(self.server.security):
            super().handle()

    def _secured(self, security: ServerSecurity) -> bool:
        address, connection = str(self.client_address[0]), cast("socket.socket", self.request)
        if not self.server.handshakes.begin(address):
            connection.close()
            self._refuse(address, HandshakeFailed(HandshakeFault.TOO_MANY))
            return False
        try:
            secured = accept_tls(connection, security.context(), limit_s=security.handshake_s)
        except HandshakeFailed as failure:
            self._refuse(address, failure)
            return False
        finally:
            self.server.handshakes.end(address)
        try:
            self.certificate = PresentedCertificate.of(secured)
        except HandshakeFailed as failure:
            secured.close()
            self._refuse(address, failure)
            return False
        self.request = secured
        if self.server.stopped:  # meanwhile
            secured.close()
        return not self.server.stopped

    def _refuse(self, address: str, failure: HandshakeFailed) -> None:
        self.server.user.not_secured(address, failure)

    def _create_association(self) -> AcceptedAssociation:
        server = self.server
        association = AcceptedAssociation(
            server,
            cast("socket.socket", self.request),
            user=server.user,
            certificate=self.certificate,
            max_instance_bytes=server.max_instance_bytes,
            stall_s=server.stall_s,
        )
        association.acceptor.maximum_length = self.ae.maximum_pdu_size
        association.acceptor.ae_title = server.ae_title
        association.acceptor.address_info = self.local
        association.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        association.acceptor.implementation_version_name = self.ae.implementation_version_name
        association.acceptor.supported_contexts = server.contexts  # only read, so not copied
        association.requestor.address_info = self.remote
        for event, handler in server.handlers:
            association.bind(event, handler)
        return association


class NodeServer(ThreadedAssociationServer):
    """Accepts connections, each in a thread of its own, up to a limit.

    Parameters
    ----------
    ae : the application entity, with its timeouts
    user : decides what happens with associations
    handlers : pynetdicom's events with what serves them
    max_connections : connections beyond this are closed unheard; of those of one address that have
        not been let in, what is beyond a quarter of it
    max_instance_bytes : larger instances are refused
    stall_s : how long a peer may take over one PDU
    security : TLS, where this port speaks it; then nothing else is heard here
    """

    request_queue_size = _WAITING_CONNECTIONS
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        ae_title: str,
        contexts: list[Any],
        *,
        user: AssociationUser,
        handlers: list[tuple[evt.EventType, Callable[[Event], Any]]],
        max_connections: int,
        max_instance_bytes: int,
        stall_s: float,
        security: ServerSecurity | None = None,
    ) -> None:
        self.user = user
        self.security = security
        self._of_one = max(_FEWEST_OF_ONE, max_connections // _SHARE_OF_ONE)
        self.handshakes = Places(max_connections, of_one=self._of_one)
        self.stopped = False
        self.handlers = [*handlers, (evt.EVT_CONN_CLOSE, _wake), (evt.EVT_ACSE_RECV, _note_loss)]
        self.max_instance_bytes = max_instance_bytes
        self.stall_s = stall_s
        self._max_connections = max_connections
        # The library would shake hands where it accepts connections: one peer that is slow, and
        # nobody else gets in.
        super().__init__(ae, address, ae_title, contexts, request_handler=_NodeRequestHandler)

    def associations(self) -> list[AcceptedAssociation]:
        """Associations that have not ended, including requests without an answer."""
        return cast("list[AcceptedAssociation]", self.active_associations)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Close connections unheard when there are far too many, or too many silent ones of one."""
        address, begun = str(client_address[0]), self.associations()
        silent = sum(one.association_id is None and one.address == address for one in begun)
        allowed = len(begun) < self._max_connections and silent < self._of_one
        if not allowed:
            _log.warning("connection_refused", address=address)
        return allowed

    def service_actions(self) -> None:
        """Do nothing between connections: the library would collect garbage here."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what failed before there was an association, without its message."""
        kind, _, trace = sys.exc_info()
        _log.error(
            "connection_failed",
            address=str(client_address[0]),
            error_kind=kind.__name__ if kind else "",
            trace="".join(traceback.format_tb(trace)),
        )

    def shutdown(self) -> None:
        """Stop accepting connections; associations go on."""
        self.stopped = True
        socketserver.BaseServer.shutdown(self)  # the library's own wants to know this server
        self.server_close()


def _wake(event: Event) -> None:
    """End the wait for an A-ASSOCIATE-RQ when the connection is closed before one came."""
    if event.assoc.requestor.primitive is None:
        cast("GuardedUpperLayer", event.assoc.dul).wake_user()


def _note_loss(event: Event) -> None:
    """Tell a broken connection (A-P-ABORT) from a peer that aborts (A-ABORT)."""
    primitive = getattr(event, "primitive", None)
    if type(primitive).__name__ == "A_P_ABORT":
        cast("AcceptedAssociation", event.assoc).lost = True
