"""Peers that stall, break off or speak something else: the node ends them and serves the next."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from database.states import AssociationEnding
from tests.builders.dicom.upper_layer import INCOMPLETE_COMMAND, element, fragment
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import (
    RunningNode,
    open_association_and_hold,
    running_node,
)
from tests.unit.dicom_node.small_ct import SERIES, encoded, small_ct

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "sent",
    [b"", b"\x01", b"GET / HTTP/1.1\r\n\r\n", b"\x01\0\x7f\xff\xff\xff" + bytes(100), bytes(600)],
    ids=["nothing", "one byte", "HTTP", "2 GB announced", "zeros"],
)
def test_connections_that_are_no_associations(node: RunningNode, sent: bytes) -> None:
    """Health checks, port scanners and half requests leave no thread behind."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", node.port)) as connection:
            connection.sendall(sent)
    wait_until(lambda: not node.open_associations(), what="the end of all association threads")
    node.verify()


def test_a_peer_that_stalls_within_a_pdu_is_cut_off(tmp_path: Path) -> None:
    """Half a PDU and then silence: the association ends after the idle time."""
    with running_node(tmp_path / "node", association_idle_s=0.5) as node:
        connection = open_association_and_hold(node)
        connection.sendall(b"\x04\0\0\0\x10\0" + bytes(10))
        assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
        wait_until(lambda: not node.open_associations(), what="the end of its threads")
        connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        fragment(bytes(10_000), 1) * 10,
        fragment(INCOMPLETE_COMMAND, 3) + fragment(encoded(small_ct()), 2),
        fragment(b"not a command", 3),
        b"\x02\0\0\0\0\x04\0\0\0\0",
    ],
    ids=["endless command", "no instance UID", "no command", "unexpected PDU"],
)
def test_what_cannot_be_answered_is_aborted(node: RunningNode, sent: bytes) -> None:
    """The peer hears an A-ABORT, the row is ended, and the next caller is served."""
    with open_association_and_hold(node) as connection:
        connection.settimeout(10)
        connection.recv(4096)  # the rest of the A-ASSOCIATE-AC
        connection.sendall(sent)
        assert connection.recv(1) == b"\x07"  # A-ABORT
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
    wait_until(lambda: not node.open_associations(), what="the end of its threads")
    node.verify()


def test_a_connection_lost_while_sending(node: RunningNode, tmp_path: Path) -> None:
    """The begun instance leaves no file; what was answered before stays."""
    connection = open_association_and_hold(node)
    command = INCOMPLETE_COMMAND + element(0x1000, f"{SERIES}.1".encode())
    connection.sendall(fragment(command, 3) + fragment(encoded(small_ct())[:200], 0))
    wait_until(node.begun, what="the beginning of an instance")
    connection.close()
    assert node.ended_associations(1)[0].ending is AssociationEnding.ABORTED
    wait_until(lambda: not node.open_associations(), what="the end of its threads")
    assert not node.begun()
    node.verify()
