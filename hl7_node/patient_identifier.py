"""The patient's identifier at this site, and who issued it (HL7 v2.5.1 Section 2.A.14, CX)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hl7_node.read_message import Message
from settings.hl7 import Hl7Listener

_MOST_IDENTIFIERS: Final = 20
_LONGEST_IDENTIFIER: Final = 64  # PS3.5 Table 6.2-1, LO


@dataclass(frozen=True, slots=True)
class PatientIdentifier:
    """One identifier. `issuer` is the namespace of CX.4, else its universal id; "" where none."""

    value: str
    issuer: str


def patient_identifier_of(message: Message, listener: Hl7Listener) -> PatientIdentifier:
    """The patient's identifier at this site; empty where there is none.

    PID-3 may hold several. With an assigning authority in the settings only one of its own counts;
    without, a medical record number (MR) before an internal one (PI) before the first.
    """
    nobody = PatientIdentifier("", "")
    patient = message.first("PID")
    if patient is None:
        return nobody
    found: dict[str, PatientIdentifier] = {}
    for repetition in patient.repetitions(3, _MOST_IDENTIFIERS):
        value = identifier(patient.of(repetition, 1))
        authority = (patient.of(repetition, 4, 1), patient.of(repetition, 4, 2))
        if not value:
            continue
        if listener.assigning_authority and listener.assigning_authority not in authority:
            continue
        issuer = next((name for name in map(identifier, authority) if _is_word(name)), "")
        found.setdefault(patient.of(repetition, 5), PatientIdentifier(value, issuer))
    return found.get("MR") or found.get("PI") or next(iter(found.values()), nobody)


def _is_word(name: str) -> bool:
    """Whether an issuer can stand in a DICOM attribute: a backslash would make it two."""
    return bool(name) and name.isprintable() and "\\" not in name


def identifier(text: str) -> str:
    """An identifier that can be one of ours; bytes that could not be decoded are in none."""
    return text if len(text) <= _LONGEST_IDENTIFIER and "\ufffd" not in text else ""
