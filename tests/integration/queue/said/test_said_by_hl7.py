"""What HL7 says of studies, before they come and after, in databases of both sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from database.session import Engine, query, transaction
from database.studies.assembly import assemble_study
from database.studies.received_values import values_near
from database.studies.said_by_hl7 import (
    Moments,
    OrderSaid,
    ReportSaid,
    ValueSaid,
    VisitSaid,
    forget_expired,
    note_message,
    take_order,
    take_report,
    take_values,
    take_visit,
)
from database.tables.study.analysis import Event, Job, Study
from database.tables.study.hl7 import ImagingOrder, PatientVisit, ReceivedMessage, ReceivedValue
from settings.peers import RequestPriority
from tests.builders.stored.rows import BUNDLE, NOON, WAITS, arrival, claim, later, receive

pytestmark = pytest.mark.integration

ORDER = OrderSaid(
    accession_number="A-0001",
    patient_id="P001",
    priority=RequestPriority.STAT,
    patient_class="I",
    cancelled=False,
)
VISIT = VisitSaid(
    patient_id="P001", patient_class="E", location="ED", priority=RequestPriority.HIGH
)


def moments(at: float = 0.0, *, days: float = 7) -> Moments:
    """A message that came, and was sent, so many seconds after noon."""
    return Moments(now=later(at), said_at=later(at), expires_at=later(at) + timedelta(days=days))


def study(engine: Engine, number: int = 1, at: float = 0.0, patient_id: str = "P001") -> None:
    """The first instance of a study with an accession number and a patient."""
    named = replace(arrival(study=number), accession_number=f"A-{number:04}", patient_id=patient_id)
    receive(engine, named, later(at))


def queue(engine: Engine, number: int = 1, at: float = 1.0) -> None:
    """Assemble a study."""
    with transaction(engine) as session:
        study_id = session.scalars(
            select(Study.id).where(Study.study_instance_uid == f"2.25.{number}")
        ).one()
        assemble_study(session, study_id, bundles=(BUNDLE,), waits=WAITS, now=later(at))


def order(engine: Engine, said: OrderSaid = ORDER, at: float = 0.0, *, days: float = 7) -> None:
    with transaction(engine) as session:
        take_order(session, said, moments(at, days=days), WAITS)


def priority(engine: Engine, number: int = 1) -> RequestPriority:
    with query(engine) as session:
        return session.scalars(
            select(Study.priority).where(Study.study_instance_uid == f"2.25.{number}")
        ).one()


def test_an_order_makes_a_waiting_study_go_first(engine: Engine) -> None:
    """The second of two routine studies is claimed before the first."""
    study(engine, 1), study(engine, 2)
    queue(engine, 1), queue(engine, 2)
    order(engine, replace(ORDER, accession_number="A-0002"), 2.0)
    claimed = claim(engine, at=3.0)
    with query(engine) as session:
        assert session.get_one(Study, claimed.study_id).accession_number == "A-0002"
        job = session.get_one(Job, claimed.job_id)
        assert job.priority is RequestPriority.STAT
        assert job.due_at == later(1.0)  # as if it had been STAT when it was queued


def test_an_order_that_came_before_the_study_counts_when_it_comes(engine: Engine) -> None:
    """The study is STAT from its first instance on."""
    order(engine)
    study(engine, at=60.0)
    assert priority(engine) is RequestPriority.STAT


def test_an_order_never_makes_a_study_less_urgent(engine: Engine) -> None:
    """A scanner of the emergency department said STAT; the order says routine."""
    stat = replace(
        arrival(priority=RequestPriority.STAT), accession_number="A-0001", patient_id="P001"
    )
    receive(engine, stat)
    order(engine, replace(ORDER, priority=RequestPriority.ROUTINE))
    assert priority(engine) is RequestPriority.STAT


def test_a_job_in_a_workers_hands_is_left_alone(engine: Engine) -> None:
    """It is being read already."""
    study(engine), queue(engine)
    claimed = claim(engine, at=2.0)
    order(engine, at=3.0)
    with query(engine) as session:
        job = session.get_one(Job, claimed.job_id)
        assert job.fencing_token == claimed.fencing_token
        assert job.lease_until is not None


@pytest.mark.parametrize("first", ["order", "study"])
def test_an_order_of_another_patient_changes_nothing(engine: Engine, first: str) -> None:
    """The same accession number and two patients: one of the two is wrong."""
    if first == "order":
        order(engine)
    study(engine, patient_id="P002")
    if first == "study":
        order(engine)
    assert priority(engine) is RequestPriority.ROUTINE


def test_a_cancelled_order_is_not_waited_for(engine: Engine) -> None:
    """Neither is one that has expired."""
    order(engine)
    order(engine, replace(ORDER, cancelled=True), 1.0)
    study(engine, at=60.0)
    order(engine, replace(ORDER, accession_number="A-0002"), days=0.0001)
    study(engine, 2, at=3600.0)
    assert priority(engine, 1) is priority(engine, 2) is RequestPriority.ROUTINE


def test_what_was_said_earlier_does_not_replace_what_was_said_later(engine: Engine) -> None:
    """Messages may overtake each other."""
    order(engine, at=10.0)
    order(engine, replace(ORDER, priority=RequestPriority.ROUTINE), 5.0)
    study(engine, at=60.0)
    assert priority(engine) is RequestPriority.STAT


def test_an_emergency_patients_studies_go_first(engine: Engine) -> None:
    """Those that wait, and those that are to come; nobody else's."""
    study(engine, 1), study(engine, 2, patient_id="P002")
    queue(engine, 1), queue(engine, 2)
    with transaction(engine) as session:
        take_visit(session, VISIT, moments(2.0), WAITS)
    study(engine, 3, at=10.0)
    assert priority(engine, 1) is priority(engine, 3) is RequestPriority.HIGH
    assert priority(engine, 2) is RequestPriority.ROUTINE
    with transaction(engine) as session:
        take_visit(session, replace(VISIT, priority=None, patient_class=""), moments(20.0), WAITS)
    study(engine, 4, at=30.0)
    assert priority(engine, 4) is RequestPriority.ROUTINE


def value(name: str, figure: float | None, at: float) -> ValueSaid:
    return ValueSaid(patient_id="P001", name=name, value=figure, observed_at=later(at))


def take(engine: Engine, *values: ValueSaid, at: float = 0.0) -> None:
    with transaction(engine) as session:
        take_values(session, values, moments(at), values_hours=24)


def test_of_each_kind_the_value_nearest_to_the_images_counts(engine: Engine) -> None:
    """Not one of last week, and not one of another patient."""
    take(
        engine,
        value("spo2_percent", 97, -80_000),
        value("spo2_percent", 88, -600),
        value("spo2_percent", 94, 7200),
        value("crp_mg_l", 125, -3600),
        value("urea_mmol_l", 9, -100 * 3600),
        replace(value("gcs", 3, 0), patient_id="P002"),
        value("gcs", 15, 60),
    )
    with query(engine) as session:
        found = values_near(session, "P001", NOON)
    assert found.facts() == {"spo2_percent": 88, "crp_mg_l": 125, "gcs": 15}


def test_a_value_is_corrected_and_taken_back(engine: Engine) -> None:
    """The same observation again replaces it; a wrong one is deleted."""
    take(engine, value("crp_mg_l", 12, 0), value("gcs", 15, 0))
    take(engine, value("crp_mg_l", 120, 0), value("gcs", None, 0), at=60)
    with query(engine) as session:
        assert values_near(session, "P001", NOON).facts() == {"crp_mg_l": 120}


def test_values_that_contradict_each_other_are_left_out(engine: Engine) -> None:
    """One of them is wrong, and we cannot know which."""
    take(
        engine,
        value("systolic_mmhg", 80, 0),
        value("diastolic_mmhg", 120, 0),
        value("gcs", 15, 0),
    )
    with query(engine) as session:
        assert values_near(session, "P001", NOON).facts() == {"gcs": 15}


def test_a_value_that_another_version_knew_keeps_no_image_out(engine: Engine) -> None:
    """It is passed over: the image is stored, and the other values count."""
    take(engine, value("crp_mg_l", 12, 0), value("gcs", 15, 0))
    with transaction(engine) as session:
        session.execute(
            update(ReceivedValue).where(ReceivedValue.name == "gcs").values(name="coma_scale")
        )
    study(engine, at=60.0)
    with query(engine) as session:
        assert values_near(session, "P001", NOON).facts() == {"crp_mg_l": 12}
        assert len(session.scalars(select(Study.id)).all()) == 1


@pytest.mark.parametrize("first", ["values", "study"])
def test_a_study_is_told_of_its_patients_values(engine: Engine, first: str) -> None:
    """Whichever comes first."""
    if first == "values":
        take(engine, value("gcs", 15, 0))
    study(engine, at=60.0)
    if first == "study":
        take(engine, value("gcs", 15, 0), at=120.0)
    with query(engine) as session:
        told = session.scalars(select(Event).where(Event.name == "clinical_values_received"))
        assert [one.facts for one in told] == [{"fields": 1, "through": "HL7"}]


def test_a_report_is_noted_on_its_study(engine: Engine) -> None:
    """Once for each status, with the reader's identifier."""
    study(engine)
    said = ReportSaid("A-0001", "P001", "D1234", "P")
    with transaction(engine) as session:
        take_report(session, said, moments(60.0))
        take_report(session, replace(said, patient_id="P002", status="F"), moments(61.0))
    with query(engine) as session:
        told = session.scalars(select(Event.facts).where(Event.name == "reported")).all()
    assert told == [{"reader": "D1234", "status": "P", "through": "HL7"}]


def test_a_message_is_noted_once(engine: Engine) -> None:
    """The same sender, control id and content; another content is another message."""
    message = {"sender": "RIS|H", "control_id": "1", "sha256": "a" * 64, "kind": "ORM^O01"}
    with transaction(engine) as session:
        assert note_message(session, **message, moments=moments())
        assert not note_message(session, **message, moments=moments(5.0))
        assert note_message(session, **{**message, "sha256": "b" * 64}, moments=moments(6.0))


def test_what_has_expired_is_forgotten(engine: Engine) -> None:
    """Nothing that was said of patients is kept for longer than the settings say."""
    order(engine, days=1)
    take(engine, value("gcs", 15, 0))
    with transaction(engine) as session:
        take_visit(session, VISIT, moments(days=3), WAITS)
        note_message(
            session, sender="a", control_id="1", sha256="", kind="", moments=moments(days=1)
        )
        forget_expired(session, NOON + timedelta(days=2))
    with query(engine) as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (ImagingOrder, ReceivedMessage, PatientVisit, ReceivedValue)
        ]
    assert counts == [0, 0, 1, 1]
