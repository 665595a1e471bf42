"""`firstread status`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from database.process_signs import note_sweep, record_sign
from database.session import Engine, open_engine, transaction
from database.states import StudyState
from database.tables.study.analysis import Delivery, Result, Study
from database.tables.study.prior import PriorRequest
from firstread.__main__ import app
from radiology.urgency import Urgency
from settings.environment import read_settings
from settings.served_process import needed_parts
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.flags import FlaggedStudy, claim_for, postpone, rules, webhook
from tests.builders.stored.rows import claim, finish, later, queue_job


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The empty database of a site, in whose data folder the command is called."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("FIRSTREAD_MIN_FREE_BYTES", "0")
    engine = open_engine(read_settings().database_address)
    make_tables(engine)
    yield engine
    engine.dispose()


def all_parts_run(engine: Engine, now: datetime) -> None:
    """Each part gives a sign, and the sweep has just been."""
    with transaction(engine) as session:
        for number, part in enumerate(needed_parts(read_settings())):
            record_sign(session, f"a:{number}", part.value, started_at=now, now=now)
        note_sweep(session, now)


def test_status_says_whether_everything_runs(engine: Engine) -> None:
    """Without a process it fails and says so once; with all of them it is well."""
    dead = CliRunner().invoke(app, ["status"])
    assert dead.exit_code == 1
    assert dead.output.count("✗") == 1
    assert "Firstread does not run here: 'firstread serve'" in " ".join(dead.output.split())
    now = datetime.now(UTC)
    with transaction(engine) as session:
        record_sign(session, "a:9", "node", started_at=now, now=now)
    most_dead = CliRunner().invoke(app, ["status"])
    assert "No process of part analysis gives a sign" in " ".join(most_dead.output.split())
    all_parts_run(engine, now)
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    well = CliRunner().invoke(app, ["status", "--json"])
    assert well.exit_code == 0, well.output
    said = json.loads(well.stdout)
    assert (said["status"], said["problems"]) == ("ok", [])
    assert said["studies"] == {"encoded": 1}
    assert [one["waiting"] for one in said["queues"] if one["name"] == "delivery"] == [1]
    assert said["destinations"][0]["destination"] == "pacs"


def test_refused_studies_are_told_and_fail_nothing(engine: Engine) -> None:
    """Those of the days that the list shows, with the command that says why."""
    now = datetime.now(UTC)
    all_parts_run(engine, now)
    for study, days in ((1, 2), (2, 400)):
        queue_job(engine, study=study)
        with transaction(engine) as session:
            came = now - timedelta(days=days)
            of_it = update(Study).where(Study.study_instance_uid == f"2.25.{study}")
            session.execute(of_it.values(state=StudyState.REFUSED, received_at=came))
    asked = CliRunner().invoke(app, ["status"])
    assert asked.exit_code == 0, asked.output
    said = " ".join(asked.output.split())
    assert "Refused in the last 7 days: 1; 'firstread jobs --failed' says why" in said
    as_json = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert (as_json["status"], as_json["refused_lately"]) == ("ok", {"count": 1, "days": 7})


def test_a_part_is_asked_alone(engine: Engine) -> None:
    """As a container engine does: one that is silent, or only runs elsewhere, is not well."""
    now = datetime.now(UTC)
    here = f"{socket.gethostname()}:7"

    def asked(*options: str) -> int:
        return CliRunner().invoke(app, ["status", "--part", "analysis", *options]).exit_code

    assert asked() == 1
    with transaction(engine) as session:
        record_sign(session, "elsewhere:7", "analysis", started_at=now, now=now)
        record_sign(session, f"{socket.gethostname()}:8", "delivery", started_at=now, now=now)
    assert (asked(), asked("--here")) == (0, 1)
    with transaction(engine) as session:
        record_sign(session, here, "analysis", started_at=now, now=now)
    assert asked("--here") == 0
    with transaction(engine) as session:
        silent = now - timedelta(seconds=31)
        record_sign(session, here, "analysis", started_at=now, now=silent)
    assert asked("--here") == 1
    assert CliRunner().invoke(app, ["status", "--here"]).exit_code == 2


def test_the_oldest_delivery_waits_since_its_result(engine: Engine) -> None:
    """When it is tried next lies in the future, and says nothing of how long it has waited."""
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])
    with transaction(engine) as session:
        made_at = session.scalars(select(Result.created_at)).one()
        session.add(
            PriorRequest(study_id=1, peer="pacs", due_at=later(9000), expires_at=later(9900))
        )
        session.execute(update(Delivery).values(due_at=later(9000)))
    queues = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)["queues"]
    oldest = {one["name"]: one["oldest"] for one in queues if one["waiting"]}
    assert oldest == {"delivery": made_at.isoformat(), "retrieval": made_at.isoformat()}


def test_notices_of_flags_are_a_queue(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that is down makes them wait, and the command says so."""
    monkeypatch.setenv("COLUMNS", "200")
    FlaggedStudy(engine, rules(webhook())).result(Urgency.URGENT, 1)
    postpone(engine, claim_for(engine, "pager", later(2)), 3, until=30)
    said = CliRunner().invoke(app, ["status"]).output
    assert "Channel pager does not take notices about flags" in said
    (row,) = (line for line in said.splitlines() if "│ flags " in line)
    assert [one.strip() for one in row.split("│")[1:5]] == [
        "flags",
        "1",
        "0",
        f"{later(1):%Y-%m-%d %H:%M:%S}",
    ]
