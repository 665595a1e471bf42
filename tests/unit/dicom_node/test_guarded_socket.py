"""A connection by TLS: what the kernel has to read may be nothing for us."""

from __future__ import annotations

import fcntl
import queue
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pynetdicom.association import Association

from dicom_node.guard.guarded_socket import GuardedSocket, hang_up
from dicom_node.security.handshake import request_tls
from tests.builders.dicom.issuer import Issuer
from tests.peers.waiting import wait_until


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[ssl.SSLSocket, GuardedSocket]]:
    """A server that sends two session tickets after the handshake, and our end."""
    issuer = Issuer.new(tmp_path)
    theirs = issuer.issue("pacs.hospital")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs.certificate, theirs.key)
    context.num_tickets = 2
    trust = ssl.create_default_context(cafile=issuer.file)
    trust.check_hostname = False
    accepted: list[ssl.SSLSocket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            accepted.append(context.wrap_socket(server.accept()[0], server_side=True))

        thread = threading.Thread(target=accept)
        thread.start()
        plain = socket.create_connection(server.getsockname())
        ours = request_tls(plain, trust, host="pacs.hospital", limit_s=20)
        thread.join()
    layer: Any = SimpleNamespace(dul=SimpleNamespace(event_queue=queue.Queue()))
    guarded = GuardedSocket(cast("Association", layer), stall_s=5, client_socket=ours)
    layer.dul.event_queue.get()  # that there is a connection
    yield accepted[0], guarded
    guarded.let_go()
    accepted[0].close()


def test_tickets_are_nothing_to_read(ends: tuple[ssl.SSLSocket, GuardedSocket]) -> None:
    """The thread that looked would wait for the peer, while it has something to send itself."""
    theirs, ours = ends
    began = time.monotonic()
    assert not any(ours.ready for _ in range(3))
    assert time.monotonic() - began < 2
    theirs.sendall(b"\x02" * 40_000)  # several records
    wait_until(lambda: ours.ready, what="what was sent")
    assert ours.recv(6) == b"\x02" * 6
    assert ours.ready, "the rest is decrypted already"
    assert ours.recv(39_994) == b"\x02" * 39_994
    assert not ours.ready


def test_the_end_is_something_to_read(ends: tuple[ssl.SSLSocket, GuardedSocket]) -> None:
    """A peer that hangs up is noticed."""
    theirs, ours = ends
    theirs.close()
    wait_until(lambda: ours.ready, what="the end")
    assert ours.recv(6) == b""


def test_nothing_is_said_in_clear_at_the_end(ends: tuple[ssl.SSLSocket, GuardedSocket]) -> None:
    """Another thread hangs up: what this one still has to say goes nowhere."""
    _, ours = ends
    connection = cast("ssl.SSLSocket", ours.socket)
    hang_up(connection)
    assert connection.version() is not None, "the encryption was not taken off"
    with pytest.raises(OSError):
        connection.sendall(b"a name")


@pytest.fixture
def high() -> Iterator[tuple[socket.socket, GuardedSocket]]:
    """A peer, and our end under a number that select() does not take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours = server.accept()[0]
    connection = socket.socket(fileno=fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 1500))
    ours.close()
    layer: Any = SimpleNamespace(dul=SimpleNamespace(event_queue=queue.Queue()))
    guarded = GuardedSocket(cast("Association", layer), stall_s=5, client_socket=connection)
    yield theirs, guarded
    guarded.let_go()
    theirs.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_any_number_of_connections_is_waited_on(high: tuple[socket.socket, GuardedSocket]) -> None:
    """A node with room for a thousand associations has more files open than select() counts."""
    theirs, ours = high
    view = memoryview(bytearray(10))
    assert ours.read_available(view) is None
    with pytest.raises(TimeoutError):
        ours.wait_until(time.monotonic() + 0.05)
    theirs.sendall(b"\x04")
    ours.wait_until(time.monotonic() + 5)
    assert ours.read_available(view) == 1


def test_a_connection_that_another_thread_closed_is_an_end(
    high: tuple[socket.socket, GuardedSocket],
) -> None:
    """An error that ends the association, and none that ends the thread with a trace."""
    _, ours = high
    cast("socket.socket", ours.socket).close()
    with pytest.raises(OSError, match="closed"):
        ours.wait_until(time.monotonic() + 5)
