"""Whatever a peer sends: an acknowledgement or a closed connection, and the next one is served."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders.hl7_messages import admission, order, report, results
from tests.unit.hl7_node.running_listener import RunningListener, code, running_listener

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]

bounded = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

WHOLE = [
    order(),
    admission(),
    report(),
    results("NM|9279-1^RR^LN||28|/min|||||F", "SN|1988-5^CRP^LN||=^12|mg/dL|||||F"),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningListener]:
    """One listener for all examples: it must survive them."""
    with running_listener(tmp_path_factory.mktemp("hl7"), message_s=2.0) as one:
        yield one


@pytest.fixture(autouse=True)
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A defect that ends a connection is one, though the listener goes on."""
    found: list[str] = []
    from hl7_node import listener

    monkeypatch.setattr(
        listener._Server,
        "handle_error",
        lambda *_: found.append(threading.current_thread().name),
    )
    yield found
    assert not found


def converse(running: RunningListener, *sent: bytes) -> bytes:
    """Send bytes over one connection; gives what comes back until it is closed."""
    got = b""
    with running.connect() as connection, contextlib.suppress(OSError):
        for part in sent:
            connection.sendall(part)
        connection.shutdown(1)
        while part := connection.recv(4096):
            got += part
    return got


def still_serves(running: RunningListener) -> None:
    assert [code(one) for one in running.send(order())] == ["AA"]


@bounded
@given(st.binary(max_size=400))
def test_any_bytes_on_the_connection(running: RunningListener, content: bytes) -> None:
    """What is no frame ends the connection."""
    converse(running, content)
    still_serves(running)


@bounded
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_any_bytes_in_frames(running: RunningListener, contents: list[bytes]) -> None:
    """What is no message is rejected, each with an answer of its own."""
    contents = [one.replace(b"\x1c\x0d", b"") for one in contents]
    got = converse(running, *(b"\x0b" + one + b"\x1c\x0d" for one in contents))
    assert got.count(b"\x1c\x0d") == len(contents)


pieces = st.sampled_from(
    [
        b"|",
        b"^",
        b"~",
        b"&",
        b"\\",
        b"\r",
        b"\n",
        b"\x00",
        b"\xff",
        b"\\X00\\",
        b'""',
        b"1e999",
        "ı\u2028".encode(),
        b"99999999999999999999",
        b"\\E\\",
        b"MSH|^~\\&|",
        b"OBX|",
        b"PID|",
    ]
)
damaged = st.builds(
    lambda whole, offset, new, cut: (whole[:offset] + new + whole[offset + len(new) :])[:cut],
    st.sampled_from(WHOLE),
    st.integers(min_value=9, max_value=500),
    st.lists(pieces | st.binary(max_size=4), max_size=8).map(b"".join),
    st.integers(min_value=0, max_value=1000),
)


@bounded
@given(damaged)
def test_any_damage_to_a_message_is_answered(running: RunningListener, content: bytes) -> None:
    """AA or AR; never silence, never AE, which would be a defect or a database that is away."""
    content = content.replace(b"\x1c\x0d", b"")
    got = converse(running, b"\x0b" + content + b"\x1c\x0d")
    assert b"MSA|AA" in got or b"MSA|AR" in got or b"MSA|CA" in got or b"MSA|CR" in got
