"""What incoming messages say: orders, visits, values, reports; and what is not read from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chest import chest_codes
from hl7_node.observation_codes import LOINC
from hl7_node.patient_identifier import patient_identifier_of
from hl7_node.read_content import orders_of, reports_of, values_of, visit_of
from hl7_node.read_message import read_message
from radiology import codes
from radiology.clinical.values import LIMITS
from settings.hl7 import Hl7Listener
from settings.peers import RequestPriority
from tests.builders.hl7_messages import (
    EMERGENCY,
    PATIENT,
    admission,
    header,
    message,
    order,
    report,
    results,
)
from tests.builders.stored.notices import notice
from tests.unit.hl7_node.test_observation_message import CHANNEL, RAISED_AT
from worker.flag.hl7_observation import observation_message

LISTENER = Hl7Listener(port=2575, senders=("127.0.0.1",))
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def said(*observations: str, listener: Hl7Listener = LISTENER) -> dict[str, float | None]:
    """The values of a result, by name."""
    found = values_of(read_message(results(*observations)), listener, NOW)
    return {one.name: one.value for one in found}


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ("S", RequestPriority.STAT),
        ("STAT", RequestPriority.STAT),
        ("A", RequestPriority.HIGH),
        ("R", RequestPriority.ROUTINE),
        ("P", None),
        ("", None),
    ],
)
def test_the_priority_of_an_order(priority: str, expected: RequestPriority | None) -> None:
    """Table 0485; what says nothing of the study's urgency says nothing."""
    (found,) = orders_of(read_message(order(priority=priority)), LISTENER)
    assert found.priority is expected
    assert found.accession_number == "A-0001"
    assert found.patient_id == "P001"
    assert found.patient_class == "I"


def test_an_imaging_order_of_v2_5_1() -> None:
    """OMI^O23: TQ1-9, and the accession number in IPC-1; two orders in one message."""
    read = read_message(
        message(
            header("OMI^O23^OMI_O23"),
            PATIENT,
            "ORC|NW|1|1",
            "TQ1|1||||||||S^Stat^HL70485",
            "OBR|1|1|1|24627-2^CT Chest^LN",
            "IPC|A-1^RIS|RP1|1.2.3|SPS1",
            "ORC|NW|2|2",
            "TQ1|1||||||||R",
            "OBR|2|2|2|24627-2^CT Chest^LN",
            "IPC|A-2^RIS|RP2|1.2.4|SPS2",
        )
    )
    found = orders_of(read, LISTENER)
    assert [(one.accession_number, one.priority) for one in found] == [
        ("A-1", RequestPriority.STAT),
        ("A-2", RequestPriority.ROUTINE),
    ]


def test_an_emergency_patient_makes_an_order_more_urgent_never_less() -> None:
    """PV1-2 E counts as HIGH; STAT stays STAT."""
    (routine,) = orders_of(read_message(order(priority="R", visit=EMERGENCY)), LISTENER)
    (stat,) = orders_of(read_message(order(priority="S", visit=EMERGENCY)), LISTENER)
    assert routine.priority is RequestPriority.HIGH
    assert stat.priority is RequestPriority.STAT


def test_a_cancelled_order_says_so() -> None:
    """ORC-1 CA."""
    (found,) = orders_of(read_message(order(control="CA")), LISTENER)
    assert found.cancelled


def test_a_visit() -> None:
    """Class and point of care; a discharge takes the class back."""
    found = visit_of(read_message(admission("A04")), LISTENER)
    assert found is not None
    assert (found.patient_id, found.patient_class, found.location) == ("P001", "E", "ED")
    assert found.priority is RequestPriority.HIGH
    left = visit_of(read_message(admission("A03")), LISTENER)
    assert left is not None
    assert left.priority is None


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("", "P001"),
        ("HOSPITAL", "P001"),
        ("1.2.3", "99887766"),
        ("NATIONAL", "99887766"),
        ("X", ""),
    ],
)
def test_which_of_several_identifiers_is_the_patients(authority: str, expected: str) -> None:
    """The site's own authority decides; without one the medical record number."""
    listener = LISTENER.model_copy(update={"assigning_authority": authority})
    assert patient_identifier_of(read_message(admission()), listener).value == expected


@pytest.mark.parametrize("identifier", ["x" * 65, "a\ufffdb", "", '""'])
def test_what_can_be_no_identifier_is_none(identifier: str) -> None:
    """Too long, not decodable, empty or deleted."""
    read = read_message(admission(patient=f"PID|1||{identifier}^^^HOSPITAL^MR"))
    assert patient_identifier_of(read, LISTENER).value == ""


@pytest.mark.parametrize(
    ("observation", "name", "value"),
    [
        ("NM|9279-1^RR^LN||28|/min^^UCUM|||||F", "respiratory_rate_per_min", 28),
        ("NM|59408-5^SpO2^LN||88|%|||||F", "spo2_percent", 88),
        ("NM|2708-6^SaO2^LN||0.88|1|||||F", "spo2_percent", 88),
        ("NM|50984-4^Horowitz^LN||24|kPa|||||F", "pao2_fio2_mmhg", 180.01476),
        ("NM|8480-6^Sys^LN||95|mm[Hg]|||||F", "systolic_mmhg", 95),
        ("NM|9269-2^GCS^LN||13||||||F", "gcs", 13),
        ("NM|22664-7^Urea^LN||9.1|mmol/L|||||F", "urea_mmol_l", 9.1),
        ("NM|3091-6^Urea^LN||60.056|mg/dL|||||F", "urea_mmol_l", 10),
        ("NM|3094-0^BUN^LN||28.014|mg/dL|||||F", "urea_mmol_l", 10),
        ("SN|1988-5^CRP^LN||=^12.5|mg/dL|||||C", "crp_mg_l", 125),
        ("NM|LAB1^CRP^L^1988-5^CRP^LN||125|mg/L|||||F", "crp_mg_l", 125),
        ("NM|3151-8^O2 flow^LN||4|L/min|||||F", "oxygen_flow_l_min", 4),
    ],
)
def test_values_are_converted_to_our_units(observation: str, name: str, value: float) -> None:
    """By LOINC code, as the first or the alternative one, and by unit."""
    assert said(observation) == {name: pytest.approx(value)}


@pytest.mark.parametrize(
    "observation",
    [
        "NM|59408-5^SpO2^LN||88||||||F",  # no unit
        "NM|59408-5^SpO2^LN||8.8|%|||||F",  # cannot be
        "NM|59408-5^SpO2^LN||88|mm[Hg]|||||F",  # another kind of unit
        "SN|1988-5^CRP^LN||<^5|mg/L|||||F",  # not known how far below
        "ST|1988-5^CRP^LN||<5|mg/L|||||F",
        "NM|1988-5^CRP^LN||1e999|mg/L|||||F",
        "NM|1988-5^CRP^LN||nan|mg/L|||||F",
        "NM|1988-5^CRP^LN||12|mg/L|||||I",  # pending
        "NM|9269-2^GCS^LN||13.5||||||F",
        "NM|9279-1^RR^LOCAL||28|/min|||||F",  # not LOINC
        "NM|718-7^Hb^LN||12|g/dL|||||F",  # not asked for
        "NM|9279-1^RR^LN||28|/min|||||F|||20260101180000+0000",  # from the future
    ],
)
def test_what_is_not_certain_is_not_taken(observation: str) -> None:
    """A value that might mean something else is worse than none."""
    assert said(observation) == {}


def test_oxygen_and_what_was_breathed_make_the_ratio() -> None:
    """Only where both were observed at one moment."""
    together = said(
        "NM|2703-7^PaO2^LN||70|mm[Hg]|||||F|||20260101113000+0000",
        "NM|3150-0^FiO2^LN||40|%|||||F|||20260101113000+0000",
    )
    assert together == {"pao2_fio2_mmhg": pytest.approx(175)}
    apart = said(
        "NM|2703-7^PaO2^LN||70|mm[Hg]|||||F|||20260101113000+0000",
        "NM|3150-0^FiO2^LN||40|%|||||F|||20260101103000+0000",
    )
    assert apart == {}


def test_a_wrong_value_is_taken_back() -> None:
    """OBX-11 W: the value that was sent earlier no longer holds."""
    assert said("NM|9279-1^RR^LN||28|/min|||||W") == {"respiratory_rate_per_min": None}


def test_a_laboratorys_own_codes_can_be_mapped() -> None:
    """By the settings, to LOINC."""
    listener = LISTENER.model_copy(update={"loinc": {"CRPX": "1988-5"}})
    assert said("NM|CRPX^CRP^L||125|mg/L|||||F", listener=listener) == {"crp_mg_l": 125}


def test_a_report_says_that_somebody_has_seen_the_study() -> None:
    """With the accession number, and the reader's identifier, not the name."""
    (found,) = reports_of(read_message(report()), LISTENER)
    assert (found.accession_number, found.reported_by, found.status) == ("A-0001", "D1234", "P")
    (named,) = reports_of(read_message(report(reader="Reader, Rita")), LISTENER)
    assert named.reported_by == ""


def test_our_own_message_is_no_report() -> None:
    """An interface engine may send it back to us."""
    own = observation_message(notice(), CHANNEL, RAISED_AT).encode()
    assert reports_of(read_message(own), LISTENER) == []


def test_a_laboratorys_result_is_no_report() -> None:
    """Nor is one without an interpreter, of another department, or only scheduled."""
    for changed in (
        report().replace(b"|CT|P", b"|LAB|P"),
        report().replace(b"D1234&Reader&Rita", b""),
        report(status="I"),
    ):
        assert reports_of(read_message(changed), LISTENER) == []


def test_every_loinc_code_has_its_check_digit_and_feeds_a_field() -> None:
    """A mistyped code would silently never match."""
    ours = [
        one.value
        for module in (codes, chest_codes)
        for one in vars(module).values()
        if getattr(one, "scheme", "") == "LN"
    ]
    for code in (*LOINC, *ours):
        number, check = code.split("-")
        doubled = [
            int(one) * (2 if place % 2 == 0 else 1) for place, one in enumerate(reversed(number))
        ]
        assert (10 - sum(sum(divmod(one, 10)) for one in doubled) % 10) % 10 == int(check), code
    inside = {"pao2_mmhg", "fio2_percent"}
    assert {one.name for one in LOINC.values()} - inside <= set(LIMITS)


@pytest.mark.parametrize(
    ("authority", "issuer"),
    [
        ("HOSPITAL", "HOSPITAL"),
        ("HOSPITAL&1.2.3&ISO", "HOSPITAL"),
        ("&1.2.3&ISO", "1.2.3"),
        ("", ""),
        ("x" * 65, ""),
        (f"{'x' * 65}&1.2.3&ISO", "1.2.3"),
        ("A\\E\\B", ""),
    ],
)
def test_who_issued_it(authority: str, issuer: str) -> None:
    """The namespace of CX.4, else its universal id; nothing that DICOM could not hold."""
    patient = f"PID|1||P001^^^{authority}^MR"
    (said,) = orders_of(read_message(order(patient=patient)), LISTENER)
    assert (said.patient_id, said.issuer_of_patient_id) == ("P001", issuer)
    found = visit_of(read_message(admission(patient=patient)), LISTENER)
    assert found is not None
    assert found.issuer_of_patient_id == issuer


@pytest.mark.parametrize(
    ("of_listener", "of_site", "expected"),
    [
        (None, "Asia/Tokyo", datetime(2026, 1, 1, 2, 40, tzinfo=UTC)),
        (None, "Europe/Berlin", datetime(2026, 1, 1, 10, 40, tzinfo=UTC)),
        ("UTC", "Asia/Tokyo", datetime(2026, 1, 1, 11, 40, tzinfo=UTC)),
        ("America/New_York", "Asia/Tokyo", datetime(2026, 1, 1, 16, 40, tzinfo=UTC)),
    ],
)
def test_a_sender_that_names_no_offset_goes_by_the_clock_of_the_site(
    of_listener: str | None, of_site: str, expected: datetime
) -> None:
    """Local time is not taken for UTC; the listener may name another clock than the site's."""
    listener = LISTENER.model_copy(update={"time_zone": of_listener}).at_site(of_site)
    content = results("NM|9279-1^RR^LN||28|/min|||||F").replace(
        b"|20260101114000+0000", b"|202601011140"
    )
    (value,) = values_of(
        read_message(content, default_zone=listener.zone), listener, NOW + timedelta(days=1)
    )
    assert value.observed_at == expected
