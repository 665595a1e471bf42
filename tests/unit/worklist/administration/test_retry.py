"""The buttons: who may press them, and what they do."""

from __future__ import annotations

import pytest

from database.session import query, transaction
from database.states import DeliveryState, JobState, StudyState, WorklistRank
from database.tables.study.analysis import Delivery, Event, Job, Result, Study
from tests.unit.worklist.access.visitor import OWN_ORIGIN, Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital


def _job(hospital: SeededHospital, uid: str) -> Job:
    with query(hospital.engine) as session:
        return session.query(Job).join(Study).filter(Study.study_instance_uid == uid).one()


@pytest.mark.parametrize("study", ["failed", "refused"])
def test_try_again_queues_the_job(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital, study: str
) -> None:
    """The button sends a failed or refused job back to the queue and leads back to its study."""
    uid = getattr(ordinary_day, study)
    job = _job(hospital, uid)
    answer = visitor.post(f"/jobs/{job.id}/retry")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/studies/{uid}"
    assert _job(hospital, uid).state is JobState.QUEUED
    with query(hospital.engine) as session:
        row = session.query(Study).filter_by(study_instance_uid=uid).one()
        assert (row.state, row.worklist_rank) == (StudyState.QUEUED, WorklistRank.PENDING)


@pytest.mark.parametrize(("study", "told"), [("refused", True), ("failed", False)])
def test_the_page_says_where_trying_again_cannot_help(
    ordinary_day: OrdinaryDay, visitor: Visitor, study: str, told: bool
) -> None:
    """Beside the button: a reason that lies in the images is the same after another attempt."""
    text = visitor.text(f"/studies/{getattr(ordinary_day, study)}")
    assert "Try again" in text
    assert ("reads the same images: the answer will be the same" in text) is told


def test_send_again_queues_the_deliveries(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """The button lets refused deliveries go again, and leaves an event."""
    job = _job(hospital, ordinary_day.urgent)
    answer = visitor.post(f"/jobs/{job.id}/deliveries/retry")
    assert answer.status_code == 303
    with query(hospital.engine) as session:
        delivery = session.query(Delivery).join(Result).filter(Result.job_id == job.id).one()
        assert delivery.state is DeliveryState.WAITING
        assert session.query(Event).filter_by(name="deliveries_retried", job_id=job.id).count() == 1


def test_one_button_sends_everything_to_a_destination_again(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """What was refused and what waits there goes again; where nothing is left, the page says so."""
    assert "Send everything to pacs again" in visitor.text("/administration")
    assert visitor.post("/administration/destinations/pacs/retry").status_code == 303
    with query(hospital.engine) as session:
        states = {one.state for one in session.query(Delivery).filter_by(destination="pacs")}
    assert DeliveryState.REFUSED not in states
    assert DeliveryState.WAITING in states
    assert visitor.post("/administration/destinations/elsewhere/retry").status_code == 409
    assert visitor.post("/administration/destinations/NOT%20one/retry").status_code == 400


def test_a_delivery_that_was_given_up_does_not_say_that_it_goes_on(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Whatever it met last: only a person brings it back, and the page names the button."""
    job = _job(hospital, ordinary_day.urgent)
    with transaction(hospital.engine) as session:
        delivery = session.query(Delivery).join(Result).filter(Result.job_id == job.id).one()
        delivery.state = DeliveryState.FAILED
        delivery.error_kind, delivery.error_message = "PeerUnreachable", "Nothing listens there"
    text = visitor.text(f"/studies/{ordinary_day.urgent}")
    assert "is not tried again by itself" in text
    assert "It is tried again by itself" not in text


def test_pressed_twice(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """A second press changes nothing and says why."""
    job = _job(hospital, ordinary_day.failed)
    visitor.post(f"/jobs/{job.id}/retry")
    answer = visitor.post(f"/jobs/{job.id}/retry")
    assert answer.status_code == 409
    assert "nothing to try again" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN_ORIGIN},
        {"Sec-Fetch-Site": "same-site", "Origin": OWN_ORIGIN},
        {"Sec-Fetch-Site": "none"},
        {"Referer": OWN_ORIGIN},
    ],
)
def test_another_site_cannot_press(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    headers: dict[str, str],
) -> None:
    """A request that our own page did not make is refused before it does anything."""
    job = _job(hospital, ordinary_day.failed)
    answer = visitor.post(f"/jobs/{job.id}/retry", headers)
    assert answer.status_code == 403
    assert "did not come from the worklist" in answer.text
    assert _job(hospital, ordinary_day.failed).state is JobState.FAILED


@pytest.mark.parametrize("headers", [{"Origin": OWN_ORIGIN}, {"Sec-Fetch-Site": "same-origin"}])
def test_older_browsers_can_press(
    ordinary_day: OrdinaryDay,
    visitor: Visitor,
    hospital: SeededHospital,
    headers: dict[str, str],
) -> None:
    """One of the two signs of our own page is enough: not every browser sends both."""
    job = _job(hospital, ordinary_day.failed)
    assert visitor.post(f"/jobs/{job.id}/retry", headers).status_code == 303


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/jobs/99999/retry", 404),
        ("/jobs/99999/deliveries/retry", 404),
        ("/jobs/0/retry", 400),
        ("/jobs/99999999999999999999/retry", 400),
        ("/jobs/1%20or%201=1/retry", 400),
    ],
)
def test_unknown_job(visitor: Visitor, address: str, status: int) -> None:
    """A job that does not exist is answered with a page."""
    assert visitor.post(address).status_code == status


def test_looking_does_not_press(
    ordinary_day: OrdinaryDay, visitor: Visitor, hospital: SeededHospital
) -> None:
    """Following a link never changes anything."""
    job = _job(hospital, ordinary_day.failed)
    assert visitor.get(f"/jobs/{job.id}/retry").status_code == 405
    assert _job(hospital, ordinary_day.failed).state is JobState.FAILED
