"""Reads the content of an incoming message as plain values, and only those that we need.

HL7 v2.5.1 Chapters 3 (ADT), 4 (ORM, OMI), 7 (ORU). Names, addresses and birth dates are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from database.studies.priorities import most_urgent
from database.studies.said_by_hl7 import OrderSaid, ReportSaid, ValueSaid, VisitSaid
from hl7_node.er7 import MessageSegment, read_moment
from hl7_node.observation_codes import (
    ARTERIAL_OXYGEN,
    INSPIRED_OXYGEN,
    LOINC,
    RATIO,
    converted,
    is_possible,
)
from hl7_node.patient_identifier import identifier, patient_identifier_of
from hl7_node.read_message import Message
from radiology.codes import PRIVATE_SCHEME
from radiology.errors import MessageRefused
from settings.hl7 import Hl7Listener
from settings.peers import RequestPriority

_MOST_VALUES: Final = 2000
_AHEAD: Final = timedelta(hours=1)  # clocks differ; what is said of later than that is wrong

# Table 0485, and the words that senders write. Others (preoperative, timing critical …) do not say
# that the study itself is more urgent.
_PRIORITIES: Final = {
    "S": RequestPriority.STAT,
    "STAT": RequestPriority.STAT,
    "A": RequestPriority.HIGH,
    "ASAP": RequestPriority.HIGH,
    "R": RequestPriority.ROUTINE,
    "ROUTINE": RequestPriority.ROUTINE,
}
_CANCELLED: Final = ("CA", "OC", "DC", "OD", "CR", "DR")  # ORC-1, Table 0119
_WRONG: Final = ("W", "D", "X")  # OBX-11, Table 0085
_SAID: Final = ("", "F", "C", "P", "U", "R")
_REPORTED: Final = ("P", "R", "F", "C")  # OBR-25, Table 0123
_RADIOLOGY: Final = ("RAD", "CT")  # OBR-24, Table 0074
_STAFF_ID: Final = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_CODE: Final = re.compile(r"[A-Z]{1,2}")


@dataclass(frozen=True, slots=True)
class _OrderGroup:
    """The segments of one order in a message, in their order."""

    segments: tuple[MessageSegment, ...]

    def first(self, name: str) -> MessageSegment | None:
        return next((one for one in self.segments if one.name == name), None)

    def part(self, name: str, number: int, component: int = 1, subcomponent: int = 1) -> str:
        found = self.first(name)
        return found.part(number, component, subcomponent) if found else ""


def orders_of(message: Message, listener: Hl7Listener) -> list[OrderSaid]:
    """The orders of an ORM^O01 or OMI^O23 that name an accession number."""
    patient = patient_identifier_of(message, listener)
    patient_class = _patient_class(message)
    orders = []
    for group in _groups(message, "ORC", "OBR"):
        accession_number = _accession_number(group)
        if accession_number:
            priority = most_urgent(_priority(group), _class_priority(patient_class, listener))
            orders.append(
                OrderSaid(
                    accession_number=accession_number,
                    patient_id=patient.value,
                    issuer_of_patient_id=patient.issuer,
                    priority=priority,
                    patient_class=patient_class,
                    cancelled=group.part("ORC", 1) in _CANCELLED,
                )
            )
    return orders


def visit_of(message: Message, listener: Hl7Listener) -> VisitSaid | None:
    """Where the patient of an ADT message is; None where it names no patient."""
    patient = patient_identifier_of(message, listener)
    if not patient.value:
        return None
    left = message.header.kind == "ADT^A03"
    patient_class = "" if left else _patient_class(message)
    visit = message.first("PV1")
    return VisitSaid(
        patient_id=patient.value,
        issuer_of_patient_id=patient.issuer,
        patient_class=patient_class,
        location="" if left or visit is None else visit.part(3)[:64],
        priority=_class_priority(patient_class, listener),
    )


def values_of(message: Message, listener: Hl7Listener, now: datetime) -> list[ValueSaid]:
    """The vital signs and laboratory values of an ORU^R01 that feed the severity scores."""
    patient_id = patient_identifier_of(message, listener).value
    if not patient_id:
        return []
    said: dict[tuple[str, datetime], float | None] = {}
    for group in _groups(message, "OBR"):
        for observation in group.segments:
            if observation.name != "OBX" or len(said) >= _MOST_VALUES:
                continue
            _add_value(said, message, group, observation, listener, now)
    _add_ratios(said)
    return [
        ValueSaid(patient_id=patient_id, name=name, value=value, observed_at=at)
        for (name, at), value in sorted(said.items())
        if name not in (ARTERIAL_OXYGEN, INSPIRED_OXYGEN)
    ]


def reports_of(message: Message, listener: Hl7Listener) -> list[ReportSaid]:
    """The studies of an ORU^R01 that a radiologist has reported on.

    A person must be named as its interpreter (OBR-32): a message of a program, our own that came
    back among them, is no sign that somebody has seen the study.
    """
    reports = []
    for group in _groups(message, "OBR"):
        if not _by_a_person(group):
            continue  # a laboratory has other things in these fields
        accession_number = _accession_number(group)
        if not accession_number:
            continue
        reader = group.part("OBR", 32)
        reports.append(
            ReportSaid(
                accession_number=accession_number,
                patient_id=patient_identifier_of(message, listener).value,
                reported_by=reader if _STAFF_ID.fullmatch(reader) else "",
                status=group.part("OBR", 25),
            )
        )
    return reports


def _by_a_person(group: _OrderGroup) -> bool:
    interpreter = group.first("OBR")
    if interpreter is None or not interpreter.field(32).strip('^&~"'):
        return False
    ours = any(PRIVATE_SCHEME in one.field(3) + one.field(17) for one in group.segments)
    return not ours and group.part("OBR", 24) in _RADIOLOGY and group.part("OBR", 25) in _REPORTED


def _groups(message: Message, *begins: str) -> Iterator[_OrderGroup]:
    """The orders of a message. One begins with ORC, or with OBR where no ORC stands before it."""
    current: list[MessageSegment] = []
    for segment in message.segments:
        follows_control = (
            segment.name == "OBR" and current and current[-1].name in ("ORC", "TQ1", "TQ2")
        )
        if segment.name in begins and not (follows_control and "ORC" in begins):
            if current:
                yield _OrderGroup(tuple(current))
            current = [segment]
        elif current:
            current.append(segment)
    if current:
        yield _OrderGroup(tuple(current))


def _accession_number(group: _OrderGroup) -> str:
    """Where senders put it: IPC-1 (OMI), OBR-18 (IHE SWF), else the filler's order number.

    Raises
    ------
    MessageRefused
        The first of them that says something can be no identifier of ours: what stands in the next
        is another one, and may be that of another study.
    """
    places = (("IPC", 1), ("OBR", 18), ("OBR", 3), ("ORC", 3))
    said = next((text for place in places if (text := group.part(*place))), "")
    if said and not identifier(said):
        raise MessageRefused("The accession number is too long, or cannot be read")
    return said


def _priority(group: _OrderGroup) -> RequestPriority | None:
    """TQ1-9, else the priority in ORC-7 or OBR-27 (TQ.6), else OBR-5 of older versions."""
    words = (
        group.part("TQ1", 9),
        group.part("ORC", 7, 6),
        group.part("OBR", 27, 6),
        group.part("OBR", 5),
    )
    known = (_PRIORITIES.get(word.upper()) for word in words)
    return next((one for one in known if one is not None), None)


def _patient_class(message: Message) -> str:
    visit = message.first("PV1")
    found = visit.part(2) if visit else ""
    return found if _CODE.fullmatch(found) else ""


def _class_priority(patient_class: str, listener: Hl7Listener) -> RequestPriority | None:
    return listener.emergency_priority if patient_class == "E" else None


def _add_value(
    said: dict[tuple[str, datetime], float | None],
    message: Message,
    group: _OrderGroup,
    observation: MessageSegment,
    listener: Hl7Listener,
    now: datetime,
) -> None:
    loinc = _loinc(observation, listener)
    status = observation.part(11)
    at = _observed_at(message, group, observation, listener) or now
    if loinc is None or at > now + _AHEAD:
        return
    name = LOINC[loinc].name
    if status in _WRONG:
        said[name, at] = None
        return
    value = converted(loinc, _number(observation), observation.part(6))
    if status in _SAID and value is not None and is_possible(name, value):
        said[name, at] = value


def _add_ratios(said: dict[tuple[str, datetime], float | None]) -> None:
    """PaO2 over FiO2, where both were observed at one moment and no message states the ratio."""
    for (name, at), oxygen in list(said.items()):
        inspired = said.get((INSPIRED_OXYGEN, at))
        if name != ARTERIAL_OXYGEN or (RATIO, at) in said:
            continue
        if oxygen is not None and inspired is not None:
            ratio = oxygen / (inspired / 100.0)
            if is_possible(RATIO, ratio):
                said[RATIO, at] = ratio


def _loinc(observation: MessageSegment, listener: Hl7Listener) -> str | None:
    """The LOINC code of an observation, if it is one that we take."""
    for code, scheme in ((1, 3), (4, 6)):
        text = observation.part(3, code)
        if observation.part(3, scheme) in ("LN", "LOINC") and text in LOINC:
            return text
        meant = listener.loinc.get(text) if text else None
        if meant is not None and observation.part(3, scheme) not in ("LN", "LOINC"):
            return meant
    return None


def _number(observation: MessageSegment) -> str:
    """The figure of NM, SN or text; "" for a figure that is only a limit ("<5")."""
    if observation.part(2) != "SN":
        return observation.part(5)
    exact = observation.part(5, 1) in ("", "=") and not observation.part(5, 3)
    return observation.part(5, 2) if exact else ""


def _observed_at(
    message: Message, group: _OrderGroup, observation: MessageSegment, listener: Hl7Listener
) -> datetime | None:
    zone = listener.zone
    return (
        read_moment(observation.part(14), default=zone)
        or read_moment(group.part("OBR", 7), default=zone)
        or message.header.sent_at
    )
