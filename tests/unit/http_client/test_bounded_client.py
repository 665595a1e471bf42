"""A client that asks a service: what it answers has limits, and it goes where it is sent."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from http_client.bounded_client import AnswerLimits, AnswerNotRead, bounded_client
from tests.peers.flag_receivers import answers_with, running_web_receiver
from tests.peers.hostile_service import (
    HOSTILE_ANSWERS,
    endless,
    hostile_service,
    packed,
    trickling_headers,
)

_SECONDS = 0.5
_LIMITS = AnswerLimits.of_all(_SECONDS, 1 << 20)
_PATIENT = AnswerLimits.of_all(20.0, 1 << 20)  # where a loaded machine may take its time
_SLOW_PEER = AnswerLimits(1 << 20, step_s=_SECONDS, answer_s=_SECONDS)


def client(limits: AnswerLimits = _LIMITS, proxy: str | None = None) -> httpx.Client:
    """A client with these limits."""
    return bounded_client(limits, trust=ssl.create_default_context(), proxy=proxy)


def trickling_handshake() -> Iterator[bytes]:
    """The beginning of a TLS record of 16 kB, and then a byte of it each tenth of a second."""
    yield b"\x16\x03\x03\x40\x00"
    for _ in range(200):
        time.sleep(0.1)  # the pace is what is tried
        yield b"\0"


@pytest.mark.parametrize("limits", [_LIMITS, _SLOW_PEER], ids=["of all", "of the answer"])
@pytest.mark.parametrize("answer", HOSTILE_ANSWERS)
def test_an_answer_has_limits(answer: Callable[[], Iterable[bytes]], limits: AnswerLimits) -> None:
    """Whoever asks gets an error of HTTP, soon, and after few bytes."""
    began = time.monotonic()
    with (
        hostile_service(answer) as (url, sent),
        client(limits) as asking,
        pytest.raises(httpx.HTTPError),
    ):
        asking.get(url)
    assert time.monotonic() - began < 10
    assert sent[0] < 20_000_000


def test_a_handshake_has_limits() -> None:
    """A byte a tenth of a second is in time for each step, and too late for the request."""
    began = time.monotonic()
    with (
        hostile_service(trickling_handshake) as (url, _),
        client() as asking,
        pytest.raises(httpx.ConnectTimeout),
    ):
        asking.get(url.replace("http:", "https:"))
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("address", ["http://provider.example/", "https://provider.example/"])
def test_a_proxy_has_the_same_limits(address: str) -> None:
    """Of what it answers to CONNECT too; it is asked, and nobody looks for the service."""
    began = time.monotonic()
    with (
        hostile_service(trickling_headers) as (url, sent),
        client(proxy=url) as asking,
        pytest.raises(httpx.ReadTimeout),
    ):
        asking.get(address)
    assert time.monotonic() - began < 10
    assert sent[0] > 0


@pytest.mark.parametrize("answer", [endless, packed])
def test_what_is_not_read_has_a_status(answer: Callable[[], Iterable[bytes]]) -> None:
    """Whoever needs only the status learns it."""
    with (
        hostile_service(answer) as (url, _),
        client(_PATIENT) as asking,
        asking.stream("GET", url) as response,
    ):
        assert response.status_code == 200
        with pytest.raises(AnswerNotRead):
            response.read()


@contextmanager
def deaf_service() -> Iterator[str]:
    """A service that takes a connection and reads a little of a request each tenth of a second."""
    ended = threading.Event()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                while not ended.wait(0.1) and connection.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        thread.join()


def test_sending_has_a_limit_where_the_whole_has_one() -> None:
    """A service that takes a request slowly holds nobody up."""
    began = time.monotonic()
    with deaf_service() as url, client() as asking, pytest.raises(httpx.WriteTimeout):
        asking.post(url, content=bytes(50_000_000))
    assert time.monotonic() - began < 10


def test_all_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with many addresses, none of which answers, takes no longer than one."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # more than wait: the next gets no answer
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        real = socket.getaddrinfo

        def many(host: str, *rest: object, **more: object) -> object:
            return real(host, *rest, **more) * (20 if host == "localhost" else 1)  # type: ignore[arg-type]

        monkeypatch.setattr(socket, "getaddrinfo", many)
        began = time.monotonic()
        with client() as asking, pytest.raises(httpx.ConnectTimeout):
            asking.get(f"http://localhost:{port}/")
        assert time.monotonic() - began < 5
        for one in waiting:
            one.close()


def test_the_next_address_is_tried() -> None:
    """A service that listens at one of a name's addresses is found."""
    with running_web_receiver() as receiver, client(_PATIENT) as asking:
        assert asking.post(f"http://localhost:{receiver.port}/", content=b"").status_code == 204


def test_it_goes_where_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a redirect nor the environment sends it elsewhere; nothing packed is asked for."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    redirect = answers_with(307, location="http://127.0.0.1:9/")
    with running_web_receiver(redirect) as receiver, client(_PATIENT) as asking:
        assert asking.post(receiver.url, content=b"").status_code == 307
    assert receiver.received[0].headers["accept-encoding"] == "identity"
