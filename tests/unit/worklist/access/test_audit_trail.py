"""What people do at the page becomes audit events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from database.session import Engine, query
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Job, Result, Study
from radiology.errors import DatabaseUnavailable
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.stored.readers import signed_in_reader
from tests.unit.worklist.access.person import ADDRESS, Person
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from tests.unit.worklist.study.seeded_slices import study_with_slices
from worklist.access import audit_trail
from worklist.access.cookies import new_token
from worklist.app import create_app


@pytest.fixture
def person(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> Person:
    """Give a signed-in reader, on a day with a study of every kind."""
    person = Person(create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now))
    person.cookies["firstread-session"] = signed_in_reader(
        hospital.engine, "wu", Role.READER, hospital.now
    )
    return person


def _events(engine: Engine) -> list[AuditEvent]:
    with query(engine) as session:
        return session.query(AuditEvent).order_by(AuditEvent.id).all()


def _names(engine: Engine) -> list[str]:
    return [event.name for event in _events(engine)]


def _ids(engine: Engine, uid: str) -> tuple[int, int]:
    """The numbers of a study's result and job."""
    with query(engine) as session:
        job = session.query(Job).join(Study).filter(Study.study_instance_uid == uid).one()
        result = session.query(Result).filter(Result.job_id == job.id).one_or_none()
        return (result.id if result else 0), job.id


def test_a_study_that_was_looked_at(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, person: Person
) -> None:
    """Each view says who, from where, when, and which study of which patient."""
    for _ in range(2):
        assert person.get(f"/studies/{ordinary_day.urgent}").status_code == 200
    events = _events(hospital.engine)
    assert [event.name for event in events] == ["study_opened", "study_opened"]
    with query(hospital.engine) as session:
        study = session.query(Study).filter_by(study_instance_uid=ordinary_day.urgent).one()
    first = events[0]
    assert (first.reader, first.role, first.address) == ("wu", "reader", ADDRESS)
    assert (first.study_instance_uid, first.patient_id) == (ordinary_day.urgent, study.patient_id)
    assert (first.at, first.succeeded) == (hospital.now, True)
    assert first.facts == {"route": "/studies/{study_instance_uid}"}


def test_pictures_and_what_belongs_to_the_list(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, person: Person
) -> None:
    """A key picture is recorded once in a while; a thumbnail belongs to the list."""
    result, _ = _ids(hospital.engine, ordinary_day.urgent)
    for _ in range(3):
        assert person.get(f"/pictures/{result}").status_code == 200
    assert person.get(f"/pictures/{result}/thumbnail").status_code == 200
    assert person.get("/").status_code == 200
    assert _names(hospital.engine) == ["picture_opened", "worklist_opened"]
    assert _events(hospital.engine)[0].study_instance_uid == ordinary_day.urgent
    hospital.now += timedelta(minutes=6)
    person.get(f"/pictures/{result}")
    assert _names(hospital.engine)[2:] == ["picture_opened"]


def test_slices_that_are_gone_through(hospital: SeededHospital, person: Person) -> None:
    """Whoever goes through the slices of a result does one thing; another result is another."""
    one, other = study_with_slices(hospital), study_with_slices(hospital)
    for study in (one, other):
        for what in ("", "/0/voxels", "/0/labels", "/1/voxels", "/1/labels", "/heat"):
            assert person.get(f"/results/{study.result_id}/slices{what}").status_code == 200
    assert _names(hospital.engine) == ["study_data_read", "study_data_read"]
    assert len({event.study_instance_uid for event in _events(hospital.engine)}) == 2
    hospital.now += timedelta(minutes=6)
    person.get(f"/results/{one.result_id}/slices/2/voxels")
    assert len(_names(hospital.engine)) == 3


def test_a_button_of_a_study(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, person: Person
) -> None:
    """What changes something is recorded each time, with its study."""
    _, job = _ids(hospital.engine, ordinary_day.failed)
    fields = person.form(f"/studies/{ordinary_day.failed}", f"/jobs/{job}/retry")
    assert person.post(f"/jobs/{job}/retry", fields).status_code == 303
    assert person.post(f"/jobs/{job}/retry", fields).status_code == 409  # nothing happened
    assert _names(hospital.engine) == ["study_opened", "study_changed"]
    assert _events(hospital.engine)[1].study_instance_uid == ordinary_day.failed


@pytest.mark.parametrize("path", ["/studies/1.2.3", "/pictures/99999", "/nowhere", "/health"])
def test_what_was_not_shown_is_not_recorded(
    hospital: SeededHospital, person: Person, path: str
) -> None:
    """An address without a study, or without a page, shows nothing of anybody."""
    person.get(path)
    assert _names(hospital.engine) == []


def test_what_was_not_allowed(hospital: SeededHospital, person: Person) -> None:
    """Whoever tries the administration without being an administrator is recorded each time."""
    for _ in range(2):
        person.get("/administration")
    assert _names(hospital.engine) == ["not_allowed", "not_allowed"]
    assert not _events(hospital.engine)[0].succeeded


def test_without_sign_in_it_is_local(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, worklist_settings: Settings
) -> None:
    """Where nobody has an account, what is looked at is recorded all the same."""
    person = Person(create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now))
    person.get(f"/studies/{ordinary_day.urgent}")
    (event,) = _events(hospital.engine)
    assert (event.name, event.reader) == ("study_opened", "local")


def test_no_event_no_answer(
    ordinary_day: OrdinaryDay,
    hospital: SeededHospital,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When the event cannot be written nothing of the study is shown."""

    def full(*_arguments: object, **_facts: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(audit_trail, "record_audit", full)
    answer = person.get(f"/studies/{ordinary_day.urgent}")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "A2611210849" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_an_event_outlives_its_study_and_its_reader(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, person: Person
) -> None:
    """The record refers to no other table, so nothing that is deleted takes it away."""
    assert not AuditEvent.__table__.foreign_keys


def test_what_is_remembered_is_limited(
    hospital: SeededHospital, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long day does not fill the memory: the oldest is forgotten, and recorded once more."""
    monkeypatch.setattr(audit_trail, "_REMEMBERED", 1)
    for path in ("/", "/account", "/", "/live"):
        person.get(path)
    assert _names(hospital.engine) == ["worklist_opened"]


def test_tokens_are_long_and_differ() -> None:
    """256 bits of chance each."""
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}


def test_every_reader_is_recorded_for_themselves(
    ordinary_day: OrdinaryDay,
    hospital: SeededHospital,
    worklist_settings: Settings,
) -> None:
    """That one reader has seen a picture does not hide that another one has."""
    app = create_app(worklist_settings, hospital.engine, clock=lambda: hospital.now)
    result, _ = _ids(hospital.engine, ordinary_day.urgent)
    opened: Callable[[], Person] = lambda: Person(app)  # noqa: E731
    for name in ("wu", "li"):
        person = opened()
        person.cookies["firstread-session"] = signed_in_reader(
            hospital.engine, name, Role.READER, hospital.now
        )
        person.get(f"/pictures/{result}")
    assert [event.reader for event in _events(hospital.engine)] == ["wu", "li"]
