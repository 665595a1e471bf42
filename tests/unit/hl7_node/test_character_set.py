"""Character sets of incoming messages: read in the set that MSH-18 names, or refused."""

from __future__ import annotations

import pytest

from hl7_node.read_message import read_header, read_message
from radiology.errors import MessageRefused
from tests.builders.hl7_messages import header, message, order

# Each has a second byte that is a bar in its set.
KANJI_WITH_BAR = "万亨傅"
GB_WITH_BAR = "亅倈億"
BIG5_WITH_BAR = "吜咽唰"


def said_in(
    codec: str, character_set: str, *, facility: str = "HOSPITAL", text: str = "CT Chest"
) -> bytes:
    """An order whose procedure is named in a character set."""
    whole = order(character_set=character_set).decode()
    whole = whole.replace("|HOSPITAL|", f"|{facility}|").replace("CT Chest", text)
    return whole.encode(codec)


@pytest.mark.parametrize(
    ("codec", "character_set", "text"),
    [
        ("iso2022_jp", "~ISO IR87", KANJI_WITH_BAR),
        ("iso2022_jp", "ASCII~ISO IR87", KANJI_WITH_BAR),
        ("iso2022_jp_1", "ISO IR6~ISO IR87~ISO IR159", KANJI_WITH_BAR),
        ("gb18030", "GB 18030-2000", GB_WITH_BAR),
        ("big5", "BIG-5", BIG5_WITH_BAR),
    ],
)
def test_a_character_whose_second_byte_is_a_bar_ends_no_field(
    codec: str, character_set: str, text: str
) -> None:
    """In a segment, and in the header before MSH-18, where the set is named."""
    content = said_in(codec, character_set, facility=text, text=text)
    assert content.count(b"|") > content.decode(codec).count("|")
    read = read_message(content)
    ordered = read.first("OBR")
    assert ordered is not None
    assert read.header.sending_facility == text
    assert (ordered.part(4, 2), ordered.part(18)) == (text, "A-0001")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(said_in("latin-1", "ISO-8859-1"), id="another standard's name"),
        pytest.param(said_in("latin-1", "ISO IR87"), id="kanji without a set of Latin letters"),
        pytest.param(said_in("latin-1", "8859/1~ISO IR87"), id="kanji beside Latin-1"),
        pytest.param(said_in("latin-1", "UNICODE UTF-8~CNS 11643-1992"), id="unknown repetition"),
        pytest.param(said_in("iso2022_jp", "", text=KANJI_WITH_BAR), id="a switch without a name"),
        pytest.param(
            said_in("iso2022_jp", "~ISO IR87", text=KANJI_WITH_BAR).replace(b"\x1b(B", b""),
            id="no way back to Latin letters",
        ),
        pytest.param(
            said_in("shift_jis", "~ISO IR87", text=KANJI_WITH_BAR), id="Shift JIS by this name"
        ),
    ],
)
def test_what_cannot_be_read_in_its_set_is_refused_and_can_be_matched(content: bytes) -> None:
    """Never read in another set; the header tells whom the refusal goes to, about what."""
    with pytest.raises(MessageRefused):
        read_message(content)
    found = read_header(content)
    assert found is not None
    assert (found.sending_application, found.sending_facility) == ("RIS", "HOSPITAL")
    assert found.control_id.startswith("MSG")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_message_in_sixteen_bits_is_refused_and_can_be_matched(codec: str) -> None:
    """We do not read it, and still find out whose it is."""
    content = order(character_set="UNICODE UTF-16", control_id="X1").decode().encode(codec)
    with pytest.raises(MessageRefused):
        read_message(content)
    found = read_header(content)
    assert found is not None
    assert (found.control_id, found.sending_application) == ("X1", "RIS")


def test_a_byte_order_mark_before_the_header_is_no_part_of_it() -> None:
    """Windows programs write one before UTF-8."""
    read = read_message(order(control_id="X1").decode().encode("utf-8-sig"))
    assert read.header.control_id == "X1"


def test_a_refusal_of_wrong_delimiters_can_be_matched() -> None:
    """The field separator is known; with it MSH-10 can be found."""
    content = order(control_id="X1").replace(rb"|^~\&|", rb"|^^^^|", 1)
    with pytest.raises(MessageRefused):
        read_message(content)
    found = read_header(content)
    assert found is not None
    assert found.control_id == "X1"


def test_what_is_no_header_names_nobody() -> None:
    """Nothing is made up."""
    for content in (b"", b"MSH", b"PID|1", b"GET / HTTP/1.1", b"MSHA^~A&ARIS"):
        assert read_header(content) is None


def test_a_set_that_is_announced_and_not_used_costs_nothing() -> None:
    """Japanese systems name ISO IR87 in every message, with kanji or without."""
    plain = message(header("ADT^A08", character_set="~ISO IR87"), "PID|1||P001")
    patient = read_message(plain).first("PID")
    assert patient is not None
    assert patient.part(3) == "P001"
