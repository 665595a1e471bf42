"""Updating in the order of docs/hospital/day.md: from 0.1.0 to here, and back by the archive."""

from __future__ import annotations

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
from tests.integration.administrator.backup.sites import environment_of, firstread
from tests.unit.worklist.access.person import Person
from worker.backup import make_backup as making
from worker.backup.read_archive import ArchiveReader
from worklist.app import create_app

pytestmark = pytest.mark.integration


@pytest.mark.timeout(180)
def test_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive, upgrade, look at a study; the archive still has the rows of the version before."""
    data, archive = tmp_path / "data", tmp_path / "before.tar"
    settings = Settings(data_folder=data)
    for folder in ("spool", "results", "quarantine"):
        (data / folder).mkdir(parents=True)
    engine = open_engine(settings.database_address)
    old_database(engine, read_file(FILES[0]))
    before = _revision(engine)
    _back_up_as(before, settings, engine, archive, monkeypatch)
    engine.dispose()

    upgraded = firstread(environment_of(settings), "db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    engine = open_engine(settings.database_address)
    assert _revision(engine) != before
    uids = _studies(engine)
    assert uids
    _open_each(settings, engine, uids)
    engine.dispose()

    with ArchiveReader(archive) as reader:
        assert reader.check().revision == before
    back = Settings(data_folder=tmp_path / "back")
    restored = firstread(environment_of(back), "restore", archive)
    assert restored.returncode == 0, restored.stderr
    engine = open_engine(back.database_address)
    assert _studies(engine) == uids
    _open_each(back, engine, uids)
    engine.dispose()


def _back_up_as(
    revision: str, settings: Settings, engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the version before does: it knows no newer schema, and names files by its own columns."""
    with monkeypatch.context() as patched, path.open("wb") as file:
        patched.setattr(making, "newest_revision", lambda: revision)
        patched.setattr(making, "named_paths", lambda _session, _without: iter(()))
        making.make_backup(settings, engine, lambda: datetime.now(UTC), file, path.parent)


def _open_each(settings: Settings, engine: Engine, uids: list[str]) -> None:
    add_reader(engine, "somebody", Role.READER, datetime.now(UTC))
    person = Person(create_app(settings, engine))
    person.sign_in("somebody")
    assert {person.get(f"/studies/{uid}").status_code for uid in uids} == {200}


def _studies(engine: Engine) -> list[str]:
    with query(engine) as session:
        return list(session.scalars(select(Study.study_instance_uid).order_by(Study.id)))


def _revision(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())
