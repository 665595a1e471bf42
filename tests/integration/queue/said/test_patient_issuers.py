"""Who issued a patient ID: from the images, else as HL7 says; in databases of both sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from database.flags.content import notice_content
from database.session import Engine, query, transaction
from database.studies.said_by_hl7 import Moments, OrderSaid, VisitSaid, take_order, take_visit
from database.tables.readers.flag import FlagNotice
from database.tables.study.analysis import Event, Study
from database.work_items.content import WorkItemKeys, find_work_items, read_work_items
from dicom_node.work_items.data_set import stored_data_set
from dicom_node.work_items.matching import matches
from radiology.urgency import Urgency
from tests.builders.stored.flags import FlaggedStudy, rules, webhook
from tests.builders.stored.rows import WAITS, arrival, later, queue_job, receive
from tests.peers.dicom.worklist_client import data_set

pytestmark = pytest.mark.integration

ORDER = OrderSaid(
    accession_number="A1",
    patient_id="P1",
    priority=None,
    patient_class="I",
    cancelled=False,
    issuer_of_patient_id="HOSPITAL",
)
VISIT = VisitSaid(
    patient_id="P1", patient_class="I", location="W7", priority=None, issuer_of_patient_id="CLINIC"
)
_MOMENTS = Moments(later(0), later(0), later(0) + timedelta(days=7))


def images(engine: Engine, issuer: str = "", *, number: int = 1, patient_id: str = "P1") -> None:
    """The first instance of a study."""
    named = replace(
        arrival(number),
        patient_id=patient_id,
        accession_number="A1",
        issuer_of_patient_id=issuer,
    )
    receive(engine, named, later(1))


def order(engine: Engine, said: OrderSaid = ORDER) -> None:
    """An order comes by HL7."""
    with transaction(engine) as session:
        take_order(session, said, _MOMENTS, WAITS)


def visit(engine: Engine) -> None:
    """A visit comes by HL7."""
    with transaction(engine) as session:
        take_visit(session, VISIT, _MOMENTS, WAITS)


def issuer(engine: Engine, number: int = 1) -> str:
    """What is kept of a study."""
    with query(engine) as session:
        return session.scalars(
            select(Study.issuer_of_patient_id).where(Study.study_instance_uid == f"2.25.{number}")
        ).one()


def test_what_the_images_say_is_never_replaced(engine: Engine) -> None:
    """Before them or after them, HL7 only fills in what they leave open."""
    order(engine)
    images(engine, "RADIOLOGY")
    order(engine)
    visit(engine)
    assert issuer(engine) == "RADIOLOGY"


@pytest.mark.parametrize("first", ["message", "images"])
def test_what_an_order_or_a_visit_says(engine: Engine, first: str) -> None:
    """The order of the study before the patient's visit, whichever comes first."""
    if first == "message":
        visit(engine)
        order(engine)
        images(engine)
    else:
        images(engine)
        order(engine)
        visit(engine)
    assert issuer(engine) == "HOSPITAL"
    with query(engine) as session:
        events = session.scalars(select(Event.facts).where(Event.name == "issuer_named")).all()
    assert events == [{"issuer": "HOSPITAL", "through": "HL7"}]


def test_a_visit_alone(engine: Engine) -> None:
    """Without an order the visit says it, of studies that are there and of those to come."""
    images(engine)
    visit(engine)
    images(engine, number=2)
    assert [issuer(engine), issuer(engine, 2)] == ["CLINIC", "CLINIC"]


@pytest.mark.parametrize("patient_id", ["", "P2"])
def test_of_somebody_else_nothing_follows(engine: Engine, patient_id: str) -> None:
    """An issuer belongs to one patient ID: not to another one, and to none where there is none."""
    images(engine, patient_id=patient_id)
    order(engine)
    visit(engine)
    order(engine, replace(ORDER, patient_id="", issuer_of_patient_id="X"))
    assert issuer(engine) == ""


def test_it_is_said_with_a_flag(engine: Engine) -> None:
    """Every channel gets it with the patient ID."""
    images(engine, "RADIOLOGY")
    FlaggedStudy(engine, rules(webhook())).result(Urgency.URGENT, 2)
    with query(engine) as session:
        said = notice_content(session, session.scalars(select(FlagNotice.id)).one())
    assert (said.patient_id, said.issuer_of_patient_id) == ("P1", "RADIOLOGY")


def test_a_work_item_says_it_and_is_found_by_it(engine: Engine) -> None:
    """PS3.4 Table CC.2.5-3: Issuer of Patient ID is a required key."""
    images(engine, "RADIOLOGY")
    queue_job(engine, 1, later(2))
    with query(engine) as session:
        ids = find_work_items(session, WorkItemKeys(), limit=10)
        (stored,) = read_work_items(session, ids, with_inputs=False, retrieve_ae_title="")
    shown = stored_data_set(stored)
    assert shown.IssuerOfPatientID == "RADIOLOGY"
    assert matches(shown, data_set(PatientID="P1", IssuerOfPatientID="RADIOLOGY"))
    assert not matches(shown, data_set(PatientID="P1", IssuerOfPatientID="CLINIC"))
