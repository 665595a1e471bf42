"""Clinical values that are in force as a study is read reach its result and its report.

In both databases; the first reading, one more with what came since, and one that is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydicom import Dataset, dcmread
from sqlalchemy import select

from chest.answer.known import given_in
from chest.judge_again import statements_again
from database.jobs.requeue import retry_job
from database.session import Engine, query, transaction
from database.states import JobState
from database.studies.assembly import reread_study
from database.studies.clinical_values import RecordedValues, clinical_values, record_clinical_values
from database.studies.said_by_hl7 import Moments, ValueSaid, take_values
from database.tables.study.analysis import Job, Result, ResultObject, Study
from database.tables.study.clinical import ClinicalEntry
from models.older_readings import stored_reading
from models.schema_2.bundle import read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from phantom.identity import StudyIdentity
from radiology import codes
from radiology.answer.statement import Statement
from radiology.clinical import ClinicalValues
from settings.environment import read_settings
from tests.builders.bundles import write_bundle
from tests.builders.chest.truth_reader import TruthReader
from tests.builders.dicom.spooled import ReadingRoom
from tests.builders.stored.rows import BUNDLE, NOON, WAITS
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.report_content import comments
from worker.pipeline import analyse_one

pytestmark = pytest.mark.integration

SHAPE = (32, 48, 60)
PRESSURES = {"systolic_mmhg": 118, "diastolic_mmhg": 70}
CURB_65 = "CURB-65"


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """A coarse chest with many lesions."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    return make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)


@pytest.fixture
def room(empty_engine: Engine, tmp_path: Path) -> Iterator[ReadingRoom]:
    """A worker on one of the two databases."""
    address = empty_engine.url.render_as_string(hide_password=False)
    settings = read_settings(data_folder=tmp_path / "data", database_url=SecretStr(address))
    opened = ReadingRoom(settings, TruthReader(read_bundle(write_bundle(tmp_path / "bundles"))))
    yield opened
    opened.engine.dispose()


def waiting(room: ReadingRoom, phantom: Phantom) -> int:
    """A study that waits for its reading; returns its id."""
    uid = room.receive(phantom, StudyIdentity.of(phantom))
    room.reader.phantoms[uid] = phantom
    with query(room.engine) as session:
        return session.scalars(select(Study.id)).one()


def enter(room: ReadingRoom, study_id: int, **values: object) -> None:
    """What a reader enters on the page."""
    with transaction(room.engine) as session:
        record_clinical_values(session, study_id, values, "anna", "page", room.equipment.clock())


def receive_values(room: ReadingRoom, **values: float) -> None:
    """What a laboratory sends of the patient."""
    now = room.equipment.clock()
    with transaction(room.engine) as session:
        patient_id = session.scalars(select(Study.patient_id)).one()
        said = [
            ValueSaid(patient_id=patient_id, name=name, value=value, observed_at=now)
            for name, value in values.items()
        ]
        moments = Moments(now=now, said_at=now, expires_at=now + timedelta(days=7))
        take_values(session, said, moments, values_hours=24)


def result_of(room: ReadingRoom) -> Result:
    """The result in force."""
    with query(room.engine) as session:
        return session.scalars(select(Result).where(Result.superseded_by_id.is_(None))).one()


def report_of(room: ReadingRoom, result: Result) -> Dataset:
    """The structured report for viewers that was made of a result."""
    with query(room.engine) as session:
        path = session.scalars(
            select(ResultObject.path).where(
                ResultObject.result_id == result.id, ResultObject.recipe.startswith("SR")
            )
        ).first()
    assert path is not None
    return dcmread(room.settings.results_folder / path)


def in_force(room: ReadingRoom, study_id: int) -> RecordedValues:
    """What the form shows."""
    with query(room.engine) as session:
        return clinical_values(session, study_id)


def severity_of(result: Result) -> tuple[Statement, ...]:
    """Every rule of the severity, as it was stored."""
    found = stored_reading(result.reading).statements
    return tuple(one for one in found if one.concept == codes.SEVERITY)


def score(result: Result, name: str) -> Statement:
    """One rule of the severity."""
    (found,) = [one for one in severity_of(result) if one.name == name]
    return found


def test_a_reading_uses_what_is_in_force_and_says_where_it_came_from(
    room: ReadingRoom, phantom: Phantom, tmp_path: Path
) -> None:
    """A person's value stands against the laboratory's, as on the page; the report tells both."""
    study_id = waiting(room, phantom)
    enter(room, study_id, age_years=72, confusion=False, respiratory_rate_per_min=31)
    receive_values(room, urea_mmol_l=9.0, respiratory_rate_per_min=18.0, **PRESSURES)
    assert analyse_one(room.equipment)
    result = result_of(room)
    assert score(result, CURB_65).answer == "high (3 points)"
    reading = stored_reading(result.reading)
    known = {one.name: one for one in reading.known if not one.stated}
    assert known["respiratory_rate_per_min"].value == 31
    assert known["respiratory_rate_per_min"].by == "anna"
    assert known["urea_mmol_l"].through == "HL7"
    assert known["urea_mmol_l"].at is not None
    values = ClinicalValues.from_facts(in_force(room, study_id).values)
    assert statements_again(reading, values) == severity_of(result)
    report = report_of(room, result)
    said = comments(report)
    (curb,) = [one for one in said if one.startswith("Severity, CURB-65: high (3 points) from")]
    assert "urea 9 mmol/l" in curb
    at = f"{NOON:%Y-%m-%d} 12:01 UTC"
    assert f"Clinical value, respiratory rate: 31 /min, entered on the page {at}" in said
    assert f"Clinical value, urea: 9 mmol/l, received by HL7 {at}" in said
    assert not any("anna" in one for one in said)
    assert dciodvfy(report, work_folder=tmp_path).errors == ()


def test_values_that_come_later_are_in_the_next_reading(
    room: ReadingRoom, phantom: Phantom
) -> None:
    """What is stored stays as it was read; the page computes, and the next version has them."""
    study_id = waiting(room, phantom)
    enter(room, study_id, respiratory_rate_per_min=20)
    assert analyse_one(room.equipment)
    first = result_of(room)
    enter(room, study_id, respiratory_rate_per_min=34)
    assert result_of(room).reading == first.reading
    assert score(first, "Guideline class").answer is None
    with transaction(room.engine) as session:
        now = room.equipment.clock()
        assert reread_study(session, study_id, bundles=(BUNDLE,), waits=WAITS, now=now)
    assert analyse_one(room.equipment)
    second = result_of(room)
    assert second.id != first.id
    assert score(second, "Guideline class").answer == "at least severe"
    said = comments(report_of(room, second))
    assert any(one.startswith("Severity, Guideline class: at least severe") for one in said)


def test_a_study_that_is_tried_again_has_the_values_of_then(
    room: ReadingRoom, phantom: Phantom
) -> None:
    """What was entered while a failed study waited for a person counts when it is read."""
    study_id = waiting(room, phantom)
    with transaction(room.engine) as session:
        job = session.scalars(select(Job)).one()
        job.state, job.finished_at = JobState.FAILED, room.equipment.clock()
        job_id = job.id
    enter(room, study_id, shock=True)
    with transaction(room.engine) as session:
        assert retry_job(session, job_id, room.equipment.clock(), by="chief", through="page")
    assert analyse_one(room.equipment)
    assert score(result_of(room), "Guideline class").answer == "critical"


def test_values_that_cannot_be_cost_no_study_its_reading(
    room: ReadingRoom, phantom: Phantom
) -> None:
    """Entered under other limits, they are left out; the images are read all the same."""
    study_id = waiting(room, phantom)
    with transaction(room.engine) as session:
        session.add(
            ClinicalEntry(
                study_id=study_id,
                changes={"spo2_percent": 0.93, "gcs": 15},
                entered_by="anna",
                through="page",
                entered_at=NOON,
            )
        )
    assert analyse_one(room.equipment)
    result = result_of(room)
    assert result.suspicion == 1.0
    assert not given_in(stored_reading(result.reading))
    assert score(result, "MosMed CT grade").answer is not None
