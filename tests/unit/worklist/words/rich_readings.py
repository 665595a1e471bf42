"""Studies with all that a reading can say, stored as a worker stores it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chest.lobes.fissure import _why_not_seen
from chest.triage.urgency import rules_seen
from chest.values.change import (
    Change,
    LesionChange,
    LungMeasurement,
    PriorComparison,
    RegistrationQuality,
)
from chest.values.course import Course, CoursePoint, NotCompared
from chest.values.effusion import Effusion
from chest.values.figures import Side
from chest.values.other_disease import OtherDisease
from chest.values.reading import ChestReading
from chest.values.territory import Boundary
from database.deliveries.objects import ObjectAnswer
from database.feedback.given import give_feedback
from database.flags.raised import flag_result
from database.flags.rules import FlagRules
from database.results.facts import study_id_of
from database.session import transaction
from database.states import DeliveryState, ObjectState
from database.studies.clinical_values import record_clinical_values
from database.tables.study.analysis import Result
from radiology.answer.lesions import Became
from radiology.answer.stored_reading import to_facts
from radiology.clinical import ClinicalContext, ClinicalSource, ClinicalValues
from radiology.feedback import Fault, Judgement, Opinion
from radiology.outcome import GateSeverity, QualityGate
from radiology.urgency import Triage
from settings.flags import Flagging
from settings.peers import RequestPriority
from tests.builders.stored.flags import webhook
from tests.unit.worker.encode.encoded_chest import remade, result_context
from tests.unit.worker.encode.possible_opacity import with_possible
from tests.unit.worklist.list.ordinary_day import SEVERE
from tests.unit.worklist.seeded_values import Lesions
from tests.unit.worklist.seeding import START, SeededHospital
from tests.unit.worklist.study.full_reading import NOISY, full_reading, reading_without_lobes
from tests.unit.worklist.study.test_result_life import settle

_FISSURES = ("right oblique fissure", "right horizontal fissure", "left oblique fissure")
_UNSEEN = (
    _why_not_seen(0.9, 9.0, 0.2),
    "the oblique fissure was not seen",
    "too little healthy lung around it",
)
GATES = (
    QualityGate("lungs found", True, "4330 ml", "at least 1000 ml"),
    QualityGate("lungs in proportion", True, "31 % of the body", "at least 10 %"),
    QualityGate(
        "motion", True, "not measured: thick slices", "at most 3 jumps of the lungs' outline"
    ),
    QualityGate("contrast phase", True, "35 HU between the lungs", "under 120 HU"),
    QualityGate("noise", False, "52 HU", "at most 40 HU", NOISY, GateSeverity.WARNS),
)
_STAT = RequestPriority.STAT
_WORST = Lesions(right=(900.0, 131.0), left=(268.0, 74.0), suspicion=0.97)
STORED = ObjectAnswer(ObjectState.STORED, 0x0000)
REFUSED = ObjectAnswer(
    ObjectState.REFUSED, None, "The peer does not store this SOP class: enable it there"
)


def stored_study(hospital: SeededHospital, reading: ChestReading) -> tuple[str, int]:
    """A study whose reading is stored as a worker does it, with what each rule of urgency saw."""
    uid, claim = hospital.claimed(
        accession_number="A2611210901", patient_id="7001", sex="F", age="071Y", priority=_STAT
    )
    reading = replace(reading, figures=_WORST.figures(), gates=GATES)
    values = ClinicalValues(respiratory_rate_per_min=34.0, symptoms=True)
    said = ClinicalContext(
        values, {"respiratory_rate_per_min": ClinicalSource("LAB", "HL7", START)}
    )
    rules = rules_seen(reading)
    held = next(one for one in rules if one.held)
    context = remade(
        with_possible(result_context()), triage=Triage(held.urgency, held.name), clinical=said
    )
    regions = context.chest.regions
    answer = remade(context, chest=replace(reading, regions=regions)).reading
    result_id = hospital.answer(claim, held.urgency, SEVERE, destinations=("pacs",))
    with transaction(hospital.engine) as session:
        result = session.get_one(Result, result_id)
        result.reading = to_facts(replace(answer, urgency_rules=rules))
        result.urgency_rule = held.name
        decision = {"seen": held.seen, "limit": held.limit}
        flag_result(session, result, _told(), hospital.now, token=f"t{result_id}", seen=decision)
    return uid, result_id


def _told() -> FlagRules:
    return FlagRules([webhook()], Flagging())


def full_study(hospital: SeededHospital) -> str:
    """Everything that a reading can say; a reader disagrees, and clinical values came by HL7."""
    effusion = Effusion(right_ml=481.0, left_ml=60.0, mean_hu=9.8)
    uid, result_id = stored_study(
        hospital,
        replace(
            full_reading(),
            course=_course(),
            effusion=effusion,
            other_disease=OtherDisease(12.3, 88.0),
        ),
    )
    faults = frozenset({Fault.MISSED, Fault.WRONG_TYPE, Fault.WRONG_REGION})
    disagrees = Opinion(Judgement.DISAGREE, faults)
    with transaction(hospital.engine) as session:
        give_feedback(session, result_id, disagrees, reader="dr-a", now=hospital.now)
        study_id = study_id_of(session, uid)
        assert study_id is not None
        values = {"respiratory_rate_per_min": 34.0, "gcs": 13, "on_oxygen": True, "shock": False}
        record_clinical_values(session, study_id, values, "LAB", "hl7", hospital.now)
    settle(hospital, REFUSED, STORED, STORED, state=DeliveryState.DELIVERED)
    return uid


def _course() -> Course:
    lung = LungMeasurement(4300.0, 200.0, -800.0, -600.0)
    changes = tuple(
        LesionChange(became, Side.LEFT, f"1.2.9.{k}", (), (k,), 3.0, 9.0, None, None)
        for k, became in enumerate((Became.NEW, Became.GROWN, Became.SHRUNK, Became.UNCHANGED))
    )
    points = tuple(
        CoursePoint(f"1.2.{k}", START - timedelta(days=6 - 3 * k), 4300.0, 43.0 * k, 4.0 * k, None)
        for k in range(3)
    )
    quality = RegistrationQuality(0.9, 0.8, 0.0, "")
    then, now = points[1].acquired_at, START
    change = {Side.TOTAL: Change(lung, lung)}
    compared = PriorComparison("1.2.1", then, now, quality, change, {}, changes)
    left_out = NotCompared("1.2.77", "its instances are not there to tell whose they are")
    return Course(points, (compared,), (left_out,))


def study_without_fissures(hospital: SeededHospital) -> str:
    """No fissure is seen, lobes are told by shape, and PACS has promised to keep the result."""
    unseen = tuple(
        Boundary(name, 0.1, False, reason, by_shape=True)
        for name, reason in zip(_FISSURES, _UNSEEN, strict=True)
    )
    uid, _ = stored_study(hospital, replace(reading_without_lobes(), boundaries=unseen))
    settle(hospital, STORED, STORED, STORED, state=DeliveryState.COMMITTED)
    return uid
