"""An incoming message: decoded, split into segments, its header read.

HL7 v2.5.1 Section 2.15.9 (MSH).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from hl7_node.character_set import decoded, legible
from hl7_node.er7 import (
    BATCH_HEADERS,
    STANDARD,
    Delimiters,
    MessageSegment,
    is_segment,
    read_delimiters,
    read_moment,
    split_lines,
    split_segment,
)
from radiology.errors import MessageRefused

_MOST_SEGMENTS: Final = 5000


@dataclass(frozen=True, slots=True)
class Header:
    """What a message says of itself (MSH).

    Attributes
    ----------
    sending_application, sending_facility : MSH-3, MSH-4, namespaces
    kind : message code and trigger event, for example "ORU^R01"
    control_id : MSH-10; the sender finds its message by it in our answer
    sent_at : MSH-7; None where it is not given
    accept_acknowledgement, application_acknowledgement : MSH-15, MSH-16 (Table 0155): when the
        sender wants to hear that a message is kept, and what became of it; "" where not said
    """

    sending_application: str
    sending_facility: str
    kind: str
    control_id: str
    processing_id: str
    version: str
    sent_at: datetime | None
    accept_acknowledgement: str
    application_acknowledgement: str

    @property
    def sender(self) -> str:
        """Who sent it, in one word."""
        return f"{self.sending_application}|{self.sending_facility}"[:200]

    @property
    def enhanced(self) -> bool:
        """Whether the rules of the enhanced mode hold (Section 2.9.3)."""
        return bool(self.accept_acknowledgement or self.application_acknowledgement)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received."""

    header: Header
    segments: tuple[MessageSegment, ...]

    def all(self, *names: str) -> list[MessageSegment]:
        """The segments of these names, in their order."""
        return [segment for segment in self.segments if segment.name in names]

    def first(self, name: str) -> MessageSegment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)


def read_message(content: bytes, *, default_zone: tzinfo | None = UTC) -> Message:
    """Read a message as it came in its frame.

    Parameters
    ----------
    default_zone : of a moment that names none

    Raises
    ------
    MessageRefused
        It is no HL7 v2 message, or in a character set that we do not know, or a part of it stands
        in no segment: what we do not read we must not acknowledge.
    """
    text = decoded(content)
    delimiters = read_delimiters(text)
    lines = split_lines(text, delimiters)
    if len(lines) > _MOST_SEGMENTS:
        raise MessageRefused("The message has too many segments", most=_MOST_SEGMENTS)
    for number, line in enumerate(lines, start=1):
        if not is_segment(line, delimiters):
            raise MessageRefused(
                f"Line {number} is no segment: escape a line end within a field as \\.br\\"
            )
    segments = tuple(split_segment(line, delimiters) for line in lines)
    if sum(segment.name == "MSH" for segment in segments) > 1:
        raise MessageRefused("The frame holds several messages: send each in a frame of its own")
    return Message(_header(segments[0], default_zone), segments)


def read_header(content: bytes) -> Header | None:
    """Whose message that is, of one that may not be readable; None where nothing says it.

    A refusal must find its message: a sender that cannot match it sends the same again for ever.
    """
    text = legible(content)
    is_batch = text.startswith(BATCH_HEADERS)
    if not (is_batch or text.startswith("MSH")) or len(text) < 8:
        return None
    try:
        delimiters = read_delimiters("MSH" + text[3:])
    except MessageRefused:
        if text[3].isalnum():
            return None
        delimiters = Delimiters(text[3], *STANDARD.encoding_characters)
    head = split_segment("MSH" + split_lines(text, delimiters)[0][3:], delimiters)
    return _header_of_batch(head) if is_batch else _header(head, UTC)


def read_answer(content: bytes) -> Message:
    """Read what a receiver answered, as far as it can be read.

    What is looked for in an acknowledgement is ASCII. A receiver that took our message must not
    get it again because it names a character set that we do not know.

    Raises
    ------
    MessageRefused
        It is no HL7 v2 message.
    """
    text = legible(content)
    delimiters = read_delimiters(text)
    lines = split_lines(text, delimiters)[:_MOST_SEGMENTS]
    segments = tuple(split_segment(one, delimiters) for one in lines if is_segment(one, delimiters))
    return Message(_header(segments[0], UTC), segments)


def _header_of_batch(segment: MessageSegment) -> Header:
    """FHS or BHS: the sender where MSH has it, and a control id of its own (FHS-11, BHS-11)."""
    return Header(
        sending_application=segment.part(3)[:100],
        sending_facility=segment.part(4)[:100],
        kind="",
        control_id=segment.part(11)[:199],
        processing_id="",
        version="",
        sent_at=None,
        accept_acknowledgement="",
        application_acknowledgement="",
    )


def _header(segment: MessageSegment, zone: tzinfo | None) -> Header:
    return Header(
        sending_application=segment.part(3)[:100],
        sending_facility=segment.part(4)[:100],
        kind=f"{segment.part(9)}^{segment.part(9, 2)}"[:20],
        control_id=segment.part(10)[:199],
        processing_id=segment.part(11)[:3],
        version=segment.part(12)[:10],
        sent_at=read_moment(segment.part(7), default=zone),
        accept_acknowledgement=segment.part(15)[:2].upper(),
        application_acknowledgement=segment.part(16)[:2].upper(),
    )
