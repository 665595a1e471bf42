"""The node: Storage, Verification and UPS SCP on a port or two, started and stopped as one thing.

PS3.4 Annex A (Verification), Annex B (Storage), Annex J (reports on storage commitment), Annex CC
(Unified Procedure Step).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.pdu_primitives import A_ASSOCIATE

from database.session import Engine
from dicom_node.association_audit import AssociationAudit, Clock
from dicom_node.guard.accepted_association import AcceptedAssociation
from dicom_node.guard.incoming_data_set import IncomingDataSet
from dicom_node.guard.rejection import Rejection
from dicom_node.guard.server import NodeServer, ServerSecurity
from dicom_node.guard.store_command import StoreRequest
from dicom_node.library_options import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    MAXIMUM_PDU_BYTES,
    set_library_options,
)
from dicom_node.presentation_contexts import accepted_contexts
from dicom_node.receive.c_store import Receiver
from dicom_node.receive.open_spool import open_spool
from dicom_node.request.commitment_report import ReportReceiver
from dicom_node.request.verification import answer_echo
from dicom_node.security.handshake_fault import HandshakeFailed
from dicom_node.security.peer_security import security_of
from dicom_node.spool import SpoolFile
from dicom_node.work_items.scp import WorkItemProvider
from radiology.errors import FirstreadError, SettingsRefused
from settings.certificates.contexts import dicom_server_context
from settings.certificates.in_use import further_issuers, further_lists
from settings.certificates.watched import Watched, files_of
from settings.environment import Settings
from settings.log.log_events import get_logger

_log = get_logger("node")

_STOP_LIMIT_S: Final = 5.0  # Docker kills after ten
_ABORT_LIMIT_S: Final = 2.0
_REQUEST_LIMIT_S: Final = 30.0  # PS3.8 Section 9.1.5: the ARTIM timer
_POLL_S: Final = 0.05


class Node:
    """A running node; `start_node` makes it."""

    def __init__(self, settings: Settings, engine: Engine, clock: Clock) -> None:
        self._spool = open_spool(settings, engine, clock)
        self._receiver = Receiver(settings, engine, self._spool, clock)
        self._reports = ReportReceiver(settings, engine, clock)
        self._work_items = WorkItemProvider(settings, engine, clock)
        self._audit = AssociationAudit(settings, engine, clock, self._count)
        self._servers = self._listen(settings)
        self._threads = [
            threading.Thread(target=one.serve_forever, args=(_POLL_S,), name="node", daemon=True)
            for one in self._servers
        ]
        for thread in self._threads:
            thread.start()

    @property
    def port(self) -> int:
        """The TCP port on which it listens; with TLS the one for that."""
        return int(self._servers[0].server_address[1])

    def admit(self, association: AcceptedAssociation, request: A_ASSOCIATE) -> Rejection | None:
        """Decide on an association request."""
        return self._audit.admit(association, request)

    def open_file(
        self, association: AcceptedAssociation, context_id: int, sop_instance_uid: str
    ) -> SpoolFile | None:
        """Open the file for a data set that begins to arrive."""
        return self._receiver.open_file(association, context_id, sop_instance_uid)

    def store(
        self,
        association: AcceptedAssociation,
        arrived: Sequence[tuple[StoreRequest, IncomingDataSet]],
    ) -> list[tuple[int, str]]:
        """Store what has come whole; gives status and Error Comment of each, raises nothing."""
        return self._receiver.store(association, arrived)

    def end(self, association: AcceptedAssociation) -> None:
        """Take note that an association has ended."""
        self._audit.end(association)

    def not_secured(self, address: str, failure: HandshakeFailed) -> None:
        """Take note of a connection that came to nothing for want of TLS, or for too much of it."""
        self._audit.not_secured(address, failure)

    def stop(self, limit_s: float = _STOP_LIMIT_S) -> None:
        """Accept no more associations, let those that send finish, abort the others.

        Parameters
        ----------
        limit_s : how long a sender may go on; what it got Success for is stored in any case
        """
        for server in self._servers:
            server.shutdown()
        for thread in self._threads:
            thread.join()
        self._wait(lambda one: one.is_sending, limit_s)
        for association in self._associations():
            association.abort(block=False)
        self._wait(lambda one: True, _ABORT_LIMIT_S)
        for association in self._associations():
            association.hang_up()
        self._wait(lambda one: True, _ABORT_LIMIT_S)
        self._spool.close()
        _log.info("node_stopped")

    def _wait(self, counts: Callable[[AcceptedAssociation], bool], limit_s: float) -> None:
        """Wait until no association counts any more."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if not any(counts(one) for one in self._associations()):
                return
            time.sleep(_POLL_S)  # sending ends by the clock too (`is_sending`), which wakes nobody

    def _associations(self) -> list[AcceptedAssociation]:
        return [one for server in self._servers for one in server.associations()]

    def _count(self) -> int:
        return sum(one.association_id is not None for one in self._associations()) + 1

    def _listen(self, settings: Settings) -> list[NodeServer]:
        """Take the ports: that for TLS first where there is one, and the one in clear."""
        entity = ApplicationEntity(settings.ae_title)
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        entity.maximum_pdu_size = MAXIMUM_PDU_BYTES
        entity.maximum_associations = 10 * settings.max_associations  # ours decides: see _count
        entity.network_timeout = settings.association_idle_s
        entity.acse_timeout = min(_REQUEST_LIMIT_S, settings.association_idle_s)
        taken: list[NodeServer] = []
        try:
            for port, security in _ports(settings):
                taken.append(self._server(settings, entity, port, security))
        except FirstreadError:
            for server in taken:
                server.server_close()
            self._spool.close()
            raise
        return taken

    def _server(
        self,
        settings: Settings,
        entity: ApplicationEntity,
        port: int,
        security: ServerSecurity | None,
    ) -> NodeServer:
        try:
            return NodeServer(
                entity,
                (settings.dicom_host, port),
                settings.ae_title,
                list(accepted_contexts()),
                user=self,
                handlers=[
                    (evt.EVT_C_STORE, self._receiver.handle_store),
                    (evt.EVT_C_ECHO, answer_echo),
                    (evt.EVT_N_EVENT_REPORT, self._reports.handle_report),
                    (evt.EVT_C_FIND, self._work_items.handle_find),
                    (evt.EVT_N_GET, self._work_items.handle_get),
                    (evt.EVT_N_SET, self._work_items.handle_set),
                    (evt.EVT_N_ACTION, self._work_items.handle_action),
                ],
                max_connections=4 * settings.max_associations,
                max_instance_bytes=settings.max_instance_bytes,
                stall_s=settings.association_idle_s,
                security=security,
            )
        except OSError as error:
            raise SettingsRefused(
                "The node cannot listen: is the port taken, or the host not of this machine?",
                host=settings.dicom_host,
                port=port,
                errno=error.errno,
            ) from error


def _ports(settings: Settings) -> list[tuple[int, ServerSecurity | None]]:
    """The ports, each with its TLS or without.

    Raises
    ------
    SettingsRefused
        A certificate, key or issuer cannot be used.
    """
    tls = settings.dicom_tls
    if tls is None:
        return [(settings.dicom_port, None)]
    for peer in settings.peers:
        security_of(peer)  # said now, and not when it calls
    issuers, lists = further_issuers(settings), further_lists(settings)
    context = Watched(
        lambda: dicom_server_context(tls, issuers, lists),
        (*files_of(tls), *issuers, *lists),
        "dicom_tls",
    )
    ports: list[tuple[int, ServerSecurity | None]] = [
        (settings.dicom_port, ServerSecurity(context, tls.handshake_s))
    ]
    if tls.plain_port is not None:
        ports.append((tls.plain_port, None))
    return ports


def start_node(settings: Settings, engine: Engine, clock: Clock | None = None) -> Node:
    """Start the Storage and Verification SCP in threads of their own.

    Parameters
    ----------
    settings : AE title, host, port, limits, peers and folders
    engine : of a database whose schema is up to date
    clock : gives the moment, with its time zone; the system's when left out

    Returns
    -------
    The running node; call `stop` on it.

    Raises
    ------
    SettingsRefused
        A port is taken, the host is not of this machine, or a certificate cannot be used.
    SpoolFull
        The data folder cannot be written.
    """
    set_library_options()
    node = Node(settings, engine, clock or _now)
    tls = settings.dicom_tls
    facts = {} if tls is None else {"profile": tls.profile.value, "plain_port": tls.plain_port}
    _log.info("node_listening", ae_title=settings.ae_title, port=node.port, tls=bool(tls), **facts)
    return node


def _now() -> datetime:
    return datetime.now(UTC)
