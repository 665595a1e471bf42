"""Messages as a RIS, a hospital information system and a laboratory send them."""

from __future__ import annotations

import itertools

_NUMBERS = itertools.count(1)


def header(
    kind: str,
    *,
    control_id: str | None = None,
    application: str = "RIS",
    sent_at: str = "20260101115000+0000",
    version: str = "2.5.1",
    character_set: str = "UNICODE UTF-8",
    acknowledged: str = "|",
) -> str:
    """MSH; each message has a control id of its own unless one is given.

    Parameters
    ----------
    acknowledged : MSH-15 and MSH-16, with the bar between them
    """
    number = f"MSG{next(_NUMBERS):05}" if control_id is None else control_id
    return (
        f"MSH|^~\\&|{application}|HOSPITAL|FIRSTREAD|RADIOLOGY|{sent_at}||{kind}|{number}|P|"
        f"{version}|||{acknowledged}||{character_set}"
    )


def message(*segments: str) -> bytes:
    """Segments, each ended by CR."""
    return "".join(f"{segment}\r" for segment in segments).encode()


PATIENT = (
    "PID|1||P001^^^HOSPITAL^MR~99887766^^^NATIONAL&1.2.3&ISO^NI||Muster^Anna^^^^^L||19600101|F|||"
    "Musterweg 1^^Musterstadt"
)
EMERGENCY = "PV1|1|E|ED^B12^1^HOSPITAL"


def order(
    accession_number: str = "A-0001",
    *,
    priority: str = "S",
    control: str = "NW",
    patient: str = PATIENT,
    visit: str = "PV1|1|I|W7^1^2",
    **head: str,
) -> bytes:
    """ORM^O01 for a CT of the chest, as IHE SWF has it."""
    return message(
        header("ORM^O01", **head),
        patient,
        visit,
        f"ORC|{control}|PL1^RIS|FI1^RIS||||^^^^^{priority}",
        f"OBR|1|PL1^RIS|FI1^RIS|24627-2^CT Chest^LN||||||||||||||{accession_number}",
    )


def admission(event: str = "A08", *, patient: str = PATIENT, visit: str = EMERGENCY) -> bytes:
    """ADT."""
    return message(header(f"ADT^{event}"), f"EVN|{event}|20260101115000", patient, visit)


def results(*observations: str, patient: str = PATIENT, **head: str) -> bytes:
    """ORU^R01 with OBX segments, given from OBX-2 on."""
    return message(
        header("ORU^R01", **{"application": "LAB", **head}),
        patient,
        "OBR|1||L1^LAB|VITALS^Vital signs^L|||20260101114000+0000",
        *(f"OBX|{number}|{text}" for number, text in enumerate(observations, start=1)),
    )


def report(accession_number: str = "A-0001", *, status: str = "P", reader: str = "D1234") -> bytes:
    """ORU^R01 with the report of a radiologist."""
    return message(
        header("ORU^R01"),
        PATIENT,
        f"OBR|1|PL1^RIS|FI1^RIS|24627-2^CT Chest^LN||||||||||||||{accession_number}"
        f"||||||CT|{status}|||||||{reader}&Reader&Rita",
        "OBX|1|TX|19005-8^Impression^LN||Text that nobody needs here||||||P",
    )
