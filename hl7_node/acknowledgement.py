"""Acknowledgements: what we answer, and what a receiver answered us.

HL7 v2.5.1 Section 2.9 (processing rules), 2.15.8 (MSA), 2.15.5 (ERR), Tables 0008 and 0357.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hl7_node.build_message import VERSION, Value, segment
from hl7_node.build_message import message as built_message
from hl7_node.er7 import format_moment
from hl7_node.read_message import Message
from radiology.errors import MessageRefused

_REASON_LENGTH: Final = 80  # MSA-3
_EVENT: Final = re.compile(r"[A-Z][0-9A-Z]{2}")


class Acknowledged(StrEnum):
    """What became of a message (Table 0008), in the terms of the original mode."""

    ACCEPTED = "AA"
    ERROR = "AE"
    REJECTED = "AR"


class Condition(StrEnum):
    """Why a message was not accepted (Table 0357)."""

    SEGMENT_SEQUENCE = "100"
    REQUIRED_FIELD_MISSING = "101"
    UNSUPPORTED_MESSAGE_TYPE = "200"
    UNSUPPORTED_EVENT_CODE = "201"
    UNSUPPORTED_VERSION_ID = "203"
    RECORD_LOCKED = "206"
    INTERNAL_ERROR = "207"


@dataclass(frozen=True, slots=True)
class Reply:
    """An acknowledgement as a receiver sent it.

    Attributes
    ----------
    code : MSA-1, for example "AA" or "CE"
    control_id : of the message that it is about (MSA-2)
    condition : the first ERR-3, or MSA-6; "" where there is none
    """

    code: str
    control_id: str
    condition: str = ""


def build_acknowledgement(
    message: Message | None,
    code: Acknowledged,
    *,
    receiving_application: str,
    control_id: str,
    now: datetime,
    reason: str = "",
    condition: Condition | None = None,
) -> str:
    """The answer to a message.

    Parameters
    ----------
    message : None when it could not even be read
    receiving_application : what we are called
    control_id : of the answer itself
    reason : our own words, never the sender's: they may be of a patient
    """
    event = message.kind.partition("^")[2] if message else ""
    header = segment(
        "MSH",
        {
            3: receiving_application,
            5: message.sending_application if message else "",
            6: message.sending_facility if message else "",
            7: format_moment(now),
            9: ("ACK", event if _EVENT.fullmatch(event) else "", "ACK"),
            10: control_id,
            11: _processing_id(message),
            12: VERSION,
            18: "UNICODE UTF-8",
        },
        strict=False,
    )
    enhanced = message is not None and message.enhanced
    said = f"C{code.value[1]}" if enhanced else code.value
    about = message.control_id if message else ""
    parts = [segment("MSA", {1: said, 2: about, 3: reason[:_REASON_LENGTH]}, strict=False)]
    if condition is not None:
        name = condition.name.lower().replace("_", " ")
        error: dict[int, Value] = {3: (condition.value, name, "HL70357"), 4: "E", 8: reason}
        parts.append(segment("ERR", error, strict=False))
    return built_message("ACK", header, parts, strict=False)


def _processing_id(message: Message | None) -> str:
    if message is None or message.processing_id not in ("P", "T", "D"):
        return "P"
    return message.processing_id


def read_acknowledgement(message: Message) -> Reply:
    """What a receiver answered.

    Raises
    ------
    MessageRefused
        It is no acknowledgement.
    """
    answer = message.first("MSA")
    if answer is None or len(answer.part(1)) != 2:
        raise MessageRefused("The answer is no acknowledgement")
    error = message.first("ERR")
    return Reply(
        code=answer.part(1).upper(),
        control_id=answer.part(2),
        condition=(error.part(3) if error else "") or answer.part(6),
    )
