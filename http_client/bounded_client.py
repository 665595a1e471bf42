"""The one way in which a service is asked over HTTP: what it answers has limits.

RFC 9110 Section 8.4 (content codings), 12.5.3 (Accept-Encoding), 15.4 (redirection). A service
could send gigabytes, a few kilobytes that unpack to as much, or a byte a second, of its headers
too, and would keep whoever asks from everything else.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

import httpx

from http_client.limited_time import LimitedTime, RequestTime

_AS_IT_IS: Final = {"Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """What one request may take; the length of headers is limited by the library.

    Attributes
    ----------
    most_bytes : of the body
    step_s : of each step: connecting, sending a piece, waiting for a piece
    answer_s : from the end of the request to the end of its answer
    whole_s : from its beginning; None where an object takes as long to send as it takes
    """

    most_bytes: int
    step_s: float
    answer_s: float
    whole_s: float | None = None

    @staticmethod
    def of_all(seconds: float, most_bytes: int) -> AnswerLimits:
        """One time limit for everything, from connecting to the end of the answer."""
        return AnswerLimits(most_bytes, seconds, seconds, seconds)


class AnswerNotRead(httpx.TransportError):
    """An answer came whose body is not read: it is too long, or packed though nobody asked."""


def bounded_client(
    limits: AnswerLimits,
    *,
    trust: ssl.SSLContext,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | None = None,
    proxy: str | None = None,
) -> httpx.Client:
    """What asks a service; one request at a time.

    It goes where it is sent: a redirect is an answer as any other, and nothing is read from the
    environment. What is broken off is an `httpx.HTTPError`, as what a peer breaks off itself.

    Parameters
    ----------
    trust : trusts the service's certificate
    headers : of each request
    proxy : its address; None where the service is called itself
    """
    return httpx.Client(
        transport=_BoundedTransport(limits, trust, proxy),
        timeout=limits.step_s,
        headers={**(headers or {}), **_AS_IT_IS},
        auth=auth,
        follow_redirects=False,  # a secret and what is known of patients go where the settings say
        trust_env=False,
    )


class _BoundedTransport(httpx.HTTPTransport):
    """Sends requests, and breaks off an answer that is too long, packed, or comes too slowly."""

    def __init__(self, limits: AnswerLimits, trust: ssl.SSLContext, proxy: str | None) -> None:
        super().__init__(verify=trust, trust_env=False, proxy=proxy)
        self._most_bytes = limits.most_bytes
        self._time = RequestTime(limits.answer_s, limits.whole_s)
        # httpx passes no backend on; without it the tests with hostile services fail.
        self._pool._network_backend = LimitedTime(self._time)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; gives its answer, the body of which has not come yet."""
        self._time.begin()
        answer = super().handle_request(request)
        is_packed = answer.headers.get("content-encoding", "identity").lower() != "identity"
        body = cast("httpx.SyncByteStream", answer.stream)
        answer.stream = _Bounded(body, self._most_bytes, is_packed=is_packed)
        return answer


class _Bounded(httpx.SyncByteStream):
    """A body that ends in an error where its limits are."""

    def __init__(self, body: httpx.SyncByteStream, most_bytes: int, *, is_packed: bool) -> None:
        self._body = body
        self._most_bytes = most_bytes
        self._is_packed = is_packed

    def __iter__(self) -> Iterator[bytes]:
        if self._is_packed:
            raise AnswerNotRead("The answer is packed, though nobody asked for that")
        got = 0
        for piece in self._body:
            got += len(piece)
            if got > self._most_bytes:
                raise AnswerNotRead("The answer is longer than any that is needed")
            yield piece

    def close(self) -> None:
        self._body.close()
