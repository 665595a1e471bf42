"""A network on which a request has a time limit as a whole, and not for each step alone.

An HTTP client waits anew for each piece that comes, of headers and body, and for each address that
a name has. A peer that sends a byte a second would never let it go.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore


class RequestTime:
    """How much time is left for a request; one request at a time.

    Parameters
    ----------
    answer_s : from the end of the request, that is, from the first look for its answer
    whole_s : from its beginning; None where sending takes as long as it takes
    seconds : a clock that only goes forward
    """

    def __init__(
        self,
        answer_s: float,
        whole_s: float | None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer_s = answer_s
        self._whole_s = whole_s
        self._seconds = seconds
        self._until = self._answered_until = float("inf")

    def begin(self) -> None:
        """A request begins."""
        self._until = float("inf") if self._whole_s is None else self._seconds() + self._whole_s
        self._answered_until = float("inf")

    def to_send(self, step_s: float | None) -> float:
        """How long the next step of connecting or sending may take; none is left at 0."""
        self._answered_until = float("inf")
        return self._left(step_s)

    def to_receive(self, step_s: float | None) -> float:
        """How long the next piece of the answer may take; none is left at 0."""
        if self._answered_until == float("inf"):
            self._answered_until = self._seconds() + self._answer_s
        return self._left(step_s)

    def _left(self, step_s: float | None) -> float:
        left = min(self._until, self._answered_until) - self._seconds()
        return max(0.0, left if step_s is None else min(left, step_s))


class LimitedTime(httpcore.NetworkBackend):
    """Connects as the library does, and ends what takes longer than a request may."""

    def __init__(self, request_time: RequestTime) -> None:
        self._time = request_time
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try each address of a host in its turn, within the time that all have together."""
        fault: httpcore.ConnectError | httpcore.ConnectTimeout
        fault = httpcore.ConnectError("The host has no address")
        ends_at = time.monotonic() + self._time.to_send(timeout)
        for address in _addresses(host, port):
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                raise httpcore.ConnectTimeout("The host is not reached in time")
            try:
                stream = self._network.connect_tcp(
                    address, port, left_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
            else:
                return _LimitedStream(stream, self._time)
        raise fault


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [str(address[0]) for *_, address in found]


class _LimitedStream(httpcore.NetworkStream):
    """A connection, each step of which takes no longer than is left for the request."""

    def __init__(self, stream: httpcore.NetworkStream, request_time: RequestTime) -> None:
        self._stream = stream
        self._time = request_time

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left_s = self._time.to_receive(timeout)
        if not left_s:
            raise httpcore.ReadTimeout("The answer comes too slowly")
        return self._stream.read(max_bytes, left_s)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left_s = self._time.to_send(timeout)
        if not left_s:
            raise httpcore.WriteTimeout("The request is taken too slowly")
        self._stream.write(buffer, left_s)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._time.to_send(timeout)
        if not left_s:
            raise httpcore.ConnectTimeout("The handshake comes too late")
        # A handshake has one time limit as a whole, by Python's ssl.
        stream = self._stream.start_tls(ssl_context, server_hostname, left_s)
        return _LimitedStream(stream, self._time)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
