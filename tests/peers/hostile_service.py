"""A service over HTTP whose answers are too long, too slow or packed.

Whoever asks a service is tried with each of `HOSTILE_ANSWERS`.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


def endless() -> Iterable[bytes]:
    """White space before a JSON list's first item, 250 MB of it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n\r\n["
    return itertools.chain([head], itertools.repeat(b" " * 65536, 4000))


def trickling() -> Iterator[bytes]:
    """A byte each tenth of a second, for 20 s."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"
    for _ in range(200):
        time.sleep(0.1)  # the pace is what is tried: always a byte, never too late
        yield b" "


def trickling_headers() -> Iterator[bytes]:
    """A byte of a header each tenth of a second, for 20 s."""
    yield b"HTTP/1.1 200 OK\r\nX-Slow: "
    for _ in range(200):
        time.sleep(0.1)  # as above
        yield b"x"


def trickling_interim() -> Iterator[bytes]:
    """An interim answer each tenth of a second, for 20 s, and never the answer."""
    for _ in range(200):
        time.sleep(0.1)  # as above
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"


def endless_headers() -> Iterable[bytes]:
    """Headers, 250 MB of them."""
    head = b"HTTP/1.1 200 OK\r\n"
    return itertools.chain([head], itertools.repeat(b"X-Long: " + b"x" * 65526 + b"\r\n", 4000))


def packed() -> Iterable[bytes]:
    """Ten million bytes in ten thousand."""
    content = gzip.compress(b" " * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}\r\n\r\n"
    return [head.encode() + content]


HOSTILE_ANSWERS = (
    endless,
    endless_headers,
    trickling,
    trickling_headers,
    trickling_interim,
    packed,
)


@contextmanager
def hostile_service(answer: Callable[[], Iterable[bytes]]) -> Iterator[tuple[str, list[int]]]:
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
