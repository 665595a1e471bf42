"""A base of schema 3 for every test that only reads it: its export takes a minute."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def chest_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sealed chest bundle of schema 3 whose networks are not trained.

    One process of the run exports it, and the others wait for it.
    """
    from tests.unit.training.chest_bundle import write_chest_bundle

    of_process = tmp_path_factory.getbasetemp()
    of_run = of_process.parent if "PYTEST_XDIST_WORKER" in os.environ else of_process
    written = of_run / "chest-base-is-in"
    with (of_run / "chest-base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not written.exists():
            written.write_text(str(write_chest_bundle(tmp_path_factory.mktemp("base"))))
        return Path(written.read_text())
