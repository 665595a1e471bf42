"""ER7, the encoding of HL7 v2 with vertical bars: delimiters, escapes, fields, moments.

HL7 v2.5.1 Chapter 2: 2.5 (delimiters), 2.7 (escape sequences), 2.A.22 (DTM). What we send is built
by hl7apy; what we get is split here (docs/decisions/0029-hl7.md says why).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from radiology.errors import MessageRefused

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2,64}")
_MOMENT: Final = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d{1,4})?([+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The separators of one message (MSH-1 and MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent


STANDARD: Final = Delimiters()
BATCH_HEADERS: Final = ("FHS", "BHS")  # HL7 v2.5.1 Section 2.10.3


def escape(text: str) -> str:
    """Text for a message with the usual delimiters.

    A delimiter becomes its escape sequence. A control character becomes a space: none belongs into
    an identifier or a code, and some end the segment or the message.
    """
    plain = _CONTROL.sub(" ", text).strip()
    names = {"\\": "E", "|": "F", "^": "S", "~": "R", "&": "T"}
    return "".join(f"\\{names[one]}\\" if one in names else one for one in plain)


def unescape(text: str, delimiters: Delimiters = STANDARD) -> str:
    r"""What a field says: escape sequences for delimiters and characters are replaced.

    Highlighting (\H\, \N\) and formatting (\.br\) vanish; what is no escape sequence stays as it
    is, because senders forget to escape.
    """
    mark = delimiters.escape
    if not mark or mark not in text:
        return text
    parts = text.split(mark)
    told = [parts[0]]
    rest = parts[1:]
    index = 0
    while index < len(rest):
        closed = index + 1 < len(rest)
        meant = _meaning(rest[index], delimiters) if closed else None
        if meant is None:
            told.append(mark + rest[index])
            index += 1
        else:
            told += (meant, rest[index + 1])
            index += 2
    return "".join(told)


def _meaning(sequence: str, delimiters: Delimiters) -> str | None:
    """What stands for an escape sequence; None when it is none."""
    known = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "H": "",
        "N": "",
    }
    if sequence in known:
        return known[sequence]
    if sequence.startswith(".") and len(sequence) <= 6:
        return " "
    if sequence.startswith("X") and _HEX.fullmatch(sequence[1:]) and len(sequence) % 2:
        return bytes.fromhex(sequence[1:]).decode("utf-8", errors="replace")
    return None


@dataclass(frozen=True, slots=True)
class MessageSegment:
    """One segment; fields are counted as in the standard, so that PID-3 is `field(3)`."""

    name: str
    fields: tuple[str, ...]  # still escaped; the first one is the segment's name
    delimiters: Delimiters

    def field(self, number: int) -> str:
        """A field as it stands; "" where there is none."""
        return self.fields[number] if number < len(self.fields) else ""

    def repetitions(self, number: int, most: int) -> list[str]:
        """The repetitions of a field, each as it stands; not more than `most` of them."""
        text = self.field(number)
        return text.split(self.delimiters.repetition, most)[:most] if text else []

    def part(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """A component of the first repetition, in plain text."""
        first = self.field(number).partition(self.delimiters.repetition)[0]
        return self.of(first, component, subcomponent)

    def of(self, repetition: str, component: int, subcomponent: int = 1) -> str:
        """A component of one repetition, in plain text; "" for none.

        Control characters, and spaces around it, are left out.
        Two quotation marks, which delete a value at the receiver, are none.
        """
        parts = repetition.split(self.delimiters.component, component)
        if len(parts) < component:
            return ""
        parts = parts[component - 1].split(self.delimiters.subcomponent, subcomponent)
        if len(parts) < subcomponent:
            return ""
        text = _CONTROL.sub("", unescape(parts[subcomponent - 1], self.delimiters)).strip()
        return "" if text == '""' else text


def split_lines(text: str, delimiters: Delimiters) -> list[str]:
    """The lines of a message, of which each should be a segment; blank ones are left out.

    CR ends a segment by the standard (Section 2.6). Senders end one with CR LF too, or with LF
    alone. In a message with CR, an LF ends a segment only where another one follows: text that
    people typed holds LF too.
    """
    field = re.escape(delimiters.field)
    end = rf"\r\n?|\n(?=[A-Z][A-Z0-9]{{2}}{field})" if "\r" in text else r"\n"
    return [line for line in re.split(end, text) if line.strip()]


def is_segment(line: str, delimiters: Delimiters) -> bool:
    """Whether a line is a segment: a name of three characters, then fields (Section 2.5.2)."""
    return bool(_NAME.fullmatch(line[:3])) and line[3:4] in ("", delimiters.field)


def split_segment(line: str, delimiters: Delimiters) -> MessageSegment:
    """A line as a segment."""
    name = line[:3]
    fields = line.split(delimiters.field)
    if name == "MSH":  # MSH-1 is the separator itself
        fields.insert(1, delimiters.field)
    return MessageSegment(name, tuple(fields), delimiters)


def format_moment(moment: datetime) -> str:
    """A moment as HL7 writes it, to the second, with its offset from UTC."""
    return moment.strftime("%Y%m%d%H%M%S%z")


def read_moment(text: str, *, default: tzinfo | None = UTC) -> datetime | None:
    """Read a moment; None where there is none, or one that cannot be.

    Parameters
    ----------
    default : the time zone of a sender that names none; None is the machine's
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    *numbers, offset = found.groups()
    year, month, day, hour, minute, second = (
        int(digits) if digits else lowest
        for digits, lowest in zip(numbers, (1, 1, 1, 0, 0, 0), strict=True)
    )
    try:
        zone = default if offset is None else timezone(_offset(offset))
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> timedelta:
    away = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return -away if text[0] == "-" else away


def read_delimiters(text: str) -> Delimiters:
    """The delimiters that a message says it uses.

    Raises
    ------
    MessageRefused
        It does not begin with a message header, or its delimiters are not different characters.
    """
    if text.startswith(BATCH_HEADERS):
        raise MessageRefused("The frame holds a batch: send each message in a frame of its own")
    if not text.startswith("MSH") or len(text) < 8:
        raise MessageRefused("The message does not begin with MSH")
    field = text[3]
    # Three or four characters; from v2.7 on a fifth for truncation, which nobody uses.
    encoding = re.split(r"[\r\n]", text[4:10].partition(field)[0])[0]
    if not 2 <= len(encoding) <= 5:
        raise MessageRefused("MSH-2 is not valid")
    filled = encoding + "\0\0"  # a delimiter that is not declared is not used
    delimiters = Delimiters(field, filled[0], filled[1], filled[2], filled[3])
    used = [one for one in field + encoding if one != "\0"]
    if len(set(used)) != len(used) or any(one.isalnum() or one.isspace() for one in used):
        raise MessageRefused("The delimiters in MSH-1 and MSH-2 are not valid")
    return delimiters
