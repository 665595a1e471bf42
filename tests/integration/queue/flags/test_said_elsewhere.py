"""What other systems say of a study reaches its flag and its severity form, in both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from database.events import events_after
from database.flag_states import FlagState
from database.session import Engine, query, transaction
from database.studies.clinical_values import clinical_values, record_clinical_values
from database.studies.said_before import acknowledge_reported
from database.studies.said_by_hl7 import Moments, ReportSaid, ValueSaid, take_report, take_values
from database.tables.readers.flag import Flag
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Study
from database.work_items.kept import take_work_item
from radiology.urgency import Urgency
from tests.builders.stored.flags import FlaggedStudy, rules, webhook
from tests.builders.stored.rows import arrival, later, receive

pytestmark = pytest.mark.integration


def moments(at: float) -> Moments:
    return Moments(now=later(at), said_at=later(at), expires_at=later(at) + timedelta(days=7))


def urgent_study(engine: Engine) -> FlaggedStudy:
    """A study with a flag, an accession number and a patient."""
    study = FlaggedStudy(engine, rules(webhook()))
    study.result(Urgency.URGENT, 1)
    with transaction(engine) as session:
        session.execute(update(Study).values(accession_number="A-0001", patient_id="P001"))
    return study


def test_a_radiologists_report_acknowledges_the_flag(engine: Engine) -> None:
    """Whoever has reported on a study has seen it; another patient's report says nothing."""
    study = urgent_study(engine)
    said = ReportSaid("A-0001", "P002", "D1234", "P")
    with transaction(engine) as session:
        take_report(session, said, moments(60.0))
    assert study.flag().state is FlagState.OPEN
    with transaction(engine) as session:
        take_report(session, ReportSaid("A-0001", "P001", "D1234", "P"), moments(61.0))
    flag = study.flag()
    assert (flag.state, flag.acknowledged_by) == (FlagState.ACKNOWLEDGED, "D1234")
    assert flag.acknowledged_through == "HL7"


@pytest.mark.parametrize(
    ("reported_at", "patient", "state"),
    [
        (60.0, "P001", FlagState.ACKNOWLEDGED),
        (60.0, "", FlagState.ACKNOWLEDGED),
        (60.0, "P002", FlagState.OPEN),
        (0.5, "P001", FlagState.OPEN),
    ],
    ids=["of all images", "names no patient", "of another patient", "before the last image"],
)
def test_a_report_that_came_before_the_flag(
    engine: Engine, reported_at: float, patient: str, state: FlagState
) -> None:
    """It acknowledges the flag when it is raised, if it was made of these images."""
    study = urgent_study(engine)  # its images came one second after noon
    with transaction(engine) as session:
        session.execute(update(Study).values(accession_number="elsewhere"))
        said = ReportSaid("A-0001", patient, "D1234", "P")
        take_report(session, said, moments(reported_at))
        session.execute(update(Study).values(accession_number="A-0001"))
    assert study.flag().state is FlagState.OPEN
    with transaction(engine) as session:
        flag = session.scalars(select(Flag)).one()
        assert acknowledge_reported(session, flag, later(90)) is (state is not FlagState.OPEN)
    assert study.flag().state is state


def test_claiming_its_work_item_acknowledges_the_flag(engine: Engine) -> None:
    """Who claims a study's work item has it in hands."""
    study = urgent_study(engine)
    with transaction(engine) as session:
        item = session.scalars(select(WorkItemRow)).one()
        take_work_item(session, item, "2.25.5", claimed_by="READER", now=later(5))
    flag = study.flag()
    assert (flag.state, flag.acknowledged_by) == (FlagState.ACKNOWLEDGED, "READER")
    assert flag.acknowledged_through == "work-item"


def test_received_values_fill_the_form_and_leave_what_a_person_entered(engine: Engine) -> None:
    """Vital signs and laboratory values are entered as from HL7; a reader's own value stands."""
    receive(engine, arrival(1), later(0))
    with transaction(engine) as session:
        study = session.scalars(select(Study)).one()
        study.patient_id = "P001"
        record_clinical_values(session, study.id, {"gcs": 15}, "anna", "page", later(1))
    with transaction(engine) as session:
        said = [
            ValueSaid(patient_id="P001", name=name, value=value, observed_at=later(0))
            for name, value in (("gcs", 9), ("spo2_percent", 91))
        ]
        take_values(session, said, moments(2.0), values_hours=24)
    with query(engine) as session:
        form = clinical_values(session, session.scalars(select(Study.id)).one())
        names = [one.name for one in events_after(session, 0)]
    assert form.values == {"gcs": 15, "spo2_percent": 91}
    assert {name: source.by for name, source in form.sources.items()} == {
        "gcs": "anna",
        "spo2_percent": "HL7",
    }
    assert "clinical_values_received" in names
