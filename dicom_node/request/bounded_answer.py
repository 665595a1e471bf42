"""Answers over HTTP that are read within limits: a peer could send one without end.

RFC 9110 Section 8.4 (content codings), 12.5.3 (Accept-Encoding). A client reads an answer into
memory, and waits anew for each piece of it: gigabytes, a few kilobytes that unpack to as much, or a
byte a second would keep a process that sends results from all other destinations.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Final, cast

import httpx

AS_IT_IS: Final = {"Accept-Encoding": "identity"}
"""Headers of a client with this transport."""


class BoundedTransport(httpx.HTTPTransport):
    """Sends requests, and breaks off an answer that is too long, packed, or comes too slowly.

    What is broken off is an `httpx.HTTPError`, as what a peer breaks off itself.

    Parameters
    ----------
    verify : trusts the peer's certificate
    most_bytes, most_s : of the body of one answer
    """

    def __init__(self, *, verify: ssl.SSLContext, most_bytes: int, most_s: float) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._most_bytes = most_bytes
        self._most_s = most_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; gives its answer, the body of which has not come yet."""
        answer = super().handle_request(request)
        try:
            _refuse_packed(answer)
        except httpx.DecodingError:
            answer.close()
            raise
        body = cast("httpx.SyncByteStream", answer.stream)
        answer.stream = _Bounded(body, self._most_bytes, time.monotonic() + self._most_s)
        return answer


def read_within(answer: httpx.Response, *, most_bytes: int, most_s: float) -> bytes:
    """The body of an answer whose client needs a transport of its own, as where a proxy is set.

    Parameters
    ----------
    answer : of a request with `AS_IT_IS`, opened by `httpx.Client.stream`

    Raises
    ------
    httpx.HTTPError
        It is packed, longer, or comes more slowly.
    """
    _refuse_packed(answer)
    return b"".join(_within(answer.iter_raw(), most_bytes, time.monotonic() + most_s))


class _Bounded(httpx.SyncByteStream):
    """A body that ends in an error where its limits are."""

    def __init__(self, body: httpx.SyncByteStream, most_bytes: int, until: float) -> None:
        self._body = body
        self._most_bytes = most_bytes
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        yield from _within(self._body, self._most_bytes, self._until)

    def close(self) -> None:
        self._body.close()


def _refuse_packed(answer: httpx.Response) -> None:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise httpx.DecodingError("The answer is packed, though nobody asked for that")


def _within(pieces: Iterable[bytes], most_bytes: int, until: float) -> Iterator[bytes]:
    got = 0
    for piece in pieces:
        got += len(piece)
        if got > most_bytes:
            raise httpx.ReadError("The answer is longer than any that is needed")
        if time.monotonic() > until:
            raise httpx.ReadTimeout("The answer comes too slowly")
        yield piece
