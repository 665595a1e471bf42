"""Our listener, called by the client of the package `hl7`, and by callers that mean no good."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
from sqlalchemy import func, select, text

from database.session import query
from database.tables.study.hl7 import ImagingOrder, ReceivedMessage, ReceivedValue, StudyReport
from settings.tls import ListenerTls
from tests.builders.hl7_messages import (
    admission,
    header,
    message,
    order,
    report,
    results,
)
from tests.integration.hl7.conftest import Certificate
from tests.peers.waiting import wait_until
from tests.unit.hl7_node.running_listener import (
    RunningListener,
    code,
    condition,
    running_listener,
)

pytestmark = pytest.mark.integration


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningListener]:
    """A listener."""
    with running_listener(tmp_path) as one:
        yield one


def count(running: RunningListener, table: type) -> int:
    with query(running.engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_messages_are_kept_before_they_are_acknowledged(running: RunningListener) -> None:
    """Order, visit, values and report over one connection, each answered AA with its control id."""
    sent = [
        order(),
        admission(),
        results("NM|9279-1^RR^LN||28|/min|||||F"),
        report(),
    ]
    answers = running.send(*sent)
    assert [code(one) for one in answers] == ["AA"] * 4
    assert [str(one.segment("MSA")(2)) for one in answers] == [
        str(hl7.parse(one, encoding="utf-8").segment("MSH")(10)) for one in sent
    ]
    assert count(running, ImagingOrder) == count(running, ReceivedValue) == 1
    assert count(running, StudyReport) == 1


def test_the_acknowledgement_is_addressed_to_the_sender(running: RunningListener) -> None:
    """Applications changed places, the trigger event in MSH-9, UTF-8 declared."""
    (answer,) = running.send(order())
    head = answer.segment("MSH")
    assert [str(head(n)) for n in (3, 5, 6, 12, 18)] == [
        "FIRSTREAD",
        "RIS",
        "HOSPITAL",
        "2.5.1",
        "UNICODE UTF-8",
    ]
    assert str(head(9)) == "ACK^O01^ACK"


def test_a_commit_is_acknowledged_as_one(running: RunningListener) -> None:
    """A sender in enhanced mode (MSH-15) gets CA."""
    sent = order().replace(b"|P|2.5.1||||||", b"|P|2.5.1|||AL|NE||")
    assert [code(one) for one in running.send(sent)] == ["CA"]


def test_nothing_of_the_person_is_kept(running: RunningListener) -> None:
    """Neither name nor address nor birth date is anywhere in the database."""
    running.send(order(), admission(), results("NM|9279-1^RR^LN||28|/min|||||F"), report())
    with query(running.engine) as session:
        tables = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        everything = str(
            [session.execute(text(f'SELECT * FROM "{name}"')).all() for name in tables]
        )
    assert "P001" in everything
    for private in ("Muster", "Anna", "1960", "weg", "Rita", "99887766"):
        assert private not in everything


def test_a_repetition_is_accepted_without_effect(running: RunningListener) -> None:
    """A sender that lost our answer comes again with the very same message."""
    sent = order()
    assert [code(one) for one in running.send(sent, sent)] == ["AA", "AA"]
    assert count(running, ReceivedMessage) == 1


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (message(header("MDM^T02"), "PID|1||P001"), "200"),
        (message(header("ADT^A40"), "PID|1||P001"), "201"),
        (message(header("ORM^O01", version="3.0"), "PID|1||P001"), "203"),
        (message(header("ORM^O01", control_id=""), "PID|1||P001"), "101"),
        (order(""), "101"),
        (admission(patient="PID|1||"), "101"),
        (message(header("ORM^O01", character_set="EBCDIC"), "PID|1||P001"), "100"),
        (b"this is no message", "100"),
    ],
)
def test_what_will_never_be_taken_is_rejected_with_the_reason(
    running: RunningListener, sent: bytes, reason: str
) -> None:
    """AR with the condition; the connection stays usable."""
    if sent == order(""):
        sent = sent.replace(b"FI1^RIS", b"")
    refused, taken = running.send(sent.replace(b"FI1^RIS", b""), order())
    assert (code(refused), condition(refused)) == ("AR", reason)
    assert code(taken) == "AA"
    assert count(running, ReceivedMessage) == 1


def test_a_message_for_another_department_is_accepted_and_not_kept(
    running: RunningListener,
) -> None:
    """A laboratory value that nobody asked for is no error."""
    (answer,) = running.send(results("NM|718-7^Hb^LN||12|g/dL|||||F"))
    assert code(answer) == "AA"
    assert count(running, ReceivedValue) == 0


def test_without_a_database_the_sender_is_told_to_come_again(running: RunningListener) -> None:
    """AE; and AA once the database is back, with the same message."""
    sent = order()
    with query(running.engine) as session:
        session.execute(text("ALTER TABLE received_message RENAME TO away"))
        session.commit()
        (away,) = running.send(sent)
        session.execute(text("ALTER TABLE away RENAME TO received_message"))
        session.commit()
    assert (code(away), condition(away)) == ("AE", "207")
    assert [code(one) for one in running.send(sent)] == ["AA"]


def test_a_sending_application_that_may_not_send(tmp_path: Path) -> None:
    """AR, and nothing is kept."""
    with running_listener(tmp_path, sending_applications=("RIS",)) as running:
        stranger, known = running.send(order(application="OTHER"), order())
        assert (code(stranger), code(known)) == ("AR", "AA")
        assert count(running, ReceivedMessage) == 1


def test_a_stranger_is_not_heard(tmp_path: Path) -> None:
    """Somebody outside the networks gets a closed connection."""
    with running_listener(tmp_path, senders=("10.0.0.0/8",)) as running:
        with running.connect() as connection:
            connection.sendall(b"\x0b" + order() + b"\x1c\x0d")
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
        assert count(running, ReceivedMessage) == 0


def test_split_and_joined_bytes_are_the_same_messages(running: RunningListener) -> None:
    """Byte by byte, and two messages in one piece."""
    with running.connect() as connection:
        for byte in b"\x0b" + order() + b"\x1c\x0d":
            connection.sendall(bytes([byte]))
        connection.sendall((b"\x0b" + order() + b"\x1c\x0d") * 2)
        got = b""
        while got.count(b"\x1c\x0d") < 3:
            got += connection.recv(4096)
    assert got.count(b"MSA|AA|") == 3


def closed(connection: object) -> bool:
    """Whether the other side has closed a connection, once everything it sent is read."""
    try:
        while connection.recv(4096):  # type: ignore[attr-defined]
            pass
    except ConnectionResetError:
        return True
    return True


def test_a_slow_sender_does_not_hold_a_place(tmp_path: Path) -> None:
    """A message that is not whole in time ends its connection; others are served meanwhile."""
    with running_listener(tmp_path, message_s=0.5, max_connections=2) as running:
        with running.connect() as slow:
            slow.sendall(b"\x0bMSH|^~\\&|")
            assert [code(one) for one in running.send(order())] == ["AA"]
            assert closed(slow)
        wait_until(lambda: running.listener.connections == 0, what="all connections to end")


def test_an_idle_connection_ends(tmp_path: Path) -> None:
    """So does one that never says anything."""
    with running_listener(tmp_path, idle_s=0.3) as running, running.connect() as idle:
        assert closed(idle)


def test_a_message_without_end_is_cut_off(tmp_path: Path) -> None:
    """Memory is bounded by `max_message_bytes`."""
    with running_listener(tmp_path, max_message_bytes=10_000) as running:
        with running.connect() as connection:
            try:
                connection.sendall(b"\x0b" + b"A" * 2_000_000)
            except OSError:
                pass
            else:
                assert closed(connection)
        assert [code(one) for one in running.send(order())] == ["AA"]


def test_too_many_connections_are_closed_unheard(tmp_path: Path) -> None:
    """And when one ends, there is room again."""
    with running_listener(tmp_path, max_connections=2) as running:
        first, second = running.connect(), running.connect()
        wait_until(lambda: running.listener.connections == 2, what="both connections")
        with running.connect() as third:
            assert closed(third)
        first.close()
        wait_until(lambda: running.listener.connections == 1, what="room")
        assert [code(one) for one in running.send(order())] == ["AA"]
        second.close()


def test_one_sender_cannot_take_all_places(tmp_path: Path) -> None:
    """A quarter is left to other addresses."""
    both = ("127.0.0.1", "127.0.0.2")
    with running_listener(tmp_path, max_connections=4, senders=both) as running:
        gone_wild = [running.connect("127.0.0.2") for _ in range(3)]
        wait_until(lambda: running.listener.connections == 3, what="three connections")
        with running.connect("127.0.0.2") as fourth:
            assert closed(fourth)
        assert [code(one) for one in running.send(order())] == ["AA"]
        for connection in gone_wild:
            connection.close()


def test_many_senders_at_once(running: RunningListener) -> None:
    """Each message once, from ten connections, with values for one patient among them."""
    sent = [
        [order(f"A-{sender}-{number}") for number in range(3)]
        + [results("NM|9279-1^RR^LN||28|/min|||||F")]
        for sender in range(10)
    ]
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda m=m: answers.extend(map(code, running.send(*m))))
        for m in sent
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == ["AA"] * 40
    assert count(running, ReceivedMessage) == 40
    assert count(running, ImagingOrder) == 30


def test_deep_repetition_takes_no_time(running: RunningListener) -> None:
    """A field with a hundred thousand repetitions, a segment with as many fields."""
    monster = message(
        header("ADT^A08"),
        "PID|1||" + "x^~" * 100_000,
        "PV1|1|E" + "|" * 100_000,
        "ZZZ|" + "&" * 100_000,
    )
    assert [code(one) for one in running.send(monster)] == ["AA"]


def test_tls_with_a_client_certificate(tmp_path: Path, certificate: Certificate) -> None:
    """A caller without one is not heard; one with it is."""
    tls = ListenerTls(
        certificate_file=certificate.certificate,
        key_file=certificate.key,
        client_ca_file=certificate.certificate,
    )
    with running_listener(tmp_path, tls=tls) as running:
        context = ssl.create_default_context(cafile=str(certificate.certificate))
        with pytest.raises(OSError):
            exchange(running, context)
        context.load_cert_chain(certificate.certificate, certificate.key)
        assert b"MSA|AA|" in exchange(running, context)
        with running.connect() as plain:
            plain.sendall(b"\x0b" + order() + b"\x1c\x0d")
            assert closed(plain)
        wait_until(lambda: running.listener.connections == 0, what="all connections to end")


def exchange(running: RunningListener, context: ssl.SSLContext) -> bytes:
    """Send one message over TLS; gives what comes back."""
    with (
        running.connect() as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(b"\x0b" + order() + b"\x1c\x0d")
        got = connection.recv(4096)
        if not got:
            raise ConnectionResetError
        return got
