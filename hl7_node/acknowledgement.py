"""Acknowledgements: what we answer, and what a receiver answered us.

HL7 v2.5.1 Section 2.9 (processing rules), 2.15.8 (MSA), 2.15.5 (ERR), Tables 0008, 0155 and 0357.
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
from hl7_node.read_message import Header, Message
from radiology.errors import MessageRefused
from radiology.words.peer_words import readable

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
    said : the receiver's own words (MSA-3, ERR-8, ERR-7), made readable; for people alone
    """

    code: str
    control_id: str
    condition: str = ""
    said: str = ""


def codes_wanted(header: Header | None, outcome: Acknowledged) -> tuple[str, ...]:
    """What a sender wants to hear of its message, as MSA-1 of each answer, in their order.

    Parameters
    ----------
    header : None when it could not even be read

    Returns
    -------
    In the original mode one answer (Section 2.9.2). In the enhanced mode (Section 2.9.3) an accept
    acknowledgement (C…), an application acknowledgement (A…), both or none. What was not accepted
    gets no second answer.
    """
    if header is None or not header.enhanced:
        return (outcome.value,)
    failed = outcome is not Acknowledged.ACCEPTED
    accept = _is_wanted(header.accept_acknowledgement, failed=failed)
    application = _is_wanted(header.application_acknowledgement, failed=failed)
    told = (f"C{outcome.value[1]}",) if accept else ()
    return (*told, outcome.value) if application and not (accept and failed) else told


def _is_wanted(condition: str, *, failed: bool) -> bool:
    """Table 0155; a word that is not in it is taken as "always"."""
    return {"": False, "NE": False, "ER": failed, "SU": not failed}.get(condition, True)


def build_acknowledgement(
    header: Header | None,
    code: str,
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
    header : None when it could not even be read
    code : MSA-1
    receiving_application : what we are called
    control_id : of the answer itself
    reason : our own words, never the sender's: they may be of a patient
    """
    event = header.kind.partition("^")[2] if header else ""
    # No acknowledgement is acknowledged (Section 2.9.3.2).
    unanswered = "NE" if header is not None and header.enhanced else ""
    head = segment(
        "MSH",
        {
            3: receiving_application,
            5: header.sending_application if header else "",
            6: header.sending_facility if header else "",
            7: format_moment(now),
            9: ("ACK", event if _EVENT.fullmatch(event) else "", "ACK"),
            10: control_id,
            11: _processing_id(header),
            12: VERSION,
            15: unanswered,
            16: unanswered,
            18: "UNICODE UTF-8",
        },
        strict=False,
    )
    about = header.control_id if header else ""
    parts = [segment("MSA", {1: code, 2: about, 3: reason[:_REASON_LENGTH]}, strict=False)]
    if condition is not None:
        name = condition.name.lower().replace("_", " ")
        error: dict[int, Value] = {3: (condition.value, name, "HL70357"), 4: "E", 8: reason}
        parts.append(segment("ERR", error, strict=False))
    return built_message("ACK", head, parts, strict=False)


def _processing_id(header: Header | None) -> str:
    if header is None or header.processing_id not in ("P", "T", "D"):
        return "P"
    return header.processing_id


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
    words = (answer.part(3), error.part(8) if error else "", error.part(7) if error else "")
    return Reply(
        code=answer.part(1).upper(),
        control_id=answer.part(2),
        condition=(error.part(3) if error else "") or answer.part(6),
        said=readable("; ".join(dict.fromkeys(one for one in words if one))),
    )
