"""Signs of life of real processes: each part gives one, and takes it along when it is stopped."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from database.process_signs import last_sweep, process_signs
from database.schema import upgrade_schema
from database.session import open_engine, query
from firstread.serve import Supervisor
from settings.environment import Settings
from settings.served_process import ServedProcess
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
    engine = open_engine(Settings(data_folder=tmp_path).database_address)
    upgrade_schema(engine)
    supervisor = Supervisor(
        os.environ
        | {
            "FIRSTREAD_DATA_FOLDER": str(tmp_path),
            "FIRSTREAD_FLAGS": json.dumps(
                [{"kind": "webhook", "name": "pager", "url": "http://127.0.0.1:9/"}]
            ),
            "FIRSTREAD_HL7_LISTENER": json.dumps({"port": free_port(), "senders": ["127.0.0.1"]}),
        },
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
            lambda: signs().get("delivery", [worker]) != [worker],
            what="another worker in its place",
            limit_s=60,
        )
    finally:
        supervisor.stop()
    assert {part for part, names in signs().items() if part != "delivery"} == set()
