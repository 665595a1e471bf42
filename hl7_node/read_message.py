"""An incoming message: decoded, split into segments, its header read.

HL7 v2.5.1 Section 2.15.9 (MSH).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from hl7_node.er7 import Delimiters, MessageSegment, read_delimiters, read_moment
from radiology.errors import MessageRefused

_MOST_SEGMENTS: Final = 5000
_LINE_END: Final = re.compile(r"\r\n|\r|\n")  # CR by the standard; senders send the others too
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")

# HL7 Table 0211, the character sets that occur, and what Python calls them.
_CHARACTER_SETS: Final = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received.

    Attributes
    ----------
    sender : sending application and facility (MSH-3, MSH-4), namespaces
    kind : message code and trigger event, for example "ORU^R01"
    control_id : MSH-10; the sender finds its message by it in our answer
    sent_at : MSH-7; None where it is not given
    enhanced : the sender asked for a commit acknowledgement (MSH-15)
    """

    segments: tuple[MessageSegment, ...]
    delimiters: Delimiters
    sending_application: str
    sending_facility: str
    kind: str
    control_id: str
    processing_id: str
    version: str
    sent_at: datetime | None
    enhanced: bool

    @property
    def sender(self) -> str:
        """Who sent it, in one word."""
        return f"{self.sending_application}|{self.sending_facility}"[:200]

    def all(self, *names: str) -> list[MessageSegment]:
        """The segments of these names, in their order."""
        return [segment for segment in self.segments if segment.name in names]

    def first(self, name: str) -> MessageSegment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def read_message(content: bytes, *, default_zone: tzinfo = UTC) -> Message:
    """Read a message as it came in its frame.

    Parameters
    ----------
    default_zone : of a moment that names none

    Raises
    ------
    MessageRefused
        It is no HL7 v2 message, or in a character set that we do not know.
    """
    # The header's own fields up to MSH-18 are read first, byte for byte.
    header = re.split(rb"[\r\n]", content.lstrip(b"\r\n"), maxsplit=1)[0].decode("latin-1")
    delimiters = read_delimiters(header)
    named = _segment(header, delimiters).part(18).upper()
    text = _decoded(content, named)
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    if len(lines) > _MOST_SEGMENTS:
        raise MessageRefused("The message has too many segments", most=_MOST_SEGMENTS)
    segments = tuple(_segment(line, delimiters) for line in lines if _NAME.fullmatch(line[:3]))
    header_segment = segments[0]
    return Message(
        segments=segments,
        delimiters=delimiters,
        sending_application=header_segment.part(3)[:100],
        sending_facility=header_segment.part(4)[:100],
        kind=f"{header_segment.part(9)}^{header_segment.part(9, 2)}"[:20],
        control_id=header_segment.part(10)[:199],
        processing_id=header_segment.part(11)[:3],
        version=header_segment.part(12)[:10],
        sent_at=read_moment(header_segment.part(7), default=default_zone),
        enhanced=header_segment.part(15) != "",
    )


def _segment(line: str, delimiters: Delimiters) -> MessageSegment:
    name = line[:3]
    fields = line.split(delimiters.field)
    if name == "MSH":  # MSH-1 is the separator itself
        fields.insert(1, delimiters.field)
    return MessageSegment(name, tuple(fields), delimiters)


def _decoded(content: bytes, named: str) -> str:
    """The text of a message; bytes that are wrong in its character set are replaced.

    What we read are identifiers, codes and numbers, which are ASCII in every set we know: a name
    in the wrong set must not keep a value from its patient.
    """
    first = named.split("~", maxsplit=1)[0]
    name = _CHARACTER_SETS.get(first)
    if name is None:
        raise MessageRefused("The character set in MSH-18 is not one that we know")
    if content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
    return content.lstrip(b"\r\n").decode(name, errors="replace")
