"""The schema that the migrations build, and what a reader sees of other transactions."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

import migrations
from database.jobs.claimed import end_job
from database.schema import check_schema, schema_differences, upgrade_schema
from database.session import Engine, open_engine, query, transaction
from database.states import JobState, WorklistRank
from database.tables.study.analysis import Job, Study
from firstread.__main__ import app
from radiology.errors import SettingsRefused
from tests.builders.stored.rows import claim, later, queue_job

pytestmark = pytest.mark.integration

_FRESH = "never released.* Start afresh.* data_folder .*empty"


def test_migrations_build_what_the_tables_say(engine: Engine) -> None:
    """A migrated database differs from the tables in nothing."""
    assert schema_differences(engine) == []
    check_schema(engine)


def test_a_database_without_schema_is_refused(empty_engine: Engine) -> None:
    """A process that starts before the migrations says what to run."""
    with pytest.raises(SettingsRefused, match="firstread db upgrade"):
        check_schema(empty_engine)


@pytest.mark.parametrize(
    ("revision", "said"),
    [("0001", _FRESH), ("0018", _FRESH), ("0999_later", "newer than this version")],
)
def test_a_database_where_no_migration_begins(engine: Engine, revision: str, said: str) -> None:
    """It is told what to do at the start and at the upgrade, and stays as it is."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})
    for start in (check_schema, upgrade_schema):
        with pytest.raises(SettingsRefused, match=said):
            start(engine)
    with engine.connect() as connection:
        stands = connection.execute(text("SELECT version_num FROM alembic_version"))
        assert stands.scalars().all() == [revision]


@pytest.mark.parametrize("command", ["db upgrade", "serve", "jobs"])
def test_the_command_line_says_it_in_a_sentence(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A developer's own database of an earlier day ends a command with the reason, not a trace."""
    monkeypatch.setenv("FIRSTREAD_DATA_FOLDER", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "500")
    engine = open_engine(f"sqlite:///{tmp_path / 'firstread.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0018')"))
    engine.dispose()
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 2, done.output
    assert "SettingsRefused: A version of Firstread that was never released" in done.output
    assert "Start afresh: let data_folder name an empty folder" in done.output


def test_a_revision_is_called_as_its_file() -> None:
    """By a name that fits its column on PostgreSQL, and that no step before a release had."""
    files = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))
    for path in files:
        assert f'\nrevision = "{path.stem}"\n' in path.read_text()
        assert len(path.stem) <= 32
        assert path.stem[:4].isdecimal()
        assert path.stem[4] == "_"
    assert [int(path.stem[:4]) for path in files] == list(range(1, len(files) + 1))


def test_what_is_read_together_is_of_one_moment(engine: Engine) -> None:
    """A reader does not see what is committed between two of its statements."""
    queue_job(engine, study=1)
    with query(engine) as session:
        before = session.scalars(select(Study.state)).one()
        claimed = claim(engine)
        with transaction(engine) as other:
            end_job(other, claimed, JobState.ENCODED, later(1), rank=WorklistRank.ROUTINE)
        assert session.scalars(select(Study.state)).one() is before
        assert session.scalars(select(Job.state)).one() is JobState.QUEUED
    with query(engine) as session:
        assert session.scalars(select(Job.state)).one() is JobState.ENCODED
