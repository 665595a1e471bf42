"""In which order the system is asked before a sender gets Success, and what a kill leaves.

The kernel's own record (strace) says it; nothing of the node is changed for it.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from database.session import open_engine
from dicom_node.request.c_store import StoreAnswer, send_instances
from radiology.errors import FirstreadError
from settings.environment import Settings
from tests.integration.node.test_node_process import _Port, node_environment, node_process
from tests.peers.ports import answers
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program
from tests.unit.dicom_node.running_node import RunningNode
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration
__all__ = ["node_process"]

_CALLS = "openat,write,fsync,fdatasync,syncfs,rename,sendto"
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<given>.*)$")


def what_happened(line: str) -> str:
    """One line of strace in a word; "" for what is of no interest here."""
    match = _CALL.match(line)
    if match is None:
        return ""
    name, given = match["name"], match["given"]
    if name == "sendto" and r'"\4\0' in given:  # a P-DATA-TF: the C-STORE response
        return "response"
    if name == "write" and ".incoming/" in given and ".dcm>" in given:
        return "write"
    if name == "fsync":
        return "fsync file" if ".dcm>" in given else "fsync folder"
    if name == "rename" and ".incoming/" in given:
        return "rename"
    if name == "fdatasync" and "-wal>" in given:
        return "commit"
    return ""


def test_the_order_of_the_calls(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """Of each instance: written, flushed, renamed, its folder flushed, its row, then Success."""
    strace = require_program("strace", package="strace")
    settings, first = node_process()
    first.stop()
    record = tmp_path / "strace.txt"
    traced = ServerProcess(
        "traced",
        [
            *(strace, "-f", "-y", "-s", "16", "-o", record, "-e", f"trace={_CALLS}"),
            *(sys.executable, "-m", "dicom_node"),
        ],
        folder=tmp_path,
        environment={**node_environment(settings), "PYTHONPATH": str(REPOSITORY)},
    )
    try:
        traced.wait_until_ready(lambda: answers(settings.dicom_port), limit_s=120)
        engine = open_engine(settings.database_address)
        node = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
        paths = [write(small_ct(number), tmp_path) for number in range(1, 5)]
        assert node.statuses(*paths) == [0, 0, 0, 0]
    finally:
        traced.kill()
    seen = [word for word in map(what_happened, record.read_text().splitlines()) if word]
    begin = seen.index("write")  # before it: the folders of the spool
    of_each = " ".join(seen[begin:]).split("response")[:4]
    assert len(of_each) == 4
    for number, calls in enumerate(of_each, 1):
        once = re.sub(r"(write|fsync folder)( \1)+", r"\1", calls.strip())
        once = once.replace("fsync folder commit commit", "fsync folder commit")
        assert once == "write fsync file rename fsync folder commit", f"instance {number}: {calls}"


def test_a_kill_loses_nothing_that_was_answered(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """Three senders, and the node dies among them: each Success has its row and its whole file."""
    settings, process = node_process()
    engine = open_engine(settings.database_address)
    node = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    stored: list[str] = []

    def answered(answer: StoreAnswer) -> None:
        if answer.status == 0:
            stored.append(answer.path.stem)
        if len(stored) >= 12:
            process.kill()

    def send(series: int) -> None:
        paths = [
            write(small_ct(k, SOPInstanceUID=f"2.25.1.{series}.{k}"), tmp_path)
            for k in range(1, 30)
        ]
        try:
            send_instances(
                paths, node.as_peer, calling_ae_title="SCANNER", timeout_s=20, on_answer=answered
            )
        except FirstreadError:
            return

    senders = [threading.Thread(target=send, args=(series,)) for series in (1, 2, 3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(120)
    assert len(stored) >= 12
    held = {row.sop_instance_uid: row for row in node.instances()}
    assert set(stored) <= set(held)
    for row in held.values():
        content = (settings.spool_folder / row.path).read_bytes()
        assert hashlib.sha256(content[-row.size_bytes :]).hexdigest() == row.sha256
