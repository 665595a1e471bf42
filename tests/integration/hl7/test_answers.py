"""What senders are answered: in either mode, for each condition, and always so that it is matched.

HL7 v2.5.1 Sections 2.9.2 and 2.9.3, Table 0155.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
from sqlalchemy import func, select, text

from database.session import query
from database.tables.study.hl7 import ImagingOrder, ReceivedMessage
from tests.builders.hl7_messages import PATIENT, admission, header, message, order, results
from tests.unit.hl7_node.running_listener import RunningListener, code, running_listener

pytestmark = pytest.mark.integration


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningListener]:
    """A listener."""
    with running_listener(tmp_path) as one:
        yield one


def answers_to(running: RunningListener, *sent: bytes) -> list[hl7.Message]:
    """All answers on one connection, as many as there are, until our half of it is closed."""
    got = b""
    with running.connect() as connection:
        for one in sent:
            connection.sendall(b"\x0b" + one + b"\x1c\x0d")
        connection.shutdown(1)
        while part := connection.recv(4096):
            got += part
    frames = [one.strip(b"\x0b\r") for one in got.split(b"\x1c\x0d") if one]
    return [hl7.parse(one, encoding="utf-8") for one in frames]


def count(running: RunningListener, table: type = ReceivedMessage) -> int:
    with query(running.engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


# MSH-15, MSH-16; what is said of a message that is taken, refused, and not kept for now
MODES = [
    ("", "", "AA", "AR", "AE"),
    ('""', '""', "AA", "AR", "AE"),
    ("AL", "", "CA", "CR", "CE"),
    ("AL", "NE", "CA", "CR", "CE"),
    ("al", "ne", "CA", "CR", "CE"),
    ("NE", "AL", "AA", "AR", "AE"),
    ("", "AL", "AA", "AR", "AE"),
    ("NE", "NE", "", "", ""),
    ("ER", "ER", "", "CR", "CE"),
    ("SU", "SU", "CA AA", "", ""),
    ("AL", "AL", "CA AA", "CR", "CE"),
    ("AL", "ER", "CA", "CR", "CE"),
    ("AL", "SU", "CA AA", "CR", "CE"),
    ("NE", "ER", "", "AR", "AE"),
    ("NE", "SU", "AA", "", ""),
    ("ER", "NE", "", "CR", "CE"),
    ("ER", "AL", "AA", "CR", "CE"),
    ("ER", "SU", "AA", "CR", "CE"),
    ("SU", "NE", "CA", "", ""),
    ("SU", "AL", "CA AA", "AR", "AE"),
    ("SU", "ER", "CA", "AR", "AE"),
    ("??", "NE", "CA", "CR", "CE"),
]


@pytest.mark.parametrize(("accept", "application", "taken", "refused", "away"), MODES)
def test_a_sender_hears_what_it_asks_for(
    running: RunningListener,
    accept: str,
    application: str,
    taken: str,
    refused: str,
    away: str,
) -> None:
    """Accept and application acknowledgement, each always, never, on error or on success.

    A message in the original mode comes behind each, so that silence is one and no delay.
    """
    asked = f"{accept}|{application}".encode()
    good = order(acknowledged=asked.decode())
    bad = good.replace(b"FI1^RIS", b"").replace(b"A-0001", b"")
    assert [code(one) for one in answers_to(running, good, order())] == [*taken.split(), "AA"]
    assert [code(one) for one in answers_to(running, bad, order())] == [*refused.split(), "AA"]
    with query(running.engine) as session:
        session.execute(text("ALTER TABLE received_message RENAME TO away"))
        session.commit()
    lost = [code(one) for one in answers_to(running, order(acknowledged=asked.decode()), order())]
    assert lost == [*away.split(), "AE"]


def test_two_answers_are_about_one_message_and_want_none(running: RunningListener) -> None:
    """Each has a control id of its own, names the message, and asks for no acknowledgement."""
    sent = order(acknowledged="AL|AL", control_id="X1")
    accepted, applied = answers_to(running, sent)
    heads = [accepted.segment("MSH"), applied.segment("MSH")]
    assert str(heads[0](10)) != str(heads[1](10))
    for answer, head in zip((accepted, applied), heads, strict=True):
        assert str(answer.segment("MSA")(2)) == "X1"
        assert (str(head(15)), str(head(16))) == ("NE", "NE")
    assert count(running, ImagingOrder) == 1


BATCH = b"BHS|^~\\&|RIS|HOSPITAL|FIRSTREAD|RADIOLOGY|20260101115000||B1||X1\r"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(order(control_id="X1", character_set="ISO-8859-1"), id="ISO-8859-1"),
        pytest.param(order(control_id="X1", character_set="ISO IR87"), id="ISO IR87"),
        pytest.param(order(control_id="X1").decode().encode("utf-16"), id="UTF-16"),
        pytest.param(order(control_id="X1").replace(rb"|^~\&|", rb"|^^^^|", 1), id="delimiters"),
        pytest.param(order(control_id="X1") + b"NTE|1\r" * 6000, id="segments without end"),
        pytest.param(order(control_id="X1", version="3.0"), id="version"),
        pytest.param(BATCH + order() + order("A-0002") + b"BTS|2\r", id="batch"),
        pytest.param(BATCH.replace(b"BHS", b"FHS") + BATCH + order() + b"BTS|1\r", id="file"),
        pytest.param(order("A" * 65, control_id="X1"), id="accession number too long"),
        pytest.param(order(control_id="X1") + b"NTE|" + b"x" * 50_000, id="too long"),
    ],
)
def test_every_refusal_is_addressed(tmp_path: Path, sent: bytes) -> None:
    """AR with MSA-2, MSH-5 and MSH-6 of the message; the connection stays usable."""
    with running_listener(tmp_path, max_message_bytes=40_000) as running:
        refused, taken = answers_to(running, sent, order())
        assert (code(refused), str(refused.segment("MSA")(2))) == ("AR", "X1")
        assert [str(refused.segment("MSH")(n)) for n in (5, 6)] == ["RIS", "HOSPITAL"]
        assert str(refused.segment("MSA")(3))
        assert code(taken) == "AA"
        assert count(running) == 1


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            order().replace(
                b"|24627-2^CT Chest^LN|", b"|24627-2^CT Chest^LN|||||||||asthma\rSTAT|"
            ),
            id="CR within OBR-13",
        ),
        pytest.param(order() + b"and this too\r", id="a line behind the last segment"),
        pytest.param(order().replace(b"\rORC", b"\rorc"), id="a segment in small letters"),
        pytest.param(order().replace(b"\r", b"\n") + b"rest\n", id="LF alone, and a rest"),
        pytest.param(order() + order("A-0002"), id="two messages in one frame"),
        pytest.param(
            results("NM|9279-1^RR^LN||28|/min|||||F")
            + b"PID|1||P002^^^HOSPITAL^MR\rOBR|1||L2^LAB|V^V^L\r"
            + b"OBX|1|NM|59408-5^SpO2^LN||80|%|||||F\r",
            id="two patients in one result",
        ),
    ],
)
def test_what_is_not_read_whole_is_not_acknowledged(running: RunningListener, sent: bytes) -> None:
    """AR; nothing of it is kept, and nothing is lost without a word."""
    (refused,) = answers_to(running, sent)
    assert code(refused) == "AR"
    assert count(running) == count(running, ImagingOrder) == 0


def test_text_with_line_feeds_is_text(running: RunningListener) -> None:
    """In a message whose segments end with CR, an LF within a field loses and shifts nothing."""
    typed = order().replace(b"|24627-2^CT Chest^LN|", b"|24627-2^CT\nof the chest^LN|")
    mixed = admission().replace(b"\rPV1", b"\nPV1")
    assert [code(one) for one in answers_to(running, typed, mixed)] == ["AA", "AA"]
    assert count(running, ImagingOrder) == 1


def test_a_frame_that_begins_anew_is_the_message_that_counts(running: RunningListener) -> None:
    """A sender broke off within a message and began again; nothing of the first is taken."""
    half = order("A-HALF", control_id="HALF")[:150]
    (answer,) = answers_to(running, half + b"\x0b" + order("A-WHOLE", control_id="WHOLE"))
    assert (code(answer), str(answer.segment("MSA")(2))) == ("AA", "WHOLE")
    with query(running.engine) as session:
        assert session.scalars(select(ImagingOrder.accession_number)).all() == ["A-WHOLE"]


def test_kanji_whose_second_byte_is_a_bar_shifts_no_field(running: RunningListener) -> None:
    """`~ISO IR87`: the accession number behind it is the order's."""
    sent = message(
        header("ORM^O01", character_set="~ISO IR87"),
        PATIENT,
        "ORC|NW|PL1^RIS|FI1^RIS",
        "OBR|1|PL1^RIS|FI1^RIS|24627-2^万^LN||||||||||||||A-0001",
    )
    sent = sent.decode().encode("iso2022_jp")
    assert [code(one) for one in answers_to(running, sent)] == ["AA"]
    with query(running.engine) as session:
        assert session.scalars(select(ImagingOrder.accession_number)).all() == ["A-0001"]
