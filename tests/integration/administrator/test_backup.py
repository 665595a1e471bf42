"""What docs/hospital/backup.sh copies while Firstread works can be restored, and a study opens."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from database.schema import upgrade_schema
from database.session import open_engine, query
from database.tables.study.analysis import Study
from settings.environment import Settings
from tests.peers.postgres import PostgresServer
from tests.peers.programs import REPOSITORY, require_program
from tests.unit.worklist.access.visitor import Visitor
from tests.unit.worklist.seeding import DATABASE, START, SeededHospital
from tests.unit.worklist.study.seeded_slices import StudyWithSlices, study_with_slices
from worklist.app import create_app

_BACKUP = REPOSITORY / "docs" / "hospital" / "backup.sh"
_PYTHON = {"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}


def _hospital(url: str, data: Path) -> SeededHospital:
    """A hospital with the schema as `firstread db upgrade` makes it."""
    (data / "results").mkdir(parents=True)
    for folder in ("spool", "quarantine", "broker", "uploads"):
        (data / folder).mkdir()
        (data / folder / "a file").write_text(folder)
    engine = open_engine(url)
    upgrade_schema(engine)
    return SeededHospital(engine, data / "results", START)


def _back_up_while_studies_come(
    hospital: SeededHospital, data: Path, target: Path, *database: str
) -> int:
    """Run the script beside a scanner; gives how many studies had come before it began."""
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            hospital.receive(images=1)

    sender = threading.Thread(target=send, daemon=True)
    before = _count(hospital)
    sender.start()
    try:
        done = subprocess.run(
            ["sh", _BACKUP, data, target, *database], env=_PYTHON, capture_output=True, text=True
        )
    finally:
        stop.set()
        sender.join(timeout=30)
    assert done.returncode == 0, done.stderr
    hospital.engine.dispose()
    return before


def _count(hospital: SeededHospital) -> int:
    with query(hospital.engine) as session:
        return session.query(Study).count()


def _check_restored(url: str, data: Path, study: StudyWithSlices, before: int) -> None:
    settings = Settings(data_folder=data, database_url=SecretStr(url))
    engine = open_engine(url)
    upgrade_schema(engine)  # nothing to do, and it says so if there were
    visitor = Visitor(create_app(settings, engine, clock=lambda: START))
    page = visitor.get(f"/studies/{study.uid}").text
    assert "A2611210950" in page
    assert visitor.get(f"/pictures/{study.result_id}").status_code == 200
    assert visitor.get(f"/results/{study.result_id}/slices").status_code == 404, "not kept"
    assert _count(SeededHospital(engine, data / "results")) >= before
    assert (data / "spool" / "a file").read_text() == "spool"
    assert not (data / "broker").exists()
    engine.dispose()


def _files_back(target: Path, data: Path) -> None:
    data.mkdir()
    subprocess.run(["tar", "-xf", target / "files.tar", "-C", data], check=True)


@pytest.mark.integration
def test_sqlite(tmp_path: Path) -> None:
    data, target, restored = (tmp_path / name for name in ("data", "copy", "restored"))
    hospital = _hospital(f"sqlite:///{data / DATABASE}", data)
    study = study_with_slices(hospital, accession_number="A2611210950")
    before = _back_up_while_studies_come(hospital, data, target)
    assert sorted(path.name for path in target.iterdir()) == ["files.tar", "firstread.sqlite"]
    assert target.stat().st_mode & 0o077 == 0
    _files_back(target, restored)
    (restored / DATABASE).write_bytes((target / DATABASE).read_bytes())
    _check_restored(f"sqlite:///{restored / DATABASE}", restored, study, before)


@pytest.mark.integration
def test_postgresql(tmp_path: Path, postgres_server: PostgresServer) -> None:
    require_program("pg_dump", package="postgresql")
    data, target, restored = (tmp_path / name for name in ("data", "copy", "restored"))
    url, other = postgres_server.new_database(), postgres_server.new_database()
    hospital = _hospital(url, data)
    study = study_with_slices(hospital, accession_number="A2611210950")
    before = _back_up_while_studies_come(hospital, data, target, _libpq(url))
    _files_back(target, restored)
    subprocess.run(
        ["pg_restore", "--exit-on-error", "--no-owner", "--dbname", _libpq(other),
         target / "firstread.dump"],
        check=True,
    )  # fmt: skip
    _check_restored(other, restored, study, before)
    for one in (url, other):
        postgres_server.drop_database(one)


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "")
