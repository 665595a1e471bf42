"""ORU^R01: the findings in a study, for a system that orders or shows radiologists' work.

HL7 v2.5.1 Chapter 7 (7.3.1, ORU^R01). The choice of fields follows IHE Radiology, Results
Distribution (RAD-128): the study's UID in an OBX of its own, priority in TQ1-9, abnormal flags in
OBX-8, the ACR category of a finding in OBX-15.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from hl7_node.build_message import VERSION, Value, message, segment
from hl7_node.er7 import escape, format_moment
from radiology import codes
from radiology.codes import Code

CHARACTER_SET: Final = "UNICODE UTF-8"  # Table 0211
_TEXT_LENGTH: Final = 199  # ST, HL7 v2.5.1 Section 2.A.74
_NAMESPACE_LENGTH: Final = 20  # HD.1, Section 2.A.36
_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_CONTROL_ID_LENGTH: Final = 20  # MSH-10

# HL7 names the schemes of codes otherwise than DICOM does (Table 0396).
_SCHEMES: Final = {"RADLEX": "RadLex"}


class Priority(StrEnum):
    """How soon somebody should look (Table 0485)."""

    STAT = "S"
    ASAP = "A"
    ROUTINE = "R"


_PRIORITY_NAMES: Final = {
    Priority.STAT: "Stat",
    Priority.ASAP: "ASAP",
    Priority.ROUTINE: "Routine",
}


class Abnormal(StrEnum):
    """Abnormal flags (Table 0078)."""

    NORMAL = "N"
    ABNORMAL = "A"
    CRITICAL = "AA"
    HIGH = "H"


class Status(StrEnum):
    """Where an observation stands (Table 0085)."""

    PRELIMINARY = "P"
    NOT_VERIFIED = "R"
    FINAL = "F"
    CORRECTED = "C"
    WRONG = "W"
    ORDER_DETAIL = "O"


@dataclass(frozen=True, slots=True)
class Observation:
    """One OBX segment.

    Attributes
    ----------
    value : a figure (NM), a code (CWE) or text (ST)
    unit : UCUM; for a figure
    category : how actionable a finding is (OBX-15); None for nothing said
    """

    what: Code
    value: float | int | Code | str
    unit: Code | None = None
    reference_range: str = ""
    abnormal: Abnormal | None = None
    category: Code | None = None


@dataclass(frozen=True, slots=True)
class Parties:
    """MSH-3 to MSH-6."""

    sending_application: str
    sending_facility: str
    receiving_application: str
    receiving_facility: str


@dataclass(frozen=True, slots=True)
class ObservationReport:
    """What one message says about one study.

    Attributes
    ----------
    procedure : what was read (OBR-4)
    status : of its observations
    link : the study's page; "" for none
    link_type : RP (reference pointer) or ST (text)
    processing_id : MSH-11, Table 0103: P production, T training
    """

    control_id: str
    patient_id: str
    issuer_of_patient_id: str
    patient_sex: str
    accession_number: str
    study_instance_uid: str
    procedure: Code
    priority: Priority
    status: Status
    observations: tuple[Observation, ...]
    algorithm: str
    acquired_at: datetime
    reported_at: datetime
    link: str = ""
    link_type: str = "RP"
    processing_id: str = "P"


def control_id_of(notice_uid: str) -> str:
    """The control id of a notice: the same each time that it is sent, 100 bits of its digest."""
    digest = hashlib.sha256(notice_uid.encode()).digest()
    return base64.b32encode(digest).decode()[:_CONTROL_ID_LENGTH]


def build_observation_message(report: ObservationReport, parties: Parties, now: datetime) -> str:
    """The message as text.

    Raises
    ------
    MessageMalformed
        A value has no place in it: a defect of ours.
    """
    order = (
        "ORU_R01_ORDER_OBSERVATION",
        [
            _order(report),
            (
                "ORU_R01_TIMING_QTY",
                [segment("TQ1", {1: "1", 9: _coded_priority(report.priority)})],
            ),
            *(("ORU_R01_OBSERVATION", [one]) for one in _observations(report)),
        ],
    )
    patient = ("ORU_R01_PATIENT", [_patient(report)])
    return message(
        "ORU_R01",
        _header(report, parties, now),
        [("ORU_R01_PATIENT_RESULT", [patient, order])],
    )


def _header(report: ObservationReport, parties: Parties, now: datetime) -> Any:
    return segment(
        "MSH",
        {
            3: parties.sending_application,
            4: parties.sending_facility,
            5: parties.receiving_application,
            6: parties.receiving_facility,
            7: format_moment(now),
            9: ("ORU", "R01", "ORU_R01"),
            10: report.control_id,
            11: report.processing_id,
            12: VERSION,
            18: CHARACTER_SET,
        },
    )


def _patient(report: ObservationReport) -> Any:
    """PID. The name is required by the standard and kept by us nowhere: U is "unspecified"."""
    return segment(
        "PID",
        {
            1: "1",
            3: (report.patient_id, "", "", _authority(report.issuer_of_patient_id), "PI"),
            5: ("", "", "", "", "", "", "U"),  # Table 0200
            8: report.patient_sex if report.patient_sex in ("M", "F", "O") else "",  # Table 0001
        },
    )


def _authority(issuer: str) -> tuple[str, ...]:
    """An assigning authority (HD): a name of up to 20 characters, else a universal id."""
    if len(escape(issuer)) <= _NAMESPACE_LENGTH:
        return (issuer,)
    return "", issuer, "ISO" if _OID.fullmatch(issuer) else "L"  # Table 0301


def _order(report: ObservationReport) -> Any:
    """OBR. A study without an accession number is named by its UID."""
    return segment(
        "OBR",
        {
            1: "1",
            3: report.accession_number or report.study_instance_uid,
            4: _coded(report.procedure),
            5: report.priority.value,
            7: format_moment(report.acquired_at),
            18: report.accession_number,
            22: format_moment(report.reported_at),
            24: "CT",  # Table 0074: CAT scan
            25: Status.CORRECTED if report.status is Status.WRONG else report.status,
        },
    )


def _observations(report: ObservationReport) -> list[Any]:
    study = segment(
        "OBX",
        {
            1: "1",
            2: "ST",
            3: _coded(codes.DICOM_STUDY),
            5: report.study_instance_uid,
            11: Status.ORDER_DETAIL,
        },
    )
    told = [study]
    for observation in report.observations:
        told.append(_observation(report, observation, len(told) + 1))
    link = _link(report, len(told) + 1)
    return told if link is None else [*told, link]


def _observation(report: ObservationReport, observation: Observation, number: int) -> Any:
    value = observation.value
    kind, written = _written(value)
    fields: dict[int, Value] = {
        1: str(number),
        2: kind,
        3: _coded(observation.what),
        5: written,
        11: report.status,
        14: format_moment(report.acquired_at),
        17: (*_coded(codes.ARTIFICIAL_INTELLIGENCE), report.algorithm, "", codes.PRIVATE_SCHEME),
    }
    if observation.unit is not None:
        fields[6] = _coded(observation.unit)
    if observation.reference_range:
        fields[7] = observation.reference_range
    if observation.abnormal is not None and report.status is not Status.WRONG:
        fields[8] = observation.abnormal
    if observation.category is not None and report.status is not Status.WRONG:
        fields[15] = _coded(observation.category)
    return segment("OBX", fields)


def _link(report: ObservationReport, number: int) -> Any:
    """Where a person sees more; left out where it is longer than a receiver must take."""
    if not report.link or len(escape(report.link)) > _TEXT_LENGTH:
        return None
    pointer: Value = report.link
    if report.link_type == "RP":
        pointer = (report.link, codes.PRIVATE_SCHEME_ORGANISATION, "Application", "HTML")
    return segment(
        "OBX",
        {
            1: str(number),
            2: report.link_type,
            3: _coded(codes.STUDY_PAGE),
            5: pointer,
            11: report.status,
        },
    )


def _written(value: float | int | Code | str) -> tuple[str, Value]:
    """OBX-2 and OBX-5."""
    if isinstance(value, Code):
        return "CWE", _coded(value)
    if isinstance(value, str):
        return "ST", cut(value)
    return "NM", f"{value:.6g}" if isinstance(value, float) else str(value)


def cut(text: str) -> str:
    """Text that fits into ST once it is escaped."""
    while len(escape(text)) > _TEXT_LENGTH:
        text = text[: max(0, len(text) - max(1, (len(escape(text)) - _TEXT_LENGTH) // 3))]
    return text


def _coded(code: Code) -> tuple[str, str, str]:
    return code.value, code.meaning, _SCHEMES.get(code.scheme, code.scheme)


def _coded_priority(priority: Priority) -> tuple[str, str, str]:
    return priority.value, _PRIORITY_NAMES[priority], "HL70485"
