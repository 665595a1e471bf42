"""Clinical values on the page: entered, refused, computed with, and never told elsewhere."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from structlog.testing import capture_logs

from chest.judge_again import judge_again
from database.results.facts import study_id_of
from database.session import query, transaction
from database.studies.clinical_values import RecordedValues, clinical_values, record_clinical_values
from database.tables.study.analysis import Event
from models.older_readings import stored_reading
from radiology.answer.stored_reading import to_facts
from radiology.clinical import ClinicalContext, ClinicalSource, ClinicalValues
from radiology.urgency import Urgency
from tests.unit.worklist.access.visitor import OWN_FORM, Visitor
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import full_reading
from worklist.reading.clinical_scores import ScoresOfStudy, scores_of_study
from worklist.study.clinical_form import ENTRY, clinical_form, typed


@pytest.fixture
def uid(hospital: SeededHospital) -> str:
    """Give a study with lobes, severity and the age of 71 in its headers."""
    uid, claim = hospital.claimed()
    hospital.answer(claim, Urgency.URGENT, picture=False, reading=full_reading())
    return uid


def _recorded(hospital: SeededHospital, uid: str) -> RecordedValues:
    with query(hospital.engine) as session:
        study_id = study_id_of(session, uid)
        assert study_id is not None
        return clinical_values(session, study_id)


def _enter(hospital: SeededHospital, uid: str, **values: object) -> None:
    with transaction(hospital.engine) as session:
        study_id = study_id_of(session, uid)
        assert study_id is not None
        record_clinical_values(session, study_id, values, "LAB", "hl7", hospital.now)


def test_saving_computes_severity_again(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """A rate of 34 fulfils a criterion; who gave it and how stands beside it."""
    form = {ENTRY: "0", "respiratory_rate_per_min": "34", "spo2_percent": "", "shock": ""}
    answer = visitor.post(f"/studies/{uid}/clinical-values", form=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/studies/{uid}#severity"
    text = visitor.text(f"/studies/{uid}")
    assert "respiratory rate: 34 /min" in text
    assert "Respiratory rate 34 /min local page" in text
    recorded = _recorded(hospital, uid)
    assert recorded.values == {"respiratory_rate_per_min": 34.0}
    assert recorded.sources["respiratory_rate_per_min"].at == hospital.now


def test_an_emptied_field_is_taken_back(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """A person can correct a value away; the others stay."""
    _enter(hospital, uid, gcs=13, urea_mmol_l=7.5)
    seen = str(_recorded(hospital, uid).entry_id)
    form = {ENTRY: seen, "gcs": "", "urea_mmol_l": "7.5"}
    assert visitor.post(f"/studies/{uid}/clinical-values", form=form).status_code == 303
    recorded = _recorded(hospital, uid)
    assert recorded.values == {"urea_mmol_l": 7.5}
    assert recorded.sources["urea_mmol_l"].by == "LAB"


def test_only_what_a_person_changed_is_saved(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """Values that came while the form was open are not put back to what it showed."""
    form = {ENTRY: "0", "gcs": "13", "urea_mmol_l": ""}
    _enter(hospital, uid, urea_mmol_l=7.5)
    assert visitor.post(f"/studies/{uid}/clinical-values", form=form).status_code == 303
    assert _recorded(hospital, uid).values == {"urea_mmol_l": 7.5, "gcs": 13}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("spo2_percent", "0.93", "must be a number from 30 to 100 %"),
        ("gcs", "13.5", "must be a whole number from 3 to 15"),
        ("age_years", "19600102", "must be a number from 0 to 125 years"),
        ("urea_mmol_l", "nan", "must be a number from 0.1 to 120 mmol/l"),
        ("urea_mmol_l", "1_0", "must be a number from 0.1 to 120 mmol/l"),
        ("crp_mg_l", "9" * 400, "must be a number from 0 to 1000 mg/l"),
        ("shock", "perhaps", "must be true or false"),
        ("ventilation", "<b>x</b>", "must be &#34;none&#34;, &#34;non_invasive&#34;"),
    ],
)
def test_a_refused_value_says_why_beside_its_field(
    hospital: SeededHospital, visitor: Visitor, uid: str, name: str, text: str, reason: str
) -> None:
    """Nothing is saved; what was typed stays in the form, and is no markup."""
    form = {ENTRY: "0", name: text, "diastolic_mmhg": "60"}
    answer = visitor.post(f"/studies/{uid}/clinical-values", form=form)
    assert answer.status_code == 422
    about = answer.text.split(f'id="about-{name}"', 1)[1][:200]
    assert reason in about
    assert 'name="diastolic_mmhg" value="60"' in answer.text
    assert "<b>x</b>" not in answer.text
    assert _recorded(hospital, uid).entry_id == 0


def test_values_that_contradict_each_other(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """One of two values must be wrong; the page cannot know which, and takes neither."""
    _enter(hospital, uid, systolic_mmhg=110.0)
    form = {ENTRY: "1", "systolic_mmhg": "110", "diastolic_mmhg": "140"}
    answer = visitor.post(f"/studies/{uid}/clinical-values", form=form)
    assert answer.status_code == 422
    assert "is above systolic_mmhg" in answer.text


@pytest.mark.parametrize("entry", ["", "x", "-1", "99999", "1; drop table", "9" * 30])
def test_a_wrong_entry_number_harms_nothing(
    hospital: SeededHospital, visitor: Visitor, uid: str, entry: str
) -> None:
    """The number says what a person saw; a wrong one at most saves the same values again."""
    form = {ENTRY: entry, "gcs": "13"}
    assert visitor.post(f"/studies/{uid}/clinical-values", form=form).status_code == 303
    assert _recorded(hospital, uid).values == {"gcs": 13}


def test_values_are_in_no_log_and_no_event(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """They are patients' data: what is told elsewhere is that some came, and how many."""
    with capture_logs() as logs:
        visitor.post(
            f"/studies/{uid}/clinical-values", form={ENTRY: "0", "crp_mg_l": "187.25", "gcs": "3"}
        )
        visitor.post(f"/studies/{uid}/clinical-values", form={ENTRY: "0", "crp_mg_l": "9187.25"})
    assert "187" not in json.dumps(logs, default=str)
    with query(hospital.engine) as session:
        told = [(one.name, one.facts) for one in session.query(Event)]
    assert ("clinical_values_entered", {"through": "page", "fields": 2}) in told
    assert "187" not in json.dumps(told)


@pytest.mark.parametrize("length", ["70000", "x", None])
def test_what_is_too_long_for_a_form_is_refused(
    visitor: Visitor, hospital: SeededHospital, uid: str, length: str | None
) -> None:
    """Twenty short values fit into less; more is not even read."""
    form = {"gcs": "1" * 70_000} if length == "70000" else None
    headers = {"Content-Length": length} if length == "x" else None
    answer = visitor.post(f"/studies/{uid}/clinical-values", OWN_FORM | (headers or {}), form=form)
    assert answer.status_code in (303, 400)
    assert _recorded(hospital, uid).values == {}


def test_another_site_cannot_enter_values(
    hospital: SeededHospital, visitor: Visitor, uid: str
) -> None:
    """The origin of the form is checked."""
    answer = visitor.post(
        f"/studies/{uid}/clinical-values",
        {"Origin": "https://elsewhere.example"},
        form={ENTRY: "0", "gcs": "13"},
    )
    assert answer.status_code == 403
    assert _recorded(hospital, uid).values == {}


def test_values_before_there_is_a_result(hospital: SeededHospital, visitor: Visitor) -> None:
    """They can be entered while the study waits: the rules that need no images are computed."""
    uid = hospital.receive()
    form = {
        ENTRY: "0",
        "age_years": "72",
        "confusion": "no",
        "urea_mmol_l": "9",
        "respiratory_rate_per_min": "31",
        "systolic_mmhg": "118",
        "diastolic_mmhg": "70",
    }
    assert visitor.post(f"/studies/{uid}/clinical-values", form=form).status_code == 303
    text = visitor.text(f"/studies/{uid}")
    assert "CURB-65" in text
    assert "3 points" in text


def test_the_form_has_every_value_once() -> None:
    """No clinical value that a rule asks for is missing from the form."""
    shown = [one.name for _, group in clinical_form(RecordedValues()).groups for one in group]
    assert sorted(shown) == sorted(field.name for field in fields(ClinicalValues))


def test_names_that_are_no_value_are_left_aside() -> None:
    """A token of the sign-in, or a patient's name in a field of its own, goes nowhere."""
    given = typed({ENTRY: "2", "gcs": " 13 ", "csrf_token": "x", "patient_name": "Smith"})
    assert given.texts == {"gcs": "13"}
    assert given.values() == {"gcs": 13}


def test_an_older_reading_says_that_it_cannot_be_computed_again() -> None:
    """What an older version wrote differently keeps the answer that it had, with the reason."""
    assert not scores_of_study(None, RecordedValues(1, {}, {}), unreadable=True).trouble
    recorded = RecordedValues(1, {"gcs": 13}, {"gcs": ClinicalSource("LAB", "hl7", START)})
    lines = scores_of_study(None, recorded, unreadable=True)
    assert "cannot be computed again" in lines.trouble
    assert not lines.topics


def test_what_was_taken_back_since_the_reading_counts_no_more() -> None:
    """The page computes without it; alone, the reading shows what it was made with."""
    values = ClinicalValues(respiratory_rate_per_min=34.0)
    severity = judge_again(stored_reading(full_reading().facts()), values)
    context = ClinicalContext(values).facts(ClinicalValues())
    stored = {**full_reading().facts(), "severity": severity.facts(), "context": context}
    none_given = RecordedValues(2, {}, {})
    for made in (stored_reading(stored), stored_reading(to_facts(stored_reading(stored)))):
        assert _answered(scores_of_study(made))["Guideline class"] == "at least severe"
        assert "Guideline class" not in _answered(scores_of_study(made, none_given))


def _answered(scores: ScoresOfStudy) -> dict[str, str]:
    """The rules with an answer, by name."""
    return {one.name: one.label for topic in scores.topics for one in topic.scores}


def test_a_chinese_form_says_in_chinese_what_a_value_may_be(visitor: Visitor, uid: str) -> None:
    """Limits, values that cannot be, and values that contradict each other."""
    chinese = {"Cookie": "firstread_language=zh"}
    text = visitor.get(f"/studies/{uid}", chinese).text
    assert ">30 至 100 %<" in text  # the unit belongs to the number
    assert ">整数，3 至 15<" in text
    form = {ENTRY: "0", "spo2_percent": "0.9", "systolic_mmhg": "80", "diastolic_mmhg": "90"}
    refused = visitor.post(f"/studies/{uid}/clinical-values", OWN_FORM | chinese, form=form).text
    assert "应为 30 至 100 %" in refused
    form["spo2_percent"] = "90"
    refused = visitor.post(f"/studies/{uid}/clinical-values", OWN_FORM | chinese, form=form).text
    assert "高于收缩压" in refused
    assert "systolic_mmhg</span>" not in refused
