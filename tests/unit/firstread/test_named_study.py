"""Commands that take a study take it by its accession number too, as `firstread jobs show` does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from database.accounts.audit import Actor, StudyReference, record_audit
from database.session import Engine, open_engine, transaction
from database.tables.study.analysis import Study
from firstread.__main__ import app
from settings.environment import read_settings
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import claim, finish, queue_job

ACCESSION = "A4711"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Two studies with results; the first has the accession number."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    engine = open_engine(read_settings().database_address)
    make_tables(engine)
    for study in (1, 2):
        queue_job(engine, study=study)
        finish(engine, claim(engine), [])
    with transaction(engine) as session:
        session.execute(
            update(Study)
            .where(Study.study_instance_uid == "2.25.1")
            .values(accession_number=ACCESSION)
        )
    return engine


def _firstread(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize("name", ["2.25.1", ACCESSION, f"accession:{ACCESSION}"])
def test_the_message_for_a_study(engine: Engine, name: str) -> None:
    """`hl7 show` prints that of the study that is meant."""
    done = _firstread("hl7", "show", name)
    assert done.exit_code == 0, done.output
    assert "|2.25.1|" in done.stdout
    assert f"|{ACCESSION}" in done.stdout


def test_a_study_that_nobody_knows(engine: Engine) -> None:
    """It is said so."""
    done = _firstread("hl7", "show", "A4712")
    assert done.exit_code == 2
    assert "no such study" in done.output


@pytest.mark.parametrize("name", ["2.25.1", ACCESSION, f"accession:{ACCESSION}"])
def test_what_was_done_with_a_study(engine: Engine, name: str) -> None:
    """`audit --study` lists the events of that study alone."""
    with transaction(engine) as session:
        for uid in ("2.25.1", "2.25.2"):
            record_audit(
                session,
                "study_opened",
                datetime(2026, 11, 21, tzinfo=UTC),
                Actor("wu", "reader", ""),
                study=StudyReference(uid, "P1"),
            )
    lines = _firstread("audit", "--study", name).stdout.splitlines()
    assert [json.loads(line)["study_instance_uid"] for line in lines] == ["2.25.1"]


def test_two_studies_of_one_accession_number(engine: Engine) -> None:
    """Neither is chosen: both UIDs are named."""
    with transaction(engine) as session:
        session.execute(update(Study).values(accession_number=ACCESSION))
    for words in (["hl7", "show"], ["audit", "--study"]):
        done = _firstread(*words, ACCESSION)
        assert done.exit_code == 2
        assert "2.25.1, 2.25.2" in done.output
