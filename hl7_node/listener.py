"""The listener: takes messages over MLLP, each connection in a thread of its own.

Only callers from the networks in the settings are heard, and their messages are not trusted: a
connection ends when it says something else than MLLP, is too slow or too long; the others do not
notice.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from database.session import Engine
from hl7_node.framing import ConnectionEnded, FrameReader, MessageTooLong, PeerSilent, framed
from hl7_node.read_message import read_header
from hl7_node.receive_message import MessageReceiver
from radiology.errors import MessageRefused, SettingsRefused
from settings.certificates.contexts import listener_context
from settings.certificates.watched import Watched, files_of
from settings.environment import Settings
from settings.hl7 import Hl7Listener
from settings.log.log_events import get_logger

_log = get_logger("hl7")
_POLL_S: Final = 0.1
_STOP_LIMIT_S: Final = 5.0  # Docker kills after ten


class _Handler(socketserver.BaseRequestHandler):
    """One connection, until it ends."""

    server: _Server

    def handle(self) -> None:
        settings = self.server.settings
        try:
            connection = self._secured()
            reader = FrameReader(connection, max_bytes=settings.max_message_bytes)
            while not self.server.stopping:
                answers = self._take_next(reader)
                connection.settimeout(settings.message_s)
                for answer in answers:
                    connection.sendall(framed(answer.encode()))
        except MessageRefused as error:
            _log.warning("connection_refused", address=self._address, reason=error.message)
        except PeerSilent:
            _log.info("connection_silent", address=self._address)
        except (ConnectionEnded, OSError):
            return

    def _take_next(self, reader: FrameReader) -> tuple[str, ...]:
        """Take the next message; gives what is to be answered, if anything."""
        settings, receiver = self.server.settings, self.server.receiver
        try:
            content = reader.read(begin_s=settings.idle_s, whole_s=settings.message_s)
        except MessageTooLong as error:
            return receiver.refuse(read_header(error.head), error)
        return receiver.receive(content)

    def _secured(self) -> socket.socket:
        plain: socket.socket = self.request
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.settimeout(self.server.settings.message_s)
        if self.server.context is None:
            return plain
        try:
            secured = self.server.context().wrap_socket(plain, server_side=True)
        except ssl.SSLError as error:
            _log.warning("connection_without_tls", address=self._address, reason=error.reason)
            raise
        self.request = secured
        self.server.replace(plain, secured)
        return secured

    def finish(self) -> None:
        """Close the connection; with TLS it is not the accepted socket."""
        self.server.forget(self.request)

    @property
    def _address(self) -> str:
        return str(self.client_address[0])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, settings: Hl7Listener, receiver: MessageReceiver) -> None:
        self.settings = settings
        self.receiver = receiver
        self.context = _watched_context(settings)
        self.stopping = False
        self._networks = [ipaddress.ip_network(one) for one in settings.senders]
        self._open: dict[socket.socket, str] = {}  # and the address at its other end
        # One sender that loses count of its connections leaves a quarter to the others.
        self._of_one = settings.max_connections - settings.max_connections // 4
        self._changes = threading.Condition()
        if ":" in settings.host:
            self.address_family = socket.AF_INET6
        super().__init__((settings.host, settings.port), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Let in whoever is in one of the networks, while there is room."""
        address = ipaddress.ip_address(str(client_address[0]).partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not any(address in network for network in self._networks):
            _log.warning("connection_refused", address=str(address), reason="not a sender")
            return False
        with self._changes:
            of_one = sum(one == str(address) for one in self._open.values())
            if len(self._open) >= self.settings.max_connections or of_one >= self._of_one:
                _log.warning("connection_refused", address=str(address), reason="too many")
                return False
            self._open[request] = str(address)
        return True

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self._ended(request)
        super().shutdown_request(request)

    def forget(self, connection: socket.socket) -> None:
        """A connection has ended."""
        self._ended(connection)
        connection.close()

    def _ended(self, connection: socket.socket) -> None:
        with self._changes:
            self._open.pop(connection, None)
            self._changes.notify_all()

    def wait_until_none_is_open(self, limit_s: float) -> None:
        """Wait until every connection has ended, for so long at most."""
        with self._changes:
            self._changes.wait_for(lambda: not self._open, limit_s)

    def replace(self, plain: socket.socket, secured: socket.socket) -> None:
        """A connection now uses TLS."""
        with self._changes:
            if plain in self._open:
                self._open[secured] = self._open.pop(plain)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A defect of ours ended one connection. Its message may hold patient data: not logged."""
        kind, _, trace = sys.exc_info()
        _log.error(
            "connection_failed",
            address=str(client_address[0]),
            kind=kind.__name__ if kind else "",
            trace="".join(traceback.format_tb(trace)),
        )

    def stop_reading(self) -> None:
        """Let every connection end after the message that is being answered."""
        self.stopping = True
        with self._changes:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._changes:
            return len(self._open)


def _watched_context(settings: Hl7Listener) -> Watched[ssl.SSLContext] | None:
    tls = settings.tls
    if tls is None:
        return None
    return Watched(lambda: listener_context(tls, "hl7_listener"), files_of(tls), "hl7_listener")


class Listener:
    """A running listener; `start_listener` makes it."""

    def __init__(self, settings: Hl7Listener, receiver: MessageReceiver) -> None:
        try:
            self._server = _Server(settings, receiver)
        except OSError as error:
            raise SettingsRefused(
                "The HL7 listener cannot listen: is the port taken, or the host not of this "
                "machine?",
                host=settings.host,
                port=settings.port,
                errno=error.errno,
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="hl7", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port on which it listens."""
        return int(self._server.server_address[1])

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._server.connections

    def stop(self) -> None:
        """Accept no more connections; a message that is being taken is still answered."""
        self._server.shutdown()
        self._server.stop_reading()
        self._server.wait_until_none_is_open(_STOP_LIMIT_S)
        self._server.server_close()
        self._thread.join()
        _log.info("hl7_stopped")


def start_listener(
    settings: Settings,
    listener: Hl7Listener,
    engine: Engine,
    clock: Callable[[], datetime] | None = None,
) -> Listener:
    """Start taking messages in threads of their own; call `stop` on what is returned.

    Raises
    ------
    SettingsRefused
        The port is taken, the host is not of this machine, or a certificate cannot be read.
    """
    receiver = MessageReceiver(settings, listener, engine, clock or _now)
    running = Listener(listener, receiver)
    _log.info("hl7_listening", port=running.port)
    return running


def _now() -> datetime:
    return datetime.now(UTC)
