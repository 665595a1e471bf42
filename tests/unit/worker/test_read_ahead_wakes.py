"""The sweep wakes an idle worker for what is coming: once, and only where the setting says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SWEEPS = """
from datetime import UTC, datetime
from tests.builders.stored.empty_database import make_tables
from database.session import transaction
from database.studies.instances import record_instance
from tests.builders.stored.rows import arrival
from worker.celery_app import ANALYSIS, app
from worker.tasks.housekeeping import sweep
from worker.tasks.process import equipment

worker = equipment()
make_tables(worker.engine)
sweep()
with transaction(worker.engine) as session:
    record_instance(session, arrival(), datetime.now(UTC))
sweep()
sweep()
with app.connection_for_write() as connection:
    queue = app.amqp.queues[ANALYSIS].bind(connection.default_channel)
    while (message := queue.get(no_ack=True)) is not None:
        print(message.headers["task"])
"""


@pytest.mark.parametrize(
    ("setting", "woken"), [("true", ["worker.tasks.read_ahead"]), ("false", [])]
)
def test_the_sweep_wakes_a_worker_for_what_comes(
    tmp_path: Path, setting: str, woken: list[str]
) -> None:
    """Three sweeps, with a study from the second on: one wake-up waits, in the analysis' queue."""
    given = {"FIRSTREAD_DATA_FOLDER": str(tmp_path), "FIRSTREAD_READ_AHEAD": setting}
    said = subprocess.run(
        [sys.executable, "-c", _SWEEPS],
        env=os.environ | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [one for one in said.stdout.splitlines() if one.startswith("worker.")] == woken
