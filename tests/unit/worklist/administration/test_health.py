"""Health and administration."""

from __future__ import annotations

from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.list.ordinary_day import OrdinaryDay
from tests.unit.worklist.seeding import SeededHospital


def test_health_without_jobs(visitor: Visitor) -> None:
    """An idle system is well."""
    answer = visitor.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "reachable",
        "oldest_waiting_job_s": None,
    }


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
