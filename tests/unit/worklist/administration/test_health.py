"""Health and administration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from httpx import Response
from sqlalchemy import update

from database.flags.notices import postpone_notice
from database.process_signs import note_sweep, record_sign
from database.session import transaction
from database.states import DeliveryState
from database.tables.study.analysis import Delivery
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.builders.stored.flags import (
    FlaggedStudy,
    acknowledge,
    claim_for,
    refuse,
    rules,
    tell,
    webhook,
)
from tests.builders.stored.rows import later
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital
from worklist.app import create_app

PARTS = ("node", "analysis", "delivery", "housekeeping", "beat", "worklist")


def everything_runs(hospital: SeededHospital, *, silent: str = "") -> None:
    """Every part has given a sign just now, but one; and a sweep has come to its end."""
    with transaction(hospital.engine) as session:
        for number, part in enumerate(PARTS):
            at = hospital.now - timedelta(seconds=31 if part == silent else 5)
            record_sign(session, f"a:{number}", part, started_at=hospital.now, now=at)
        if silent != "sweep":
            note_sweep(session, hospital.now)


@pytest.fixture
def with_room(worklist_settings: Settings) -> Settings:
    """Settings that no disk is too small for."""
    return worklist_settings.model_copy(update={"min_free_bytes": 0})


@pytest.fixture
def monitor(hospital: SeededHospital, with_room: Settings) -> Visitor:
    """A monitoring system, by the hospital's clock."""
    clock: Callable[[], datetime] = lambda: hospital.now  # noqa: E731 read anew each time
    return Visitor(create_app(with_room, hospital.engine, clock=clock))


def names(answer: Response) -> list[str]:
    return [one["name"] for one in answer.json()["problems"]]


def test_an_idle_system_is_well(hospital: SeededHospital, monitor: Visitor) -> None:
    """Everything gives its sign, and nothing waits."""
    everything_runs(hospital)
    answer = monitor.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "reachable",
        "oldest_waiting_job_s": None,
        "problems": [],
    }


@pytest.mark.parametrize("part", ["node", "beat", "delivery", "housekeeping"])
def test_a_part_that_is_silent_is_an_error(
    hospital: SeededHospital, monitor: Visitor, part: str
) -> None:
    """A dead process is named, and the monitoring system gets an error."""
    everything_runs(hospital, silent=part)
    answer = monitor.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    assert names(answer) == ["part_silent"]
    assert f"part {part} " in answer.json()["problems"][0]["message"]
    assert monitor.get("/health/page").status_code == 200, "starting the page again mends nothing"


def test_no_sweep_is_an_error(hospital: SeededHospital, monitor: Visitor) -> None:
    """Every process runs, and no message comes through: the broker is dead."""
    everything_runs(hospital, silent="sweep")
    assert names(monitor.get("/health")) == ["no_sweep"]
    everything_runs(hospital)
    assert names(monitor.get("/health")) == []
    hospital.later(62)
    everything_runs(hospital, silent="sweep")
    answer = monitor.get("/health")
    assert (answer.status_code, names(answer)) == (503, ["no_sweep"])
    assert "broker" in answer.json()["problems"][0]["message"]


def test_a_full_disk_is_an_error(hospital: SeededHospital, with_room: Settings) -> None:
    """Below the room that the node takes studies with, the monitoring system hears of it."""
    everything_runs(hospital)
    full = with_room.model_copy(update={"min_free_bytes": 10**18})
    answer = Visitor(create_app(full, hospital.engine, clock=lambda: hospital.now)).get("/health")
    assert (answer.status_code, names(answer)) == (503, ["disk_full"])
    assert "min_free_bytes" in answer.json()["problems"][0]["message"]


def test_what_waits_for_a_person_is_told(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, monitor: Visitor
) -> None:
    """Refused deliveries and failed studies are no reason to call the service down."""
    everything_runs(hospital)
    answer = monitor.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "attention")
    assert {"deliveries_given_up", "studies_failed"} <= {*names(answer)}
    messages = " ".join(one["message"] for one in answer.json()["problems"])
    assert "firstread results resend pacs" in messages


def test_a_destination_that_is_away_is_told(
    ordinary_day: OrdinaryDay, hospital: SeededHospital, monitor: Visitor
) -> None:
    """Results that wait because nobody answers are counted."""
    everything_runs(hospital)
    with transaction(hospital.engine) as session:
        session.execute(
            update(Delivery)
            .where(Delivery.state == DeliveryState.WAITING)
            .values(error_kind="PeerUnreachable")
        )
    (away,) = (
        one
        for one in monitor.get("/health").json()["problems"]
        if one["name"] == "destination_away"
    )
    assert away["message"].startswith("pacs does not answer")


def test_a_flag_that_cannot_be_told_is_told_of(hospital: SeededHospital, monitor: Visitor) -> None:
    """From the first attempt in vain until the receiver takes it; what it says is not quoted."""
    everything_runs(hospital)
    study = FlaggedStudy(hospital.engine, rules(webhook(), webhook("quiet")))
    study.result(Urgency.URGENT, 1)
    assert monitor.get("/health").json()["problems"] == [], "nobody has tried yet"
    claimed = claim_for(hospital.engine, "pager", later(2))
    with transaction(hospital.engine) as session:
        postpone_notice(
            session,
            claimed,
            later(30),
            later(3),
            error_kind="PeerUnreachable",
            error_message="Jane Roe",
        )
    answer = monitor.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "attention")
    (told,) = answer.json()["problems"]
    assert told["name"] == "flag_not_told"
    assert told["message"].startswith(
        "Channel pager does not take notices about flags. Waiting: 1, the oldest since"
    )
    assert "Roe" not in answer.text
    tell(hospital.engine, 31)
    assert monitor.get("/health").json()["problems"] == []


def test_a_flag_that_was_refused_is_told_of_while_it_is_open(
    hospital: SeededHospital, monitor: Visitor
) -> None:
    """Once somebody has seen the study, no channel need be told."""
    everything_runs(hospital)
    study = FlaggedStudy(hospital.engine, rules(webhook()))
    study.result(Urgency.URGENT, 1)
    refuse(hospital.engine, claim_for(hospital.engine, "pager", later(2)), 3)
    answer = monitor.get("/health")
    assert (answer.status_code, names(answer)) == (200, ["flag_refused"])
    assert acknowledge(hospital.engine, study, 4)
    assert names(monitor.get("/health")) == []


def test_health_tells_how_long_the_queue_is_stuck(
    hospital: SeededHospital, visitor: Visitor
) -> None:
    """The age of the oldest waiting job grows while nobody takes it."""
    hospital.queue(hospital.receive())
    hospital.queue(hospital.receive())
    hospital.later(600)
    waited_s = visitor.get("/health").json()["oldest_waiting_job_s"]
    assert 600 < waited_s < 610


def test_health_without_database(hospital: SeededHospital, visitor: Visitor) -> None:
    """A database that does not answer is an error to a monitoring system."""
    hospital.engine.dispose()
    database = hospital.results_folder.parent / "firstread.sqlite"
    for file in database.parent.glob("firstread.sqlite*"):
        file.unlink()
    database.mkdir()
    answer = visitor.get("/health")
    assert answer.status_code == 503
    assert answer.json()["database"] == "unreachable"


def test_administration(ordinary_day: OrdinaryDay, visitor: Visitor) -> None:
    """Failed jobs, open deliveries, quarantine and peers stand on one page, with reasons."""
    text = visitor.text("/administration")
    assert "The worker stopped 3 times while it had this job" in text
    assert "pacs: refused" in text
    assert "pacs: waiting, next try" in text
    assert "The bytes are not a DICOM data set that can be read" in text
    assert "0xC000 cannot understand" in text
    assert "pacs ORTHANC 10.1.4.20:4242 destination ROUTINE" in text


def test_administration_of_an_idle_system(visitor: Visitor) -> None:
    """Where there is nothing to do the page says so."""
    text = visitor.text("/administration")
    assert "No job has failed." in text
    assert "Every result is where it should be." in text
    assert "Nothing was put aside." in text


@pytest.mark.parametrize("silent", ["node", "beat", "worklist"])
def test_each_part_is_told_of(hospital: SeededHospital, monitor: Visitor, silent: str) -> None:
    """A part that is silent for 31 seconds fails the whole; the others are told of beside it."""
    everything_runs(hospital, silent=silent)
    answer = monitor.get("/health/parts")
    assert answer.status_code == 503
    said = answer.json()
    assert said["status"] == "failing"
    assert said["parts"].pop(silent) == {"status": "silent", "processes": 0, "last_sign_s": 31.0}
    assert {*said["parts"]} == {*PARTS} - {silent}
    assert all(
        one == {"status": "ok", "processes": 1, "last_sign_s": 5.0}
        for one in said["parts"].values()
    )


def test_all_parts_well(hospital: SeededHospital, monitor: Visitor) -> None:
    """Then the answer is 200; a part that has nothing to do is not missed."""
    everything_runs(hospital)
    answer = monitor.get("/health/parts")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert "hl7" not in answer.json()["parts"]
