"""A chest says the same whether version 0.1.0 stored it or the version of today.

One patient is read twice; each reading is kept in both forms, and every reader of rows is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from chest.answer.known import given_in, stated_in
from chest.course.follow_course import follow_course, latest_measurement
from chest.judge_again import judge_again
from chest.judge_severity import stated_values
from chest.reader import acquisition_of
from chest.triage.urgency import rules_seen
from chest.values.reading import ChestReading
from database.feedback.given import JudgedResult, give_feedback, judged_results
from database.priors.candidates import prior_candidates
from database.priors.requests import study_to_compare
from database.session import query, transaction
from database.studies.clinical_values import record_clinical_values
from database.tables.study.analysis import Result, Study
from models.older_readings import stored_brief, stored_reading
from models.readers.study_reader import EarlierStudy, OnProgress, StudyRead, StudyToRead
from models.schema_2.bundle import read_bundle
from phantom import EXTENSIVE_LESIONS, TYPICAL_LESIONS
from radiology.answer.plain_values import to_plain
from radiology.answer.reading import Reading
from radiology.answer.stored_reading import version_of
from radiology.clinical import ClinicalContext, ClinicalValues
from radiology.feedback import Judgement, Opinion
from radiology.sex import Sex
from settings.environment import read_settings
from tests.builders.bundles import write_bundle
from tests.builders.chest.chest_pairs import scan
from tests.builders.chest.patient_seen_twice import EARLIER, FIRST_DAY, LATER
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.builders.stored.notices import notice
from tests.builders.stored.rows import NOON
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.study.full_reading import full_reading
from worker.flag.study_observations import study_observations
from worker.pipeline import analyse_one
from worker.priors.compared_so_far import compared_so_far
from worklist.app import create_app
from worklist.reading.case_lines import case_lines, coded_in_brief
from worklist.reading.clinical_scores import scores_of_study
from worklist.reading.course_lines import course_lines
from worklist.reading.figures import found_in_words, gate_lines, suspicion_threshold, table_lines
from worklist.reading.why_lines import rule_lines

ENTERED = {"respiratory_rate_per_min": 31.0, "urea_mmol_l": 9.0}


@dataclass
class BothForms(TruthReader):
    """Reads, and keeps what version 0.1.0 would have stored of it, by Study Instance UID."""

    by_0_1_0: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read_study(self, study: StudyToRead, on_progress: OnProgress) -> StudyRead:
        """Read as the worker does; a classifier is said to have been there."""
        uid = study.series.study_instance_uid
        context = replace(study.given, prior=latest_measurement(study.earlier))
        read, _ = self.read(study.volume, series=study.series, context=context)
        chest = follow_course(
            read,
            study.volume,
            earlier=study.earlier,
            not_compared=study.not_compared,
            study_instance_uid=uid,
        ).reading
        self.by_0_1_0[uid] = _form_of_0_1_0(
            chest, context, stated_values(acquisition_of(study.series))
        )
        return super().read_study(study, on_progress)

    def read(self, *args: Any, **named: Any) -> Any:
        """Say what is true, and what a classifier says of another chest."""
        read, triage = super().read(*args, **named)
        other = full_reading()
        answers = {
            name: getattr(other, name)
            for name in ("viral", "signs", "rules", "confidence", "boundaries", "gates")
        }
        return replace(read, **answers), triage


def _form_of_0_1_0(
    chest: ChestReading, context: ClinicalContext, stated: ClinicalValues
) -> dict[str, Any]:
    rules = [
        {name: value for name, value in to_plain(one).items() if name not in ("whose", "declared")}
        for one in rules_seen(chest)
    ]
    facts = {**chest.facts(), "urgency_rules": rules, "context": context.facts(stated)}
    stored: dict[str, Any] = json.loads(json.dumps(facts))
    return stored


@dataclass(frozen=True)
class Site:
    """Two studies of a patient that were read, and what 0.1.0 would have stored of each."""

    room: ReadingRoom
    by_0_1_0: Mapping[str, dict[str, Any]]

    def result(self, uid: str) -> Result:
        """The result of a study."""
        with query(self.room.engine) as session:
            return session.scalars(
                select(Result)
                .join(Study, Study.id == Result.study_id)
                .where(Study.study_instance_uid == uid)
            ).one()

    def readings(self, uid: str) -> tuple[Reading, Reading]:
        """As version 0.1.0 stored it, and as it is stored today."""
        return stored_reading(self.by_0_1_0[uid]), stored_reading(self.result(uid).reading)

    def store_as_0_1_0(self) -> None:
        """Put the older form in the place of today's."""
        for uid, facts in self.by_0_1_0.items():
            with transaction(self.room.engine) as session:
                changed = update(Result).where(Result.id == self.result(uid).id)
                session.execute(changed.values(reading=facts))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Give two studies, the later one with values that were entered before it was read."""
    bundle = read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))
    reader = BothForms(bundle)
    room = ReadingRoom(read_settings(data_folder=tmp_path_factory.mktemp("data")), reader)
    room.read(scan(lesions=TYPICAL_LESIONS[:3], spacing_mm=6.0), EARLIER)
    later = scan(lesions=EXTENSIVE_LESIONS, spacing_mm=6.0)
    uid = room.receive(later, LATER)
    reader.phantoms[uid] = later
    with transaction(room.engine) as session:
        study_id = session.scalars(select(Study.id).where(Study.study_instance_uid == uid)).one()
        record_clinical_values(session, study_id, ENTERED, "anna", "page", NOON)
    assert analyse_one(room.equipment)
    return Site(room, reader.by_0_1_0)


UIDS = pytest.mark.parametrize("uid", [EARLIER.uid("study"), LATER.uid("study")])


@UIDS
def test_what_is_stored_is_of_version_2(site: Site, uid: str) -> None:
    """Nothing of the older form is in it."""
    facts = site.result(uid).reading
    assert version_of(facts) == 2
    assert not {"figures", "territories", "severity", "context"} & set(facts)
    assert site.by_0_1_0[uid]["course"]["points"]


@UIDS
def test_every_line_of_a_page_is_the_same(site: Site, uid: str) -> None:
    """Figures, findings, severity, course, gates and rules, in full and in brief."""
    old, new = site.readings(uid)
    assert new.regions
    for lines in (
        table_lines,
        case_lines,
        gate_lines,
        course_lines,
        found_in_words,
        suspicion_threshold,
        rule_lines,
        scores_of_study,
    ):
        assert lines(new) == lines(old), lines.__name__
    assert rule_lines(new)
    assert bool(course_lines(new).points) == (uid == LATER.uid("study"))
    brief = stored_brief(site.result(uid).reading)
    assert brief == replace(stored_brief(site.by_0_1_0[uid]), findings=brief.findings)
    assert coded_in_brief(brief) == coded_in_brief(old)


@UIDS
def test_the_severity_is_judged_again_from_either(site: Site, uid: str) -> None:
    """With the values of then, without them, and with others; the figures are the same numbers."""
    old, new = site.readings(uid)
    assert stated_in(new) == stated_in(old) == ClinicalValues(age_years=64.0, sex=Sex.FEMALE)
    assert given_in(new) == given_in(old) == (ENTERED if uid == LATER.uid("study") else {})
    assert new.known == old.known
    then = ClinicalValues.from_facts(given_in(new))
    for values in (then, ClinicalValues(), ClinicalValues(shock=True, age_years=80.0)):
        assert judge_again(new, values) == judge_again(old, values)
    assert judge_again(new, then).facts() == site.by_0_1_0[uid]["severity"]
    if uid == LATER.uid("study"):
        assert judge_again(new, then).progress.grade == "severe"


def test_a_later_study_is_compared_with_either(site: Site) -> None:
    """The same measurement, at the same moment; and what was compared so far."""
    uid = EARLIER.uid("study")
    measured = [
        latest_measurement([EarlierStudy(uid, one.acquired_at, one, Path("gone"))])
        for one in site.readings(uid)
        if one.acquired_at is not None
    ]
    assert measured[0] is not None
    assert measured == [measured[0]] * 2
    total = site.by_0_1_0[uid]["figures"]["total"]
    assert measured[0].lesion_volume_ml == total["lesion_volume_ml"]
    assert measured[0].lesion_share_percent == total["lesion_share_percent"]
    result = site.result(LATER.uid("study"))
    with query(site.room.engine) as session:
        wanted = study_to_compare(session, result.study_id)
        (candidate,) = prior_candidates(session, result.study_id)
    assert candidate.study_instance_uid == uid
    so_far = compared_so_far(wanted)
    assert so_far == compared_so_far(replace(wanted, reading=site.by_0_1_0[LATER.uid("study")]))
    assert so_far.earlier is not None
    assert (so_far.earlier.study_instance_uid, so_far.earlier_at) == (uid, FIRST_DAY)
    assert so_far.acquired_at == LATER.moment


@UIDS
def test_messages_say_the_same(site: Site, uid: str) -> None:
    """Every observation of HL7, and so mail, webhook and work item."""
    old, new = (
        study_observations(notice(reading=one), actionable_category=True)
        for one in site.readings(uid)
    )
    assert new == old
    assert len(new) > 3


def test_the_pages_and_the_export_of_opinions_are_the_same(site: Site) -> None:
    """Word for word, from rows: the list, both studies, and what was judged of which bundle."""
    with transaction(site.room.engine) as session:
        for uid in site.by_0_1_0:
            give_feedback(
                session, site.result(uid).id, Opinion(Judgement.AGREE), reader="anna", now=NOON
            )
    visitor = Visitor(
        create_app(site.room.settings, site.room.engine, clock=site.room.equipment.clock)
    )
    # The list comes last: it says that somebody has the studies open.
    addresses = [*(f"/studies/{uid}" for uid in site.by_0_1_0), "/"]
    now = [visitor.text(one) for one in addresses]
    judged = _judged(site)
    stored = {uid: site.result(uid).reading for uid in site.by_0_1_0}
    site.store_as_0_1_0()
    try:
        assert [visitor.text(one) for one in addresses] == now
        assert _judged(site) == judged
    finally:
        for uid, facts in stored.items():
            with transaction(site.room.engine) as session:
                changed = update(Result).where(Result.id == site.result(uid).id)
                session.execute(changed.values(reading=facts))
    assert {one.bundle_digest for one in judged} == {site.room.reader.bundle.digest}  # type: ignore[union-attr]
    assert "31 /min" in now[list(site.by_0_1_0).index(LATER.uid("study"))]


def _judged(site: Site) -> list[JudgedResult]:
    with query(site.room.engine) as session:
        return judged_results(session)
