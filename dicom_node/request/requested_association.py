"""An association that we request, and the error when it is not established.

PS3.8 Section 7.1 (A-ASSOCIATE), Table 9-21 (reasons for rejection).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from pynetdicom.acse import ACSE
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.events import Event, EventType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation, AssociationSocket

from dicom_node.guard.guarded_socket import GuardedSocket, Secure
from dicom_node.guard.guarded_upper_layer import GuardedUpperLayer
from dicom_node.guard.turn_taking import TurnTaking
from dicom_node.library_options import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    MAXIMUM_PDU_BYTES,
    set_library_options,
)
from dicom_node.request.not_secured import not_secured
from dicom_node.security.handshake_fault import HandshakeFailed, HandshakeFault
from dicom_node.security.peer_security import security_of
from radiology.errors import (
    FirstreadError,
    PeerBusy,
    PeerRefused,
    PeerUnreachable,
    SettingsRefused,
)
from settings.peers import Peer

MOST_CONTEXTS: Final = 128  # PS3.8 Section 9.3.2.2: odd identifiers from 1 to 255
_ACCEPTED: Final = 0  # PS3.8 Section 7.1.1.7, Result
_PERMANENT: Final = 1  # PS3.8 Table 9-21, Result


@contextmanager
def requested_association(
    peer: Peer,
    contexts: Sequence[PresentationContext],
    *,
    calling_ae_title: str,
    timeout_s: float,
    handlers: Sequence[tuple[EventType, Callable[[Event], Any]]] = (),
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
) -> Iterator[Association]:
    """An established association, released at the end of the block.

    Parameters
    ----------
    peer : with host and port
    contexts : at most 128
    calling_ae_title : who we say that we are
    timeout_s : for each step: connecting, the association, every answer
    handlers : what serves requests of the peer on this association
    roles : where we are not the SCU, although we request the association

    Raises
    ------
    PeerUnreachable
        The peer does not answer, answers late, or does not speak DICOM.
    PeerBusy
        The peer takes no association just now.
    PeerRefused
        The peer does not let us in; the message says what to change.
    """
    set_library_options()
    entity = _Caller(calling_ae_title, timeout_s, _secure(peer, timeout_s))
    try:
        association = _associate(entity, peer, contexts, handlers, roles)
        if not association.is_established:
            raise _reason(association, peer, calling_ae_title, entity.transport)
        yield association
        if association.is_established:
            _release(association, timeout_s)
    finally:
        entity.end()


def _release(association: Association, timeout_s: float) -> None:
    """Release, or abort when that takes too long: every answer is here by then.

    The library first waits, without a limit, until its own thread pauses. After that thread has
    served a request of the peer it may wait for ever.
    """
    limit = threading.Timer(timeout_s, association.abort)
    limit.daemon = True
    limit.start()
    try:
        association.release()
    finally:
        limit.cancel()


class _Caller(ApplicationEntity):
    """Us, when we request an association."""

    def __init__(self, calling_ae_title: str, timeout_s: float, secure: Secure | None) -> None:
        super().__init__(calling_ae_title)
        self._timeout_s = timeout_s
        self._secure = secure
        self.transport: GuardedSocket | None = None
        self.association: Association | None = None
        self.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        self.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self.connection_timeout = self.acse_timeout = self.dimse_timeout = timeout_s
        self.network_timeout = None  # between two instances the peer waits for us

    def _create_socket(
        self, assoc: Association, address: AddressInformation, tls_args: Any
    ) -> AssociationSocket:
        assoc.dul = GuardedUpperLayer(assoc)
        assoc.acse = _PatientAcse(assoc)
        assoc._reactor_checkpoint = TurnTaking()
        assoc._reactor_checkpoint.set()
        assoc.acse_timeout = assoc.acse_timeout  # reach the timers of the new upper layer
        assoc.network_timeout = assoc.network_timeout
        self.association = assoc
        self.transport = GuardedSocket(
            assoc, stall_s=self._timeout_s, address=address, secure=self._secure
        )
        return self.transport

    def end(self) -> None:
        """Abort what was not released, and close the connection."""
        if self.association is not None:
            if self.association.is_established:
                self.association.abort()
            cast("GuardedUpperLayer", self.association.dul).end()
        if self.transport is not None:
            self.transport.let_go()


class _Connection:
    """What negotiation asks of a connection: whether there was one, once that is known."""

    def __init__(self, transport: GuardedSocket) -> None:
        self._transport = transport
        self._ready = transport._ready

    @property
    def _is_connected(self) -> bool:
        # In this order: a connection that was just closed has been one for longer.
        return bool(self._transport._is_connected) or self._transport.was_connected


class _PatientAcse(ACSE):
    """Reads the answer also of a peer that has closed the connection behind it.

    The library asks whether the connection stands before it looks for an answer. On a busy machine
    a peer's rejection comes, and the connection is closed, before its thread gets to ask.
    """

    @property
    def socket(self) -> AssociationSocket | None:
        transport = super().socket
        return cast("AssociationSocket", _Connection(cast("GuardedSocket", transport)))


def _associate(
    entity: _Caller,
    peer: Peer,
    contexts: Sequence[PresentationContext],
    handlers: Sequence[tuple[EventType, Callable[[Event], Any]]],
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation],
) -> Association:
    if peer.host is None or peer.port is None:
        raise PeerRefused("The peer has no host or no port in the settings", peer=peer.name)
    try:
        return entity.associate(
            peer.host,
            peer.port,
            contexts=list(contexts),
            ae_title=peer.ae_title,
            max_pdu=MAXIMUM_PDU_BYTES,
            evt_handlers=list(handlers),
            ext_neg=list(roles),
        )
    except OSError as error:
        raise PeerUnreachable("The peer's host name is not known", host=peer.host) from error


def _secure(peer: Peer, timeout_s: float) -> Secure | None:
    """What encrypts a connection to a peer; None for one that is called in clear.

    Raises
    ------
    PeerUnreachable
        Our certificate, or the issuers of the peer's, cannot be read. What is to be sent waits.
    """
    try:
        security = security_of(peer)
    except SettingsRefused as error:
        raise PeerUnreachable(
            "Certificate, key or issuers for the peer cannot be used: 'firstread check-settings'",
            peer=peer.name,
        ) from error
    if security is None:
        return None
    return lambda connection: security.secure(connection, peer, timeout_s)


def _reason(
    association: Association, peer: Peer, calling_ae_title: str, transport: GuardedSocket | None
) -> FirstreadError:
    where = {"peer": peer.name, "host": peer.host, "port": peer.port}
    if transport is not None and transport.security_fault is not None:
        return not_secured(transport.security_fault, **where)
    if transport is not None and transport.heard_tls:
        return not_secured(HandshakeFailed(HandshakeFault.PLAIN_PORT), **where)
    if transport is None or not transport.was_connected:
        return PeerUnreachable("Nothing listens at the peer's address", **where)
    answer = association.acceptor.primitive
    if answer is not None and answer.result == _ACCEPTED:
        # Not one presentation context among those it accepted; the library then aborts.
        return PeerRefused("The peer offers nothing that we asked for: enable it there", **where)
    if not association.is_rejected or answer is None:
        return PeerUnreachable(
            "The peer did not answer an association request: is it a DICOM node, or does it want "
            "TLS?",
            **where,
        )
    rejected_by, diagnostic = answer.result_source, answer.diagnostic
    if answer.result != _PERMANENT:
        return PeerBusy("The peer takes no association just now", diagnostic=diagnostic, **where)
    if (rejected_by, diagnostic) == (1, 3):
        return PeerRefused(
            f"The peer does not know us: add AE title {calling_ae_title} to its list", **where
        )
    if (rejected_by, diagnostic) == (1, 7):
        return PeerRefused(
            f"The peer does not go by AE title {peer.ae_title}: correct ae_title in the settings",
            **where,
        )
    return PeerRefused(
        f"The peer rejects associations: does its list have AE title {calling_ae_title}?",
        source=rejected_by,
        diagnostic=diagnostic,
        **where,
    )
