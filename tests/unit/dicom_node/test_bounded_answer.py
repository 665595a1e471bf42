"""What a DICOMweb service may answer, and how long it may take over it."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dicom_node.request.stow import store_instances
from dicom_node.work_items.web import WebService, WorkItemWeb
from radiology.errors import PeerUnreachable
from settings.peers import Peer
from tests.unit.dicom_node.small_ct import small_ct, write

_SECONDS = 0.5


def _endless() -> Iterable[bytes]:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n\r\n["
    return itertools.chain([head], itertools.repeat(b" " * 65536, 4000))


def _trickling() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"
    for _ in range(200):
        time.sleep(0.1)  # the pace is what is tried: always a byte, never too late
        yield b" "


def _packed() -> Iterable[bytes]:
    content = gzip.compress(b" " * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}\r\n\r\n"
    return [head.encode() + content]


@contextmanager
def _service(answer: Callable[[], Iterable[bytes]]) -> Iterator[tuple[str, list[int]]]:
    """A service that answers one request so; its address, and how many bytes it could send."""
    sent = [0]
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                for piece in answer():
                    connection.sendall(piece)
                    sent[0] += len(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent
        thread.join()


@pytest.mark.parametrize("answer", [_endless, _trickling, _packed])
def test_a_service_does_not_hold_up_deliveries(
    answer: Callable[[], Iterable[bytes]], tmp_path: Path
) -> None:
    """The delivery is tried again later, as where the service had broken off itself."""
    path = write(small_ct(), tmp_path)
    began = time.monotonic()
    with _service(answer) as (url, sent):
        peer = Peer.model_validate(
            {"name": "web", "ae_title": "WEB", "roles": ["destination"], "stow_url": url}
        )
        with pytest.raises(PeerUnreachable):
            store_instances([path], peer, None, timeout_s=_SECONDS)
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_nor_does_a_service_of_work_items() -> None:
    """It is asked in the same way."""
    with _service(_endless) as (url, sent):
        service = WebService(url=url, user=None, secret=None, ca_file=None)
        with pytest.raises(PeerUnreachable):
            WorkItemWeb(service, timeout_s=_SECONDS).state_of("2.25.1")
    assert sent[0] < 20_000_000
