"""The ORU that a notice becomes, as the package `hl7` reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hl7_node.observation_message import control_id_of, cut
from radiology.answer.reading import ReportWords
from radiology.codes import Code
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.flags import Hl7Channel
from tests.builders.stored.notices import RAISED_AT, notice
from worker.flag.channel import NoticeKind
from worker.flag.hl7_observation import observation_message

CHANNEL = Hl7Channel(
    name="ris",
    kind="hl7",
    host="127.0.0.1",
    port=2575,
    sending_facility="RADIOLOGY",
    receiving_application="RIS",
    receiving_facility="HOSPITAL",
)


def read(channel: Hl7Channel = CHANNEL, **changes: object) -> hl7.Message:
    """The message for a notice, by the other implementation."""
    return hl7.parse(observation_message(notice(**changes), channel, RAISED_AT))


def observation(message: hl7.Message, code: str) -> hl7.Segment:
    """The OBX about a concept."""
    (found,) = [one for one in message.segments("OBX") if str(one(3)).startswith(f"{code}^")]
    return found


def test_the_header_says_who_what_and_in_which_characters() -> None:
    """Sender, receiver, kind, a control id that follows from the notice, version, character set."""
    header = read().segment("MSH")
    assert [str(header(n)) for n in (3, 4, 5, 6)] == ["FIRSTREAD", "RADIOLOGY", "RIS", "HOSPITAL"]
    assert str(header(9)) == "ORU^R01^ORU_R01"
    assert str(header(10)) == control_id_of("2.25.72")
    assert len(str(header(10))) == 20  # as much as MSH-10 may have in v2.5.1
    assert str(header(12)) == "2.5.1"
    assert str(header(18)) == "UNICODE UTF-8"


def test_patient_and_order_are_named_by_identifiers_alone() -> None:
    """Patient ID with its issuer, sex, accession number; no name and no birth date."""
    message = read()
    patient, order = message.segment("PID"), message.segment("OBR")
    assert str(patient(3)) == "P001^^^HOSPITAL^PI"
    assert str(patient(5)) == "^^^^^^U"
    assert len(patient) == 9  # name, number and seven fields more; nothing after the sex
    assert str(patient(7)) == ""
    assert str(order(3)) == str(order(18)) == "A-0001"
    assert str(order(4)) == "24627-2^CT Chest^LN"
    assert str(order(5)) == "S"
    assert str(message.segment("TQ1")(9)) == "S^Stat^HL70485"


def test_the_order_and_the_answer_name_what_the_bundle_read() -> None:
    """Procedure and subject are those that the bundle declares."""
    chest = notice().reading
    assert chest is not None
    head = ReportWords("head CT", Code("24725-4", "LN", "CT Head"), "intracranial bleeding")
    message = read(reading=replace(chest, report=head))
    assert str(message.segment("OBR")(4)) == "24725-4^CT Head^LN"
    assert "intracranial bleeding suspected" in str(observation(message, "59776-5")(5))
    assert str(read(reading=None).segment("OBR")(4)) == "18748-4^Diagnostic imaging study^LN"


@pytest.mark.parametrize(
    ("issuer", "authority"),
    [
        ("1.2.840.99999.1.2.3.4.5", "&1.2.840.99999.1.2.3.4.5&ISO"),
        ("Hospital of the Good Shepherd", "&Hospital of the Good Shepherd&L"),
        ("|" * 64, "&" + "\\F\\" * 64 + "&L"),
    ],
)
def test_an_issuer_with_a_long_name_is_a_universal_id(issuer: str, authority: str) -> None:
    """HD.1 takes 20 characters; half a name would be another authority."""
    assert str(read(issuer_of_patient_id=issuer).segment("PID")(3)(1)(4)) == authority


def test_the_study_and_its_page_are_referred_to() -> None:
    """The study's UID as IHE has it, and a pointer to where a person sees more."""
    message = read()
    assert str(observation(message, "113014")(5)) == "2.25.1"
    page = observation(message, "STUDY_PAGE")
    assert str(page(2)) == "RP"
    assert str(page(5)) == "https://ct-ai.hospital/studies/2.25.1^Firstread^Application^HTML"


def test_what_was_found_is_coded() -> None:
    """Answer, priority, suspicion, lesion share, type and severity, each with its scheme."""
    message = read()
    said = {str(one(3)).split("^")[0]: one for one in message.segments("OBX")}
    assert str(said["111017"](5)).endswith("^DCM")
    assert str(said["260870009"](5)) == "103391001^Urgent Procedure^SCT"
    assert str(said["122157"](5)) == "97"
    assert str(said["122157"](6)) == "%^Percent^UCUM"
    assert str(said["122157"](7)) == "<35"
    assert str(said["LESION_SHARE"](5)) == "27.4"
    assert str(said["PNEUMONIA_TYPE"](5)).startswith("VIRAL^")
    assert str(said["MOSMED_GRADE"](5)) == "2"
    assert str(said["CT_SEVERITY"](5)) == "14"


@pytest.mark.parametrize(
    ("urgency", "flag", "priority"),
    [(Urgency.URGENT, "AA", "S"), (Urgency.SUSPECTED, "A", "A"), (Urgency.ROUTINE, "N", "R")],
)
def test_urgency_sets_abnormal_flag_and_priority(
    urgency: Urgency, flag: str, priority: str
) -> None:
    """A system that sorts by OBX-8 or by TQ1-9 puts the urgent one first."""
    message = read(urgency=urgency)
    assert str(observation(message, "59776-5")(8)) == flag
    assert str(message.segment("OBR")(5)) == priority


def test_the_result_is_preliminary_unless_the_site_says_otherwise() -> None:
    """A final result under the accession number could close the order as read."""
    assert str(read().segment("OBR")(25)) == "P"
    final = CHANNEL.model_copy(update={"result_status": "F"})
    assert str(read(final).segment("OBR")(25)) == "F"
    again = read(final, kind=NoticeKind.RAISED_AGAIN)
    assert str(again.segment("OBR")(25)) == "C"
    assert str(observation(again, "59776-5")(11)) == "C"
    assert str(observation(read(kind=NoticeKind.RAISED_AGAIN), "59776-5")(11)) == "P"


def test_a_withdrawn_result_is_posted_as_wrong() -> None:
    """Each observation has status W, nothing is abnormal any more, and the words say so."""
    message = read(kind=NoticeKind.WITHDRAWN)
    told = [one for one in message.segments("OBX") if str(one(11)) != "O"]
    assert {str(one(11)) for one in told} == {"W"}
    assert not any(str(one(8)) for one in told if len(one) > 8)
    assert "withdrawn" in str(observation(message, "59776-5")(5))
    assert str(message.segment("OBR")(5)) == "R"


def test_what_could_not_be_assessed_is_no_negative() -> None:
    """Neither a probability nor a flag "normal" is said of it."""
    message = read(outcome=Outcome.NOT_ASSESSABLE, suspicion=None, urgency=Urgency.ROUTINE)
    codes = [str(one(3)).split("^")[0] for one in message.segments("OBX")]
    assert "122157" not in codes
    assert "260870009" not in codes
    assert "N" not in {str(one(8)) for one in message.segments("OBX") if len(one) > 8}


def test_the_category_of_the_acr_is_said_where_a_site_asks_for_it() -> None:
    """OBX-15, as IHE Results Distribution has it; left out by default."""
    asked = CHANNEL.model_copy(update={"actionable_category": True})
    said = str(observation(read(asked), "59776-5")(15))
    assert said == "RID49481^Cat 2 Urgent Actionable Finding^RadLex"
    assert not str(observation(read(), "59776-5")(15))


def test_a_study_without_accession_number_is_named_by_its_uid() -> None:
    """OBR-3 is never empty; OBR-18 claims no accession number that there is not."""
    order = read(accession_number="").segment("OBR")
    assert str(order(3)) == "2.25.1"
    assert str(order(18)) == ""


def test_nothing_but_identifiers_is_needed() -> None:
    """A study of which hardly anything is known still makes a message."""
    message = read(
        patient_id="", issuer_of_patient_id="", patient_sex="", accession_number="", reading=None
    )
    assert str(message.segment("PID")(5)) == "^^^^^^U"


def test_a_link_that_is_too_long_is_left_out() -> None:
    """A receiver need not take more than 199 characters, and half a link leads nowhere."""
    codes = [str(o(3)) for o in read(study_url="https://x/" + "y" * 300).segments("OBX")]
    assert not any(code.startswith("STUDY_PAGE") for code in codes)


texts = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=64)
accession_numbers = texts.map(lambda text: text[:16].strip())
identifiers = texts.filter(lambda text: text == text.strip())


@settings(max_examples=60)
@given(patient_id=identifiers, issuer=identifiers, rule=texts, number=accession_numbers)
def test_any_text_survives_the_way_to_the_other_implementation(
    patient_id: str, issuer: str, rule: str, number: str
) -> None:
    """Delimiters, escape characters and letters of any language are read as they were written."""
    message = hl7.parse(
        observation_message(
            notice(
                patient_id=patient_id,
                issuer_of_patient_id=issuer,
                rule=rule,
                accession_number=number,
            ),
            CHANNEL,
            RAISED_AT,
        ).encode(),
        encoding="utf-8",
    )
    patient = message.segment("PID")(3)(1)
    assert message.unescape(str(patient(1))) == patient_id
    if issuer:
        parts = [message.unescape(str(one)) for one in patient(4)]
        assert issuer in parts[:2]
    assert message.unescape(str(message.segment("OBR")(18))) == number
    assert len(message.segments("OBX")) == 12


@given(texts, st.integers(min_value=0, max_value=400))
def test_text_is_cut_to_what_a_field_takes(text: str, times: int) -> None:
    """What is left is the beginning, and escaped it is not longer than ST may be."""
    left = cut(text * times)
    assert (text * times).startswith(left)


@given(st.text(alphabet="\x00\r\n\x0b\x1c\x85\u2028ab|", max_size=30))
def test_control_characters_end_neither_segment_nor_message(patient_id: str) -> None:
    """They become spaces: none belongs into an identifier."""
    message = observation_message(notice(patient_id=patient_id), CHANNEL, RAISED_AT)
    assert not set(message) & set("\x00\n\x0b\x1c\x85\u2028")
    assert message.count("\r") == len(hl7.parse(message))


def test_moments_are_to_the_second_with_their_zone() -> None:
    """OBR-7 is when the images came, OBR-22 when the flag was raised."""
    order = read(last_instance_at=RAISED_AT - timedelta(seconds=40)).segment("OBR")
    assert str(order(7)) == "20261121080120+0000"
    assert str(order(22)) == "20261121080200+0000"
