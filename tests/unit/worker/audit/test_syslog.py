"""A receiver that goes before it has read what was sent: by TLS 1.3, over a real connection."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from radiology.errors import PeerUnreachable
from tests.builders.dicom.issuer import Issued, Issuer
from worker.audit.syslog import send_frames


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer.new(tmp_path_factory.mktemp("hospital"))


@pytest.fixture(scope="module")
def repository(issuer: Issuer) -> Issued:
    return issuer.issue("audit.hospital", "127.0.0.1")


def _close(_: ssl.SSLSocket) -> None:
    """Without a close_notify."""


def _take_leave(connection: ssl.SSLSocket) -> None:
    """Send a close_notify, and do not wait for the other one."""
    connection.setblocking(False)
    with pytest.raises(ssl.SSLError):  # that the other one is not there, or data in its place
        connection.unwrap()


def _take_leave_and_read(connection: ssl.SSLSocket) -> None:
    """As rsyslog does with a sender whose name it does not permit."""
    _take_leave(connection)
    with socket.socket(fileno=os.dup(connection.fileno())) as plain:
        plain.settimeout(30)
        while plain.recv(65536):
            pass


def _refuse_late(connection: ssl.SSLSocket) -> None:
    time.sleep(0.1)  # the receiver's own time, after our handshake
    _take_leave_and_read(connection)


def _read_one_and_close(connection: ssl.SSLSocket) -> None:
    connection.recv(5)


def _read_all(connection: ssl.SSLSocket) -> None:
    while connection.recv(65536):
        pass


class _Receiver:
    """Ends a connection by the way given, once its handshake is over."""

    def __init__(self, ours: Issued, end: Callable[[ssl.SSLSocket], None]) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(ours.certificate, ours.key)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._end = end
        self.port = self._listening.getsockname()[1]
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with (
            self._listening,
            self._listening.accept()[0] as plain,
            self._context.wrap_socket(plain, server_side=True) as connection,
        ):
            self._end(connection)
            connection.close()
            self.ended.set()

    def close(self) -> None:
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()


def _send(receiver: _Receiver, issuer: Path, *, before: threading.Event | None = None) -> None:
    def frames() -> Iterator[bytes]:
        if before is not None:
            assert before.wait(timeout=30)
        yield b"5 first"

    context = ssl.create_default_context(cafile=str(issuer))
    try:
        send_frames(frames(), context, "127.0.0.1", receiver.port, timeout_s=10)
    finally:
        receiver.close()


@pytest.mark.parametrize("end", [_take_leave_and_read, _refuse_late])
def test_a_receiver_that_leaves_first_has_taken_nothing(
    issuer: Issuer, repository: Issued, end: Callable[[ssl.SSLSocket], None]
) -> None:
    """It reads what is sent to its end, and drops it."""
    with pytest.raises(PeerUnreachable, match="broke off"):
        _send(_Receiver(repository, end), issuer.file)


@pytest.mark.parametrize("end", [_close, _take_leave])
def test_what_comes_after_the_end_is_not_taken_for_read(
    issuer: Issuer, repository: Issued, end: Callable[[ssl.SSLSocket], None]
) -> None:
    """So does a receiver that refuses our certificate when our handshake is over."""
    receiver = _Receiver(repository, end)
    with pytest.raises(PeerUnreachable, match="broke off"):
        _send(receiver, issuer.file, before=receiver.ended)


def test_what_is_left_unread_is_not_taken_for_read(issuer: Issuer, repository: Issued) -> None:
    receiver = _Receiver(repository, _read_one_and_close)
    with pytest.raises(PeerUnreachable):
        _send(receiver, issuer.file)


def test_what_is_read_to_its_end_is_sent(issuer: Issuer, repository: Issued) -> None:
    _send(_Receiver(repository, _read_all), issuer.file)
