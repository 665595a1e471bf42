"""Reading ER7: escapes, fields and moments, beside the package `hl7`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_node.er7 import escape, format_moment, read_moment, unescape
from hl7_node.read_message import read_message
from radiology.errors import MessageRefused
from tests.builders.hl7_messages import header, message

plain = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)


@given(plain)
def test_what_is_escaped_is_read_as_it_was(text: str) -> None:
    """Any text without control characters survives."""
    assert unescape(escape(text)) == text.strip()


@given(st.text(max_size=60))
def test_any_text_can_be_unescaped(text: str) -> None:
    """Half an escape sequence, an unknown one, or a lone backslash is left as it is."""
    unescape(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"\H\bold\N\ text", "bold text"),
        (r"line\.br\line", "line line"),
        (r"\X41\\XC3A4\\XC", "A\u00e4\\XC"),
        (r"\\server\share", r"\\server\share"),
        (r"100 \% of \it", r"100 \% of \it"),
    ],
)
def test_escape_sequences(written: str, read: str) -> None:
    """Those of the standard are replaced; text that only looks like one stays."""
    assert unescape(written) == read


@given(st.lists(plain, min_size=1, max_size=6), st.lists(plain, min_size=1, max_size=4))
def test_fields_are_where_the_other_implementation_finds_them(
    fields: list[str], components: list[str]
) -> None:
    """Each field, and each component of the last one."""
    line = "|".join(["ZZZ", *map(escape, fields), "^".join(map(escape, components))])
    content = message(header("ORU^R01"), line)
    ours = read_message(content).first("ZZZ")
    theirs = hl7.parse(content, encoding="utf-8")
    assert ours is not None
    for number, text in enumerate(fields, start=1):
        assert ours.part(number) == text.strip()
        assert theirs.unescape(str(theirs.segment("ZZZ")(number))) == text.strip()
    for number, text in enumerate(components, start=1):
        assert ours.part(len(fields) + 1, number) == text.strip()


def test_other_delimiters_are_those_of_the_header() -> None:
    """A sender may choose its own."""
    read = read_message(b"MSH*:+!%*RIS*H***20260101**ADT:A08*1*P*2.3\rPID*1**7!S!8:x%y+9")
    patient = read.first("PID")
    assert read.header.kind == "ADT^A08"
    assert patient is not None
    assert patient.part(3) == "7:8"
    assert patient.part(3, 2, 2) == "y"
    assert patient.repetitions(3, 9) == ["7!S!8:x%y", "9"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MSH",
        b"MSH|^~",
        b"GET / HTTP/1.1",
        b"MSH|^~\\^|RIS",
        b"MSHA^~\\&ARIS",
        b"MSH|^~\\&|RIS|||||||||||||||UTF-99",
    ],
)
def test_what_is_no_message_is_refused(content: bytes) -> None:
    """No header, delimiters that are not different, a character set that nobody knows."""
    with pytest.raises(MessageRefused):
        read_message(content)


def test_segments_may_end_as_senders_end_them() -> None:
    """CR by the standard; LF and CR LF are seen too."""
    for end in ("\r", "\n", "\r\n"):
        assert read_message(f"MSH|^~\\&|A{end}PID|1{end}PV1|1".encode()).first("PV1")


def test_a_name_in_the_wrong_character_set_keeps_no_value_from_its_patient() -> None:
    """Bytes that cannot be decoded are replaced; the identifier beside them is read."""
    content = message(header("ADT^A08")) + b"PID|1||P001^^^H^MR||M\xfcller\r"
    patient = read_message(content).first("PID")
    assert patient is not None
    assert patient.part(3) == "P001"


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    """Never an error."""
    read_moment(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        ("202602011530", datetime(2026, 2, 1, 14, 30, tzinfo=UTC)),
        ("20260201153000.1234+0530", datetime(2026, 2, 1, 10, 0, tzinfo=UTC)),
        ("20260230", None),
        ("99999999", None),
        ("0000", None),
        ("", None),
        ("20260201+9999", None),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    """With the sender's zone where none is named; what is no date is none."""
    assert read_moment(text, default=ZoneInfo("Europe/Berlin")) == (
        datetime(2025, 12, 31, 23, tzinfo=UTC) if text == "2026" else moment
    )


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_is_read_as_it_was_written(moment: datetime) -> None:
    """To the second."""
    assert read_moment(format_moment(moment)) == moment.replace(microsecond=0)
