"""Real processes: each part gives signs of life until it is stopped, and logs JSON lines alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from database.process_signs import last_sweep, process_signs
from database.session import open_engine, query
from firstread.serve.supervisor import Supervisor
from settings.environment import Settings
from settings.served_process import ServedProcess
from tests.builders.stored.empty_database import make_tables
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.integration

WATCHED = (
    ServedProcess.FLAGS,
    ServedProcess.HL7,
    ServedProcess.BEAT,
    ServedProcess.DELIVERY,
    ServedProcess.HOUSEKEEPING,
)


@pytest.mark.timeout(300)
def test_every_part_gives_signs_and_takes_them_along(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """Flags and hl7 are among them; a worker that is replaced leaves no silent one behind."""
    log = (tmp_path / "log").open("ab")
    engine = open_engine(Settings(data_folder=tmp_path).database_address)
    make_tables(engine)
    supervisor = Supervisor(
        os.environ
        | {
            "FIRSTREAD_DATA_FOLDER": str(tmp_path),
            "FIRSTREAD_FLAGS": json.dumps(
                [{"kind": "webhook", "name": "pager", "url": "http://127.0.0.1:9/"}]
            ),
            "FIRSTREAD_HL7_LISTENER": json.dumps({"port": free_port(), "senders": ["127.0.0.1"]}),
        },
        output=log,
        parts=WATCHED,
    )

    def signs() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        with query(engine) as session:
            for one in process_signs(session):
                found.setdefault(one.part, []).append(one.name)
        return found

    def swept() -> bool:
        with query(engine) as session:
            return last_sweep(session) is not None

    supervisor.start()
    try:
        wait_until(
            lambda: {*signs()} == {part.value for part in WATCHED},
            what="a sign of each part",
            limit_s=120,
        )
        wait_until(swept, what="a sweep", limit_s=60)
        (worker,) = signs()["delivery"]
        os.kill(int(worker.rpartition(":")[2]), signal.SIGTERM)
        wait_until(
            lambda: not supervisor.restart_dead() and signs().get("delivery", [worker]) != [worker],
            what="another worker in its place",
            limit_s=60,
        )
    finally:
        supervisor.stop()
    log.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines
    assert [one for one in lines if not one.startswith('{"')] == [], "not one JSON object a line"
    assert all("event" in json.loads(one) for one in lines)
    assert {part for part, names in signs().items() if part != "delivery"} == set()
