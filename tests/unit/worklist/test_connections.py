"""Connections on which nothing comes: they end, and keep nobody else out."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from settings.page.worklist_network import WorklistNetwork
from tests.peers.waiting import wait_until
from worklist.connections import connections_for

HEAD_S = 1.0
Connect = Callable[[], socket.socket]


async def _slow(request: Request) -> PlainTextResponse:
    """An answer that waits for a body, which takes longer than a head may."""
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Give a function that connects to a running server."""
    app = Starlette(routes=[Route("/", _slow, methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    kind = connections_for(WorklistNetwork(), head_s=HEAD_S)
    server = uvicorn.Server(uvicorn.Config(app, http=kind, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the server")
    opened = []

    def connected() -> socket.socket:
        opened.append(socket.create_connection(listener.getsockname(), timeout=20))
        return opened[-1]

    yield connected
    for one in opened:
        one.close()
    server.should_exit = True
    thread.join(10)


def _ended(connection: socket.socket) -> bool:
    """Whether the server hangs up, within the time of the socket."""
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


def _answer(connection: socket.socket, body: bytes) -> bytes:
    """What comes, up to a body."""
    got = b""
    while not got.endswith(b"\r\n\r\n" + body):
        part = connection.recv(4096)
        assert part, got
        got += part
    return got


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["nothing", "half a head"]
)
def test_who_begins_no_request_is_hung_up_on(connect: Connect, said: bytes) -> None:
    """At the beginning, and on a connection that has had an answer."""
    silent, kept = connect(), connect()
    silent.sendall(said)
    kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert _answer(kept, b"0").startswith(b"HTTP/1.1 200")
    kept.sendall(said)
    assert _ended(silent)
    assert _ended(kept)


def test_a_request_that_has_begun_is_answered(connect: Connect) -> None:
    """However long its body takes: that is for the one who reads it to limit."""
    slow = connect()
    slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
    slow.settimeout(1.5 * HEAD_S)
    with pytest.raises(TimeoutError):
        slow.recv(4096)
    slow.sendall(b"abcd")
    slow.settimeout(20)
    assert _answer(slow, b"4").startswith(b"HTTP/1.1 200")


def test_an_address_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not this machine, nor a reverse proxy, through which everybody comes."""
    network = WorklistNetwork(names=("page",), behind_proxy=(ip_network("10.9.0.0/16"),))
    monkeypatch.setattr("resource.getrlimit", lambda _: (400, 400))
    kind = connections_for(network)
    loop = asyncio.new_event_loop()
    one = kind(uvicorn.Config(_slow), uvicorn.server.ServerState(), {}, loop)
    loop.close()
    assert [one.is_free(address) for address in ("127.0.0.1", "10.9.3.1", "::1")] == [True] * 3
    assert not one.is_free("10.1.1.1")
    assert [one.places.begin("10.1.1.1") for _ in range(101)] == [True] * 100 + [False]
    assert one.places.begin("10.1.1.2")
