"""In which order the system is asked before a sender gets Success, and what a kill leaves.

The kernel's own record (strace) says it; nothing of the node is changed for it.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from database.session import open_engine
from dicom_node.request.c_store import StoreAnswer, send_instances
from radiology.errors import FirstreadError
from settings.environment import Settings
from tests.builders.dicom.upper_layer import associate_request
from tests.integration.node.test_node_process import _Port, node_environment, node_process
from tests.integration.node.test_store_requests import answered, requests, window
from tests.peers.ports import answers
from tests.peers.process import ServerProcess
from tests.peers.programs import REPOSITORY, require_program
from tests.unit.dicom_node.running_node import RunningNode
from tests.unit.dicom_node.small_ct import small_ct, write

pytestmark = pytest.mark.integration
__all__ = ["node_process"]

_CALLS = "openat,write,pwrite64,fsync,fdatasync,syncfs,rename,sendto"
_WINDOW = (2, 3, 4)  # instances of one flush
_STORED = 7
_FLUSHES = 3  # of the last association, whose thread counts: behind the row of the seventh it dies
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
        return "" if "ENOENT" in given else "rename"  # the folder is not there yet
    if name == "pwrite64" and "-wal>" in given:
        return "row"
    if name == "fdatasync" and "-wal>" in given:
        return "row flushed"
    return "everything flushed" if name == "syncfs" and given.endswith(" = 0") else ""


def calls_of_each(lines: list[str]) -> list[list[str]]:
    """The calls of each group up to its responses, of those that repeat, one.

    Only of threads that write instances: the rows of associations and of the node's own life are
    written by others, whenever their turn comes.
    """
    said = [(line.split(" ", 1)[0], what_happened(line)) for line in lines]
    storing = {thread for thread, word in said if word == "write"}
    seen = [word for thread, word in said if word and thread in storing]
    seen = [word for word, _ in itertools.groupby(seen)]
    parts = itertools.groupby(seen, lambda word: word == "response")
    return [[*calls] for is_response, calls in parts if not is_response]


def test_the_order_of_the_calls_and_a_kill_among_them(
    node_process: Callable[..., tuple[Settings, ServerProcess]], tmp_path: Path
) -> None:
    """Of each instance: written, in its place, its row, all of it flushed, and only then Success.

    Of those of a window likewise, together. The last has its row, and the node dies before the
    flush: it comes again, and is there once.
    """
    strace = require_program("strace", package="strace")
    settings, first = node_process()
    first.stop()
    record = tmp_path / "strace.txt"
    dies = ("-e", f"inject=syncfs:signal=SIGKILL:when={_FLUSHES}")
    traced = ServerProcess(
        "traced",
        [
            *(strace, "-f", "-y", "-s", "16", "-o", record, "-e", f"trace={_CALLS}", *dies),
            *(sys.executable, "-m", "dicom_node"),
        ],
        folder=tmp_path,
        environment={**node_environment(settings), "PYTHONPATH": str(REPOSITORY)},
    )
    engine = open_engine(settings.database_address)
    node = RunningNode(_Port(settings.dicom_port), settings, engine)  # type: ignore[arg-type]
    first_path, *paths = [write(small_ct(k), tmp_path) for k in (1, 5, 6, _STORED)]
    try:
        traced.wait_until_ready(lambda: answers(settings.dicom_port), limit_s=120)
        assert node.statuses(first_path) == [0]
        with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
            connection.sendall(associate_request(user_items=window(8, 1)))
            assert connection.recv(4096)[0] == 2
            connection.sendall(requests(*_WINDOW))
            assert answered(connection, 3) == dict.fromkeys(_WINDOW, 0)
        assert node.statuses(*paths) == [0, 0, None]
    finally:
        traced.kill()
    assert calls_of_each(record.read_text().splitlines()) == [
        ["write", "rename", "everything flushed", "row", "row flushed"],  # it makes the study
        ["write", "rename", "row", "everything flushed"],  # three of a window
        ["write", "rename", "row", "everything flushed"],
        ["write", "rename", "row", "everything flushed"],
        ["write", "rename", "row"],
    ]

    node_process()
    assert len(node.instances()) == _STORED
    assert node.statuses(paths[-1]) == [0]
    assert len(node.instances()) == len(node.spooled()) == _STORED


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
