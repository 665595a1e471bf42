"""Rows that an earlier version of Firstread wrote, after the migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from database.events import record_event
from database.schema import schema_differences, upgrade_schema
from database.session import Engine, open_engine, query, transaction
from database.tables.analysis import Delivery, Event
from tests.builders.stored.results import STUDY_UID
from tests.builders.stored.rows import later

pytestmark = pytest.mark.integration


def test_a_database_of_the_version_before(tmp_path: Path) -> None:
    """Rows that the version before wrote are there after the migration, and mean the same."""
    from alembic import command

    from database.schema import _config

    engine = open_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
    _write_old_rows(engine)
    upgrade_schema(engine)
    assert schema_differences(engine) == []
    with query(engine) as session:
        delivery = session.scalars(select(Delivery)).one()
        assert (delivery.purpose.value, delivery.asks) == ("result", 0)
        assert [one.state.value for one in delivery.statuses] == ["stored", "waiting"]
        assert not session.execute(text("PRAGMA foreign_key_check")).all()
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    with transaction(engine) as session:
        record_event(session, "looked_at", later(0), study_id=1)
    with query(engine) as session:
        assert session.scalars(select(Event.name)).all() == ["looked_at"]


def _write_old_rows(engine: Engine) -> None:
    moment = "2026-01-01 12:00:00"
    rows: dict[str, dict[str, object]] = {
        "study": {
            **dict.fromkeys(("patient_id", "accession_number", "patient_sex", "patient_age"), ""),
            "id": 1,
            "study_instance_uid": STUDY_UID,
            "calling_ae_title": "SCANNER",
            "priority": "ROUTINE",
            "state": "delivered",
            "version": 1,
            "worklist_rank": "0-urgent",
            "received_at": moment,
            "last_instance_at": moment,
        },
        "job": {
            **dict.fromkeys(("worker", "error_kind", "error_message", "trace"), ""),
            **dict.fromkeys(("attempts", "fencing_token", "progress_percent"), 0),
            "id": 1,
            "study_id": 1,
            "study_version": 1,
            "bundle": "bundle",
            "state": "delivered",
            "priority": "ROUTINE",
            "queued_at": moment,
            "due_at": moment,
        },
        "result": {
            **dict.fromkeys(("urgency_rule", "reason", "execution_provider"), ""),
            "id": 1,
            "job_id": 1,
            "study_id": 1,
            "study_version": 1,
            "outcome": "findings",
            "reading": "{}",
            "created_at": moment,
        },
        "delivery": {
            **dict.fromkeys(("error_kind", "error_message"), ""),
            "id": 1,
            "result_id": 1,
            "destination": "pacs",
            "state": "delivered",
            "due_at": moment,
            "attempts": 1,
            "fencing_token": 1,
        },
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            _insert(connection, table, values)
        for number, status in ((1, 0), (2, None)):
            made = {
                **dict.fromkeys(("sop_class_uid", "sop_instance_uid", "series_instance_uid"), "1"),
                "id": number,
                "result_id": 1,
                "kind": "SR",
                "path": "1.dcm",
                "size_bytes": 1,
            }
            _insert(connection, "result_object", made)
            sent = {
                "id": number,
                "delivery_id": 1,
                "result_object_id": number,
                "status": status,
                "answered_at": moment,
            }
            _insert(connection, "delivered_object", sent)


def _insert(connection: Any, table: str, values: dict[str, object]) -> None:
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({places})"), values)
