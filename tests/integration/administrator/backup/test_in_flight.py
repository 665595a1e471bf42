"""From a running embedded Firstread by backup, restore and move to hospital size: what was under
way ends there once."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from database.session import open_engine, query
from database.states import JobState
from database.tables.study.analysis import Delivery, Job, Result, Study
from settings.environment import Settings
from tests.builders.dicom.study_folder import by_position, small_phantom, study_uid
from tests.integration.administrator.backup.sites import environment_of, files_in, firstread
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.orthanc import OrthancPeer
from tests.peers.firstreads.embedded import Embedded, running_embedded
from tests.peers.firstreads.firstread import RunningFirstread
from tests.peers.firstreads.hospital import running_hospital
from tests.peers.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

_STARTS_WITHIN_S = 180.0  # a dozen processes of both sizes on two busy cores
_RUNNING = (JobState.SELECTED, JobState.DECODED, JobState.INFERRED)


def test_a_study_in_flight_ends_once(
    orthanc: OrthancPeer, dcmtk: Dcmtk, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """One is delivered, one half delivered, one in a worker's hands, one has only come."""
    done, half, read, came = (_study(tmp_path / name) for name in ("done", "half", "read", "came"))
    archive = tmp_path / "kept.tar"
    (tmp_path / "old").mkdir()
    with running_embedded(
        tmp_path / "old", pacs=orthanc, settings={"LEASE_S": "60"}, limit_s=_STARTS_WITHIN_S
    ) as size:
        engine = open_engine(size.database_url)
        old = RunningFirstread(size, engine, orthanc, dcmtk)
        for folder in (done, half):
            old.send(by_position(folder))
            old.wait_for(study_uid(folder))
        old.send(by_position(read))
        wait_until(lambda: old.job_count(*_RUNNING), what="a job in hand", limit_s=180)
        _stop(size, "analysis", "housekeeping")
        assert old.job_count(*_RUNNING) == 1
        old.send(by_position(came))
        settings = Settings(data_folder=size.data_folder)
        made = firstread(environment_of(settings), "backup", archive)
        assert made.returncode == 0, made.stderr
        kept = files_in(size.data_folder)
        engine.dispose()

    new = Settings(data_folder=tmp_path / "new" / "data")
    restored = firstread(environment_of(new), "restore", archive)
    assert restored.returncode == 0, restored.stderr
    assert files_in(new.data_folder) == kept
    _half_deliver(new, study_uid(half))
    moved = firstread(environment_of(new), "move", "--to", postgres_url)
    assert moved.returncode == 0, moved.stderr

    with running_hospital(
        tmp_path / "new",
        database_url=postgres_url,
        broker_url=redis_url,
        pacs=orthanc,
        limit_s=_STARTS_WITHIN_S,
    ) as hospital:
        engine = open_engine(postgres_url)
        running = RunningFirstread(hospital, engine, orthanc, dcmtk)
        for folder in (done, half, read, came):
            assert running.wait_for(study_uid(folder)).state == "delivered"
        with query(engine) as session:
            for table, wanted in ((Study, 4), (Job, 4), (Result, 4), (Delivery, 4)):
                assert session.scalar(select(func.count()).select_from(table)) == wanted
            attempts = dict(
                session.execute(
                    select(Study.study_instance_uid, Delivery.attempts)
                    .join(Result, Result.study_id == Study.id)
                    .join(Delivery, Delivery.result_id == Result.id)
                ).all()
            )
        assert attempts[study_uid(done)] == 1, "what PACS has is not sent again"
        assert attempts[study_uid(half)] == 2
        for folder in (done, half, read, came):
            found = running.results(study_uid(folder))
            assert {kind: len(objects) for kind, objects in found.items()} == dict.fromkeys(
                found, 1
            )
            assert "SR" in found
        engine.dispose()


def _study(folder: Path) -> Path:
    small_phantom("axial_to_head", folder, salt=folder.name)
    return folder


def _stop(size: Embedded, *parts: str) -> None:
    """Stop them where none holds the database: SQLite has one writer, and the node must write."""
    processes = [one for part in parts for one in size.processes_of(part)]

    def stopped() -> bool:
        for one in processes:
            os.kill(one, signal.SIGSTOP)
        with closing(
            sqlite3.connect(size.data_folder / "firstread.sqlite", timeout=0.1)
        ) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                for one in processes:
                    os.kill(one, signal.SIGCONT)
                return False
        return True

    wait_until(stopped, what="a moment at which nobody writes", limit_s=30.0)


def _half_deliver(settings: Settings, uid: str) -> None:
    """As if the worker had been killed between two objects."""
    engine = open_engine(settings.database_address)
    with engine.begin() as connection:
        row = connection.execute(
            text(
                "SELECT delivery.id FROM delivery JOIN result ON result.id = delivery.result_id"
                " JOIN study ON study.id = result.study_id WHERE study.study_instance_uid = :uid"
            ),
            {"uid": uid},
        ).scalar_one()
        of = {"id": row}
        connection.execute(
            text(
                "UPDATE delivery SET state = 'waiting', finished_at = NULL,"
                " lease_until = datetime('now', '+5 seconds') WHERE id = :id"
            ),
            of,
        )
        connection.execute(
            text(
                "UPDATE delivered_object SET state = 'waiting', status = NULL, answered_at = NULL"
                " WHERE id = (SELECT max(id) FROM delivered_object WHERE delivery_id = :id)"
            ),
            of,
        )
        connection.execute(
            text("UPDATE study SET state = 'encoded' WHERE study_instance_uid = :uid"), {"uid": uid}
        )
    engine.dispose()
