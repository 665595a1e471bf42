"""The node as a process: how it starts, ends, and what a kill leaves behind."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from database.session import open_engine
from database.states import AssociationEnding
from dicom_node.node import start_node
from radiology.errors import SettingsRefused
from settings.environment import Settings
from tests.builders.stored.empty_database import make_tables
from tests.peers.ports import answers
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY
from tests.unit.dicom_node.running_node import (
    RunningNode,
    node_settings,
    open_association_and_hold,
    running_node,
)
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration


def node_environment(settings: Settings) -> dict[str, str]:
    """The settings of a node in a process of its own."""
    return {
        "FIRSTREAD_DATA_FOLDER": str(settings.data_folder),
        "FIRSTREAD_DICOM_HOST": settings.dicom_host,
        "FIRSTREAD_DICOM_PORT": str(settings.dicom_port),
        "FIRSTREAD_MIN_FREE_BYTES": "0",
        "FIRSTREAD_PEERS": json.dumps([{"name": "scanner", "ae_title": "SCANNER"}]),
    }


@pytest.fixture
def node_process(tmp_path: Path) -> Iterator[Callable[..., tuple[Settings, ServerProcess]]]:
    """Give a function that starts `python -m dicom_node`, or a program around it."""
    settings = node_settings(tmp_path / "process")
    settings.data_folder.mkdir(parents=True)
    make_tables(open_engine(settings.database_address))
    started: list[ServerProcess] = []

    def start(*arguments: str) -> tuple[Settings, ServerProcess]:
        process = ServerProcess(
            f"node-{len(started)}",
            [sys.executable, *(arguments or ("-m", "dicom_node"))],
            folder=tmp_path,
            environment={
                **node_environment(settings),
                "PYTHONPATH": str(REPOSITORY),
            },
        )
        started.append(process)
        process.wait_until_ready(lambda: answers(settings.dicom_port))
        return settings, process

    yield start
    for process in started:
        process.kill()


def test_the_node_ends_cleanly_on_sigterm(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """An open association is aborted, its row ended, and the exit code is 0."""
    settings, process = node_process()
    engine = open_engine(settings.database_address)
    running = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    running.send([write(small_ct(), tmp_path)])
    connection = open_association_and_hold(running)
    process.send_signal(signal.SIGTERM)
    assert process.process.wait(timeout=20) == 0
    connection.close()
    assert "node_stopped" in process.log()
    assert [row.ending for row in running.associations()] == [
        AssociationEnding.RELEASED,
        AssociationEnding.ABORTED,
    ]
    assert "Not^To^Be^Logged" not in process.log()


class _Port:
    def __init__(self, port: int) -> None:
        self.port = port


_KILLED_BETWEEN_RENAME_AND_ROW = """
import os, signal
from dicom_node.spool import Spool
from dicom_node.__main__ import main

flush = Spool.sync_everything

def flush_and_die(self):
    flush(self)
    os.kill(os.getpid(), signal.SIGKILL)

Spool.sync_everything = flush_and_die  # of a study's first instance files are flushed before rows
raise SystemExit(main())
"""


def test_killed_between_file_and_row(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """The sender got no answer and comes again: one row, one file, nothing left over."""
    settings, process = node_process("-c", _KILLED_BETWEEN_RENAME_AND_ROW)
    path = write(small_ct(), tmp_path)
    engine = open_engine(settings.database_address)
    node = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    (sent,) = node.send([path])
    assert sent.status is None
    assert process.process.wait(timeout=10) == -signal.SIGKILL
    assert len(node.spooled()) == 1
    assert not node.instances()

    node_process()
    assert node.statuses(path) == [0x0000]
    assert len(node.instances()) == len(node.spooled()) == 1
    assert not node.begun()


def test_killed_while_receiving(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """What a killed node had begun to write is swept when the next one starts."""
    settings, process = node_process()
    begun = next((settings.spool_folder / ".incoming").glob("*.lock")).with_suffix("")
    (begun / "half.dcm").write_bytes(b"half")
    process.kill()
    _, again = node_process()
    assert "spool_swept" in again.log()
    assert not list((settings.spool_folder / ".incoming").rglob("*.dcm"))


def test_a_second_node_leaves_the_first_ones_files_alone(tmp_path: Path) -> None:
    """Two nodes on one spool: what the first is receiving is not swept by the second."""
    with running_node(tmp_path / "node") as first:
        begun = next((first.settings.spool_folder / ".incoming").glob("*.lock")).with_suffix("")
        (begun / "half.dcm").write_bytes(b"half")
        other = node_settings(tmp_path / "node")
        second = start_node(other, first.engine)
        second.stop()
        assert (begun / "half.dcm").exists()


def test_a_taken_port_is_a_clear_error(
    node: RunningNode, tmp_path: Path, node_process: Callable[..., tuple[Settings, ServerProcess]]
) -> None:
    """The error names the port, and the program ends with a code that is not 0."""
    taken = node_settings(tmp_path / "other", dicom_port=node.port)
    with pytest.raises(SettingsRefused, match="port"):
        start_node(taken, node.engine)

    settings, _ = node_process()
    second = ServerProcess(
        "second",
        [sys.executable, "-m", "dicom_node"],
        folder=tmp_path,
        environment={**node_environment(settings), "PYTHONPATH": str(Path.cwd())},
    )
    assert second.process.wait(timeout=20) == 2
    assert "node_not_started" in second.log()
