"""`firstread jobs`, `flags`, `results`: as JSON, whole, and by the names that a hospital uses."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update
from typer.testing import CliRunner, Result

from database.deliveries.claimed import claim_delivery, postpone_delivery
from database.session import Engine, open_engine, query, transaction
from database.states import DeliveryState, JobState
from database.tables.study.analysis import DeliveredObject, Delivery, Job, ResultObject, Study
from firstread.__main__ import app
from radiology.urgency import Urgency
from settings.environment import read_settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, rules, webhook
from tests.builders.stored.rows import arrival, claim, finish, later, queue_job, receive

REASON = "a reason with [brackets] and [bold]words[/]"


def firstread(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The database of a Firstread that the command line finds."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    engine = open_engine(read_settings().database_address)
    make_tables(engine)
    return engine


@pytest.fixture
def site(engine: Engine) -> Engine:
    """Study 1, accession A-1: a result that PACS lacks. Study 2, accession "1": a failed job."""
    for study in (1, 2):
        queue_job(engine, study=study)
    finish(engine, claim(engine), destinations=["pacs"])
    with transaction(engine) as session:
        taken = claim_delivery(session, lease_s=60.0, now=later(2))
        assert taken is not None
        postpone_delivery(
            session,
            taken,
            later(300),
            later(3),
            error_kind="PeerUnreachable",
            error_message="Nothing listens",
        )
        session.execute(
            update(Job)
            .where(Job.id == 2)
            .values(
                state=JobState.FAILED,
                error_kind="WorkerLost",
                error_message=REASON,
                finished_at=later(9),
            )
        )
        for study, accession in ((1, "A-1"), (2, "1")):
            uid = f"1.2.826.0.1.3680043.10.{10**38 + study}"
            session.execute(
                update(Study)
                .where(Study.study_instance_uid == f"2.25.{study}")
                .values(study_instance_uid=uid, accession_number=accession)
            )
    return engine


def test_jobs_as_json(site: Engine) -> None:
    """Whole UIDs, accession numbers, times, and each delivery with its next attempt."""
    done = firstread("jobs", "--json")
    assert done.exit_code == 0, done.output
    failed, made = json.loads(done.stdout)["jobs"]
    assert made["study_instance_uid"] == f"1.2.826.0.1.3680043.10.{10**38 + 1}"
    assert (made["accession_number"], made["state"], made["attempts"]) == ("A-1", "encoded", 1)
    assert made["queued_at"] == later(0).isoformat()
    (delivery,) = made["deliveries"]
    assert (delivery["destination"], delivery["state"]) == ("pacs", "waiting")
    assert delivery["due_at"] == later(300).isoformat()
    assert delivery["error_kind"] == "PeerUnreachable"
    assert failed["reason"] == f"WorkerLost: {REASON}"
    assert failed["finished_at"] == later(9).isoformat()


def test_what_each_waits_for(site: Engine) -> None:
    """The next attempt at PACS of one job; the other has ended, and waits for nothing."""
    failed, made = json.loads(firstread("jobs", "--json").stdout)["jobs"]
    assert failed["waits"] == []
    (wait,) = made["waits"]
    assert (wait["for"], wait["destination"], wait["attempts"]) == ("destination", "pacs", 1)
    assert wait["since"] == later(1).isoformat()
    shown = firstread("jobs", "show", "job:1").output
    assert "waits for pacs to take it: 1 attempts, the last one PeerUnreachable" in shown
    assert firstread("jobs", "retry", "job:2").exit_code == 0
    assert "its turn: place 1 of 1, no analysis worker" in firstread("jobs", "show", "job:2").output
    assert "its turn: place 1 of 1" in " ".join(firstread("jobs").output.split())


def test_a_study_that_no_job_knows(site: Engine) -> None:
    """It is listed with what it waits for, by its name too; nobody has swept since New Year."""
    receive(site, arrival(study=3))
    with transaction(site) as session:
        of_three = Study.study_instance_uid == "2.25.3"
        session.execute(update(Study).where(of_three).values(accession_number="A-3"))
    listed = json.loads(firstread("jobs", "--json").stdout)
    (study,) = listed["studies"]
    assert (study["study_instance_uid"], study["accession_number"]) == ("2.25.3", "A-3")
    assert study["waits"] == [
        {"for": "sweep", "since": later(0).isoformat(), "until": later(5).isoformat()}
    ]
    assert len(listed["jobs"]) == 2
    assert "the housekeeping: 'firstread status' says whether it runs" in firstread("jobs").output
    for name in ("A-3", "2.25.3", "accession:A-3"):
        shown = firstread("jobs", "show", name)
        assert (shown.exit_code, "Not assembled yet" in shown.output) == (0, True)
    assert json.loads(firstread("jobs", "show", "A-3", "--json").stdout) == listed | {"jobs": []}
    assert json.loads(firstread("jobs", "--failed", "--json").stdout)["studies"] == []


def test_the_table_cuts_nothing_off(site: Engine) -> None:
    """UIDs are whole, times are there, and brackets are no markup."""
    said = firstread("jobs").output
    for number in (1, 2):
        assert f"1.2.826.0.1.3680043.10.{10**38 + number} v1" in said
    assert "2026-01-01 12:00:00" in said
    assert "[brackets]" in said
    shown = firstread("jobs", "show", "2").output
    assert REASON in shown


def test_a_job_by_an_accession_number_or_a_uid(site: Engine) -> None:
    """What stands on a request form is enough."""
    for name in ("A-1", f"1.2.826.0.1.3680043.10.{10**38 + 1}", "accession:A-1", "job:1"):
        done = firstread("jobs", "show", name, "--json")
        assert done.exit_code == 0, done.output
        (job,) = json.loads(done.stdout)["jobs"]
        assert job["job_id"] == 1
        assert [one["name"] for one in job["events"]][-1] == "delivery_postponed"
    for name in ("A-9", "7", "99999999999999999999"):
        unknown = firstread("jobs", "show", name)
        assert unknown.exit_code == 1
        assert f"There is no job {name}" in unknown.output


def test_a_number_that_means_two_things_is_refused(site: Engine) -> None:
    """Job 1 is of another study than accession number 1: nothing is tried again."""
    done = firstread("jobs", "retry", "1")
    assert done.exit_code == 2
    assert "say job:1 or accession:1" in done.output
    with query(site) as session:
        assert session.scalars(select(Job.state).where(Job.id == 2)).one() is JobState.FAILED
    assert firstread("jobs", "retry", "accession:1").exit_code == 0
    assert firstread("jobs", "retry", "job:1").exit_code == 0
    with query(site) as session:
        assert session.scalars(select(Job.state).where(Job.id == 2)).one() is JobState.QUEUED
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 0)


def test_a_result_is_withdrawn_by_its_accession_number(site: Engine) -> None:
    """The study is found; an unknown one says that it has no result."""
    with transaction(site) as session:
        for table in (DeliveredObject, Delivery, ResultObject):  # a result of the page alone
            session.execute(delete(table))
    done = firstread("results", "withdraw", "A-1", "--reason", "quality")
    assert "The result of version 1 is withdrawn." in done.output, done.output
    unknown = firstread("results", "withdraw", "A-9", "--reason", "quality")
    assert unknown.exit_code == 2
    assert "no result of this study" in unknown.output


def test_flags_as_json_and_by_accession_number(engine: Engine) -> None:
    """Everything that the page knows of a flag, and no secret of its address."""
    FlaggedStudy(engine, rules(webhook())).result(Urgency.URGENT, 0)
    with transaction(engine) as session:
        session.execute(update(Study).values(accession_number="A-7"))
    done = firstread("flags", "list", "--json")
    assert done.exit_code == 0, done.output
    (flag,) = json.loads(done.stdout)["flags"]
    assert (flag["accession_number"], flag["urgency"], flag["state"]) == ("A-7", "urgent", "open")
    assert flag["notices"][0]["channel"] == "pager"
    assert "token" not in done.stdout
    assert flag["flag_uid"] in firstread("flags", "list").output
    assert firstread("flags", "acknowledge", "A-9").exit_code == 1
    assert firstread("flags", "acknowledge", "A-7", "--by", "chief").exit_code == 0
    assert json.loads(firstread("flags", "list", "--json").stdout) == {"flags": []}


def test_the_version_is_printed() -> None:
    """And nothing else; the help is that of the program."""
    done = firstread("--version")
    assert (done.exit_code, done.output.strip()) == (
        0,
        f"firstread {metadata.version('firstread')}",
    )
    assert "Reads a chest CT when it arrives" in firstread("--help").output


def test_a_reason_comes_with_its_cure(site: Engine) -> None:
    """What the page advises stands in `show` and in `--failed`, and as JSON."""
    with transaction(site) as session:
        session.execute(
            update(Job)
            .where(Job.id == 2)
            .values(state=JobState.REFUSED, error_kind="SliceMissing", error_message="At 12 mm")
        )
    cure = "Send the series again from the scanner or PACS"
    shown = firstread("jobs", "show", "job:2").output
    assert f"to do: Read the study as usual. {cure}" in " ".join(shown.split())
    (failed,) = json.loads(firstread("jobs", "--failed", "--json").stdout)["jobs"]
    assert cure in failed["to_do"]
    assert "To do: Read the study" in " ".join(firstread("jobs", "--failed").output.split())
    made = json.loads(firstread("jobs", "show", "job:1", "--json").stdout)["jobs"]
    assert made[0]["to_do"] == "", "it has an answer"


@pytest.mark.parametrize(("kind", "told"), [("SliceMissing", True), ("WorkerLost", False)])
def test_the_same_images_give_the_same_answer(site: Engine, kind: str, told: bool) -> None:
    """A job is tried again in either case; where that cannot help it is said, with what does."""
    with transaction(site) as session:
        refused = {"state": JobState.REFUSED, "error_kind": kind}
        session.execute(update(Job).where(Job.id == 2).values(**refused))
    done = firstread("jobs", "retry", "job:2")
    said = " ".join(done.output.split())
    assert (done.exit_code, "Job 2 waits again." in said) == (0, True)
    assert ("reads the same images: the answer will be the same" in said) is told
    assert ("Send the series again from the scanner or PACS" in said) is told
