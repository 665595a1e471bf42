"""Whatever the code can store as a reason or the name of a rule is said in Chinese on the page."""

from __future__ import annotations

import itertools
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from chest.answer.stored import reading_of_0_1_0
from chest.registration.register import _reason
from chest.triage.urgency import RULES
from database.flag_states import NoticeState
from database.jobs.bundles_in_use import IN_USE_NOW
from database.jobs.requeue import WAIT_IS_OVER, WORKER_GONE, WORKER_LATE
from database.states import ENDED_WELL, DeliveryState, JobState, PriorRequestState, StudyState
from database.studies.assembly import CORRECTED, EARLIER_CAME, MORE_CAME
from database.studies.opened_studies import OPENED
from dicom_node.request import stow
from dicom_node.status import error_of_status
from dicom_node.work_items import web as workitem_web
from dicom_node.work_items.status import error_of_work_item
from models.declared.gates import DeclaredGate, GateAction, GateCheck
from models.declared.rules import RuleComparison, RuleCondition
from models.judge.gates import Examined, apply_gates
from models.judge.named_values import PHRASES, NamedValue
from models.judge.remarks import remarks_of
from models.judge.rules import (
    NONE,
    NOTHING,
    ONE_OR_MORE,
    OTHERWISE,
    RULE,
    SUSPECTED,
    RowSeen,
    as_statement,
)
from models.measure.concepts import USUAL
from radiology.answer.finding import Presence
from radiology.answer.reading import TranslatedTitle
from radiology.errors import FirstreadError
from radiology.image.volume import Volume
from radiology.language import Language
from radiology.outcome import QualityGate
from radiology.urgency import LimitOf, Urgency
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.study.full_reading import full_reading, reading_without_lobes
from tests.unit.worklist.study.head_reading import head_reading
from tests.unit.worklist.words.stored_texts import (
    names_of_events,
    objection_reasons,
    reasons_of_earlier_studies,
    seen_and_limits_of_gates,
    sentences_of_errors,
    texts_of_gates,
)
from worker.flag import webhook
from worker.patient.patient_identity import PatientIdentity, contradiction
from worker.series import figure_fault
from worker.series.decode_best import UNDECODED
from worker.series.preference import PREFERENCES
from worker.series.rules import REFUSALS
from worker.series.select_series import CHOSEN
from worker.upload import file_kind
from worklist.reading import why_lines
from worklist.reading.case_lines import case_lines
from worklist.reading.figures import gate_lines
from worklist.words.fact_words import fact_words
from worklist.words.rule_texts import rule_text
from worklist.words.stored_words import GENERAL, reason_words, rule_words
from worklist.words.translations import LOCALE_FOLDER, catalogue, translated_row, use_language

_CHINESE = {"Cookie": "firstread_language=zh"}
_OWN_RULES = ("accepted by the model", "equal", CHOSEN, UNDECODED)  # names that stand in no table


@pytest.fixture(autouse=True)
def _chinese() -> object:
    use_language(Language.CHINESE)
    yield
    use_language(Language.ENGLISH)


def _unsaid(texts: set[str]) -> list[str]:
    """Which of these sentences a Chinese page would say in English."""
    return sorted(text for text in texts if translated_row(text) == text)


def test_every_kind_of_error_has_its_sentence() -> None:
    """Whatever is raised, also by code that is yet to be written, has at least a general reason."""
    assert len(GENERAL) > 30
    assert _unsaid(set(GENERAL.values())) == []
    assert all(reason_words(kind, "") != kind for kind in GENERAL)


def test_every_sentence_that_an_error_is_raised_with() -> None:
    """Each fixed sentence in the code has its own Chinese one; with figures, {} for each."""
    found = sentences_of_errors()
    assert len(found) > 120
    assert _unsaid(found) == []


def test_every_sentence_that_a_status_gives() -> None:
    """Whatever a peer answers to C-STORE or about a work item, the page can say what it means."""
    errors: list[FirstreadError | None] = [
        answer(status)
        for answer, status in itertools.product(
            (error_of_status, error_of_work_item), (None, *range(0x10000))
        )
    ]
    said = {error.message for error in errors if error is not None}
    assert len(said) > 10
    assert _unsaid(said) == []
    tables = (stow._WHAT_TO_CHANGE, webhook._WHAT_TO_CHANGE, workitem_web._WHAT_TO_CHANGE)
    assert _unsaid({words for table in tables for words in table.values()}) == []


def test_every_rule_of_the_selection_of_series() -> None:
    """Names, reasons and flaws of the tables that choose a series, and of those with a bundle."""
    names = {one.name for one in (*REFUSALS, *PREFERENCES)} | set(_OWN_RULES)
    assert sorted(name for name in names if rule_words(name) == name.replace("_", " ")) == []
    reasons = objection_reasons() | {
        figure_fault.DECIMAL_COMMA,
        figure_fault.OTHER_REPRESENTATION,
        figure_fault.OTHER_COUNT,
        figure_fault.NO_NUMBER,
    }
    assert len(reasons) >= len(REFUSALS) - 2
    assert _unsaid(reasons | {one.reason for one in PREFERENCES}) == []
    alone = {f"No series can be analysed: {reason}" for reason in reasons}
    assert _unsaid(alone | {f"The instance cannot be analysed: {one}" for one in reasons}) == []


def test_every_rule_of_urgency() -> None:
    """Name and limit of each row of the table."""
    assert _unsaid({one.name for one in RULES} | {one.limit for one in RULES}) == []


def test_every_quality_gate() -> None:
    """Name and reason of each gate that a reading may not pass."""
    names, reasons = texts_of_gates()
    assert len(names) >= 11
    assert sorted(name for name in names if rule_words(name) == name) == []
    assert _unsaid(reasons) == []


def test_what_every_quality_gate_sees_and_asks_for() -> None:
    """With figures and without: read from the code, in Chinese but for units."""
    said = seen_and_limits_of_gates()
    assert len(said) > 25
    english = re.compile(r"[A-Za-z]{3,}")
    assert sorted(text for text in said if english.search(rule_text(text))) == []


def _gates_of_any_bundle() -> list[QualityGate]:
    """Each gate that a declared bundle may ask for, passed and not passed."""
    labels = {"areas.x": (np.zeros((2, 2, 2), np.uint8), 1)}
    names = {name: NamedValue("volume of Xx", "ml") for name in ("x_ml", "y_ml")}
    seen = Examined(
        Volume(np.zeros((2, 2, 2), np.float32), np.eye(4)), labels, {"x_ml": 1.5}, 40.0, True, names
    )
    at_least = RuleCondition("x_ml", RuleComparison.AT_LEAST, 2.0)
    at_most = RuleCondition("y_ml", RuleComparison.AT_MOST, 2.0)
    declared = [
        DeclaredGate(
            check, GateAction.REFUSE, limit, ("areas.x",) if check is _ANATOMY else (), condition
        )
        for check in GateCheck
        for limit in (0.01, 5000.0)
        for condition in ((at_least, at_most) if check is GateCheck.MEASUREMENT else (None,))
    ]
    looks = (seen, replace(seen, finite=False, age_years=None))
    return [gate for look in looks for gate in apply_gates(declared, look)]


_ANATOMY = GateCheck.ANATOMY_FOUND
_NAMES_OF_A_BUNDLE = re.compile(r"areas\.x|[xy]_ml|Xx")  # stay as they are declared


def test_every_quality_gate_of_any_bundle() -> None:
    """Name, figure, limit and reason, but for the names that a bundle gives."""
    gates = _gates_of_any_bundle()
    assert {gate.passed for gate in gates} == {True, False}
    reading = replace(head_reading(), gates=tuple(gates))
    english = [
        text
        for line in gate_lines(reading)
        for text in (line.name, line.seen, line.limit, line.reason)
        if re.search("[A-Za-z]{3,}", _NAMES_OF_A_BUNDLE.sub("", text))
    ]
    assert english == []


def test_every_title_of_what_any_bundle_measures() -> None:
    """The column of the table and the concept, where a bundle declares none of its own."""
    usual = USUAL.values()
    assert _unsaid({one.title for one in usual} | {one.concept.meaning for one in usual}) == []


def test_every_rule_of_any_bundle() -> None:
    """What is said of a row that decided, and the rows that every bundle has."""
    phrases = PHRASES.values()
    titles = [phrase.format(of="Xx and Yy", score="Zz", threshold=0.5) for phrase in phrases]
    amounts = ("3.5 ml", "2 slices", "-20 HU", "4", "not measured")
    seen = [f"{title} {amount}" for title in titles for amount in amounts]
    rows = [
        RowSeen("a rule", of_urgency, says, "", True, one, limit, whose, "at most 2 ml")
        for of_urgency, words in ((True, Urgency), (False, Presence))
        for says in words
        for one in seen
        for limit in ("at least 2 slices", "at most 0.5")
        for whose in LimitOf
    ]
    said = [as_statement(row) for row in rows]
    texts = {text for one in said for text in (str(one.answer), one.note) if text}
    finding = head_reading().findings[0]
    remarks = remarks_of((finding, finding), rows)
    assert len(remarks) == 2
    texts |= {line[1] for line in remarks[1].lines} | {ONE_OR_MORE, OTHERWISE, NONE}
    report = head_reading().report
    english = re.compile(r"[A-Za-z]{3,}")  # CT, HU and ml are none
    assert sorted(text for text in texts if english.search(rule_text(text, report))) == []
    known = {RULE.meaning, SUSPECTED, NOTHING, *(one.source for one in said)}
    assert _unsaid(known | {one.title for one in remarks} | set(Presence)) == []
    assert rule_text("slices with Xx and Yy 2 slices", report) == "含Xx和Yy的层面 2 层"


def test_every_reason_why_an_earlier_study_is_not_compared() -> None:
    """Another patient, not earlier, nothing kept, or lungs that do not fit."""
    reasons = reasons_of_earlier_studies()
    assert len(reasons) >= 6
    somebody = PatientIdentity("4711", "A", "1.2", "19510101", "F")
    somebody_else = PatientIdentity("4712", "B", "1.3", "19520202", "M")
    reasons |= {
        reason
        for one in fields(PatientIdentity)
        if (reason := contradiction(somebody, _with(one.name, somebody, somebody_else)))
    }
    reasons.add(contradiction(PatientIdentity(""), somebody))
    reasons |= {_reason(0.1, 1.0, 0.0), _reason(1.0, 0.1, 0.0), _reason(1.0, 1.0, 0.5)}
    assert _unsaid(reasons) == []


def _with(name: str, who: PatientIdentity, other: PatientIdentity) -> PatientIdentity:
    return replace(who, **{name: getattr(other, name)})


def test_the_sentences_of_a_chest() -> None:
    """What the report says of the answer, its rules, signs and parts, in Chinese on the page."""
    for reading in (full_reading(), reading_without_lobes()):
        sentences = case_lines(reading_of_0_1_0(reading.facts())).sentences
        assert len(sentences) > 10
        assert [one for one in sentences if re.search("[A-Za-z]{3,}", one)] == []


def test_every_step_of_a_study() -> None:
    """Events and their facts, and those events that are named after a state."""
    names, facts = names_of_events()
    assert len(names) > 30
    names = {one for one in names if not one.startswith("upload_")} | {OPENED}
    names |= {one.value for one in (*JobState, *StudyState)}
    names |= {f"priors_{one.value}" for one in PriorRequestState}
    names |= {f"flag_{one.value}" for one in NoticeState if one is not NoticeState.WAITING}
    ended = set(DeliveryState) - {DeliveryState.WAITING, DeliveryState.SENT}
    names |= {f"rejection_{one.value}" for one in ended}
    names |= {f"delivery_{one.value}" for one in ended - set(ENDED_WELL)}
    facts |= {"seen", "limit"}  # of a reader's `decided_by`
    assert sorted(one for one in names | facts if rule_words(one) == one.replace("_", " ")) == []


def test_every_reason_why_a_job_waits_once_more() -> None:
    """And where a person asked for it."""
    reasons = {WAIT_IS_OVER, WORKER_GONE, WORKER_LATE}
    reasons |= {MORE_CAME, CORRECTED, EARLIER_CAME, IN_USE_NOW}
    assert _unsaid({*reasons, "page", "command line"}) == []
    assert not [one for one in reasons if fact_words("reason", one) == one]


def test_every_kind_of_file_that_an_upload_may_hold() -> None:
    """Who gives a PDF reads that it is one, in Chinese."""
    words = {said for _, said in (*file_kind._OTHERS, *file_kind._TEXTS)}
    words |= {"an SVG drawing", "a NIfTI volume", "text", file_kind._UNKNOWN}
    sentences = {f"The file is {said}; {file_kind._NEEDED}" for said in words}
    assert _unsaid(sentences | {f"The file is {file_kind.WITHOUT_PREAMBLE}"}) == []


def test_what_no_catalogue_can_know_is_said_by_its_kind() -> None:
    """A sentence with a name in it keeps the name, behind what the kind says."""
    message = "The peer does not know us: add AE title FIRST1 to its list (host=10.0.0.1, port=104)"
    said = reason_words("PeerRefused", message)
    assert said == f"{catalogue(Language.CHINESE)[GENERAL['PeerRefused']]} ({message})"
    use_language(Language.ENGLISH)
    assert reason_words("PeerRefused", message) == message
    assert reason_words("PeerRefused", "") == "PeerRefused"
    assert reason_words("ZeroDivisionError", "") == "ZeroDivisionError"


def test_an_identifier_is_no_word_of_ours() -> None:
    """A channel, reader or host that is called like a word of the page keeps its name."""
    assert fact_words("rule", "NoSuitableSeries") == "该检查没有可分析的序列。"
    assert fact_words("urgency", "urgent") == "紧急"
    assert fact_words("reader", "urgent") == "urgent"


def test_facts_of_a_rule_are_said_with_the_words_of_the_bundle() -> None:
    """Its name, what it saw and what it asks for; without the bundle what the program knows."""
    names = {"Hemorrhage": "出血", "Fracture, open": "开放性骨折", "large": "大量出血"}
    called = tuple(TranslatedTitle(Language.CHINESE, *one) for one in names.items())
    report = replace(head_reading().report, translated=called)
    assert fact_words("rule", "large", report) == "大量出血"
    assert fact_words("seen", "Hemorrhage; Fracture, open", report) == "出血；开放性骨折"
    assert fact_words("seen", "volume of Hemorrhage 31.4 ml", report) == "出血的体积 31.4 ml"
    assert fact_words("limit", "at least 2 slices") == "至少 2 层"
    assert fact_words("limit", ONE_OR_MORE) == "一项或多项所见"
    assert rule_text("volume of Hemorrhage 31.4 ml") == "Hemorrhage的体积 31.4 ml"


def test_a_chinese_page_of_each_kind_of_answer(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Why, series, jobs and flag of a study say no sentence of ours in English."""
    for uid in (ordinary_day.refused, ordinary_day.failed, ordinary_day.urgent):
        text = visitor.get(f"/studies/{uid}", _CHINESE).text
        for english in (
            "No series of the study",
            "The worker stopped",
            "The series is",
            "the worse lung",
            "decides",
            "This series is analysed",
        ):
            assert english not in text, (uid, english)
    assert (
        "该检查没有可分析的序列。" in visitor.get(f"/studies/{ordinary_day.refused}", _CHINESE).text
    )


def test_leads_and_notes_of_why_are_known() -> None:
    """The sentences that stand over the rules are translated like those below them."""
    known = catalogue(Language.CHINESE)
    assert [lead for lead in why_lines._LEADS.values() if lead not in known] == []
    assert (LOCALE_FOLDER / "zh" / "reasons.po").is_file()
