"""Updating in the order of docs/hospital/day.md: from 0.1.0 to here, and back by the copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from database.session import Engine, open_engine, query
from database.tables.study.analysis import Study
from settings.environment import Settings
from settings.page.sign_in import Role
from tests.builders.old_rows.old_site import FILES
from tests.builders.old_rows.rows_file import old_database, read_file
from tests.builders.stored.readers import add_reader
from tests.peers.firstreads.hospital import native_command
from tests.peers.programs import REPOSITORY
from tests.unit.worklist.access.person import Person
from worklist.app import create_app

pytestmark = pytest.mark.integration


@pytest.mark.timeout(180)
def test_step_by_step(tmp_path: Path) -> None:
    """Copy, upgrade, look at a study; then the copy brings the version before back."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    settings = Settings(data_folder=data)
    for folder in ("spool", "results", "quarantine"):
        (data / folder).mkdir(parents=True)
    engine = open_engine(settings.database_address)
    old_database(engine, read_file(FILES[0]))
    before = _revision(engine)
    engine.dispose()

    _run(["sh", REPOSITORY / "docs" / "hospital" / "backup.sh", data, copy], {})
    _run([*native_command(("firstread", "db", "upgrade"))], {"FIRSTREAD_DATA_FOLDER": str(data)})
    engine = open_engine(settings.database_address)
    assert _revision(engine) != before
    with query(engine) as session:
        uids = session.scalars(select(Study.study_instance_uid)).all()
    add_reader(engine, "somebody", Role.READER, datetime.now(UTC))
    person = Person(create_app(settings, engine))
    person.sign_in("somebody")
    assert uids
    assert {person.get(f"/studies/{uid}").status_code for uid in uids} == {200}
    engine.dispose()

    for name in ("firstread.sqlite", "firstread.sqlite-wal", "firstread.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copy(copy / "firstread.sqlite", data)
    engine = open_engine(settings.database_address)
    assert _revision(engine) == before
    engine.dispose()


def _run(command: list[str | Path], environment: dict[str, str]) -> None:
    given = os.environ | {"PYTHON": sys.executable} | environment
    done = subprocess.run(command, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _revision(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())
