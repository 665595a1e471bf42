"""Answers over HTTP that are read within limits: a peer could send one without end.

RFC 9110 Section 8.4 (content codings), 12.5.3 (Accept-Encoding). A client reads an answer into
memory, and waits anew for each piece of it: gigabytes, a few kilobytes that unpack to as much, or a
byte a second, of its headers too, would keep a process that sends results from all other
destinations.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import httpx

AS_IT_IS: Final = {"Accept-Encoding": "identity"}
"""Headers of a client with this transport."""


class BoundedTransport(httpx.HTTPTransport):
    """Sends requests, and breaks off an answer that is too long, packed, or comes too slowly.

    What is broken off is an `httpx.HTTPError`, as what a peer breaks off itself. One request at a
    time.

    Parameters
    ----------
    verify : trusts the peer's certificate
    most_bytes, most_s : of the body of one answer; its headers may take as long again
    """

    def __init__(self, *, verify: ssl.SSLContext, most_bytes: int, most_s: float) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._most_bytes = most_bytes
        self._most_s = most_s
        self._connections = _Connections()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; gives its answer, the body of which has not come yet."""
        with self._connections.broken_off_after(self._most_s) as note:
            request.extensions = {**request.extensions, "trace": note}
            answer = super().handle_request(request)
        if answer.headers.get("content-encoding", "identity") != "identity":
            answer.close()
            raise httpx.DecodingError("The answer is packed, though nobody asked for that")
        body = cast("httpx.SyncByteStream", answer.stream)
        answer.stream = _Bounded(body, self._most_bytes, time.monotonic() + self._most_s)
        return answer


class _Connections:
    """The connections of a transport, as its library tells of them (httpcore, "trace")."""

    def __init__(self) -> None:
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @contextmanager
    def broken_off_after(self, most_s: float) -> Iterator[Callable[[str, dict[str, Any]], None]]:
        """Break off what takes longer from the end of the request to the end of the headers."""
        timer = threading.Timer(most_s, self._break_off)
        timer.daemon = True

        def note(event: str, about: dict[str, Any]) -> None:
            if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
                self._sockets.add(about["return_value"].get_extra_info("socket"))
            elif event.endswith(".receive_response_headers.started") and timer.ident is None:
                timer.start()

        try:
            yield note
        finally:
            timer.cancel()

    def _break_off(self) -> None:
        for one in tuple(self._sockets):
            with contextlib.suppress(OSError):  # it has ended, or TLS has taken its place
                # Not TLS's own, which would let the thread that reads go on in clear.
                socket.socket.shutdown(one, socket.SHUT_RDWR)


class _Bounded(httpx.SyncByteStream):
    """A body that ends in an error where its limits are."""

    def __init__(self, body: httpx.SyncByteStream, most_bytes: int, until: float) -> None:
        self._body = body
        self._most_bytes = most_bytes
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        got = 0
        for piece in self._body:
            got += len(piece)
            if got > self._most_bytes:
                raise httpx.ReadError("The answer is longer than any that is needed")
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("The answer comes too slowly")
            yield piece

    def close(self) -> None:
        self._body.close()
