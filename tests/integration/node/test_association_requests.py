"""Requests for an association as systems in the field send them: accepted, or told why not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from database.states import AssociationEnding
from dicom_node.request.verification import verify_peer
from radiology.errors import PeerRefused
from settings.peers import Peer
from tests.builders.dicom.upper_layer import associate_request, item
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode

pytestmark = pytest.mark.integration

RELEASE = b"\x05\0\0\0\0\x04\0\0\0\0"
SOP_CLASS = item(0x30, b"1.2.840.10008.5.1.4.1.1.2")
SYNTAX = item(0x40, b"1.2.840.10008.1.2")
CONTEXT = item(0x20, b"\3\0\0\0" + SOP_CLASS + SYNTAX)
USER_IDENTITY = item(0x58, b"\1\0\0\4user\0\0")


def answer_to(node: RunningNode, request: bytes) -> bytes:
    """The first ten bytes of what a peer hears; an association that is accepted is released."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.recv(10, socket.MSG_WAITALL)
        if answer[:1] == b"\2":
            connection.sendall(RELEASE)
            while connection.recv(4096):
                pass
    return answer


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            associate_request(b"SCANNER".ljust(16, b"\0"), b"FIRSTREAD".ljust(16, b"\0")),
            id="titles padded with NUL",
        ),
        pytest.param(
            associate_request(b"SCANNER\0garbage.", b"FIRSTREAD\0 \xff\xfe \0 "),
            id="titles ended by NUL, and what memory held behind",
        ),
        pytest.param(associate_request(version=3), id="version 2 of the protocol beside 1"),
        pytest.param(
            associate_request(user_items=item(0x5F, b"from the future") + USER_IDENTITY),
            id="user information of an unknown type",
        ),
        pytest.param(associate_request(behind=item(0x77, b"vendor")), id="unknown variable item"),
        pytest.param(associate_request(behind=CONTEXT * 127), id="128 contexts"),
    ],
)
def test_what_others_read_is_read(node: RunningNode, request_: bytes) -> None:
    """dcmtk and Orthanc accept these; so do we, and the row has the title as it is meant."""
    assert answer_to(node, request_)[:1] == b"\2"  # A-ASSOCIATE-AC
    (row,) = node.ended_associations(1)
    assert (row.calling_ae_title, row.called_ae_title) == ("SCANNER", "FIRSTREAD")
    assert row.ending is AssociationEnding.RELEASED


@pytest.mark.parametrize(
    ("request_", "rejection", "reason"),
    [
        (associate_request(b"R\xd6NTGEN".ljust(16)), (1, 1, 3), "calling_ae_title"),
        (associate_request(b"SCAN\\NER".ljust(16)), (1, 1, 3), "calling_ae_title"),
        (associate_request(b"SCAN\tNER".ljust(16)), (1, 1, 3), "calling_ae_title"),
        (associate_request(bytes(16)), (1, 1, 3), "calling_ae_title"),
        (associate_request(b" " * 16), (1, 1, 3), "calling_ae_title"),
        (associate_request(called=b" " * 16), (1, 1, 7), "called_ae_title"),
        (associate_request(called="BEFUND-ÄRZTE".encode("latin-1").ljust(16)), (1, 1, 7), "called"),
        (associate_request(b"STRANGER".ljust(16, b"\0")), (1, 1, 3), "calling_ae_title"),
        (associate_request(version=2), (1, 2, 2), "protocol_version"),
        (associate_request(behind=b"\x20\0\xff\xff\1"), (1, 2, 1), "content"),
        (associate_request(behind=b"\x20\0"), (1, 2, 1), "content"),
        (associate_request(behind=item(0x20, b"\2\0\0\0")), (1, 2, 1), "content"),
        (associate_request(user_items=item(0x51, b"\1")), (1, 2, 1), "content"),
        pytest.param(
            associate_request(behind=CONTEXT * 128), (1, 2, 1), "content", id="129 contexts"
        ),
        pytest.param(
            associate_request(behind=item(0x20, b"\3\0\0\0" + SOP_CLASS + SYNTAX * 2_000) * 5),
            (1, 2, 1),
            "content",
            id="10,000 transfer syntaxes",
        ),
        (b"\1\0\0\0\0\4\0\1\0\0", (1, 1, 7), "called_ae_title"),
    ],
)
def test_a_rejection_has_a_reason_for_the_peer_and_for_the_administrator(
    node: RunningNode,
    request_: bytes,
    rejection: tuple[int, int, int],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A-ASSOCIATE-RJ with the reason, a row, and an event that says what to do; no Python trace."""
    answer = answer_to(node, request_)
    assert answer[:1] == b"\3"  # A-ASSOCIATE-RJ
    assert tuple(answer[7:10]) == rejection
    (row,) = node.ended_associations(1)
    assert row.ending is AssociationEnding.REJECTED
    assert row.calling_ae_title.isprintable()
    logged = "".join(capsys.readouterr())
    assert "association_rejected" in logged
    assert reason in logged
    assert "Traceback" not in logged
    wait_until(lambda: not node.open_associations(), what="the end of its threads")
    node.verify()


def test_dcmtk_is_still_served(node: RunningNode, dcmtk: Dcmtk) -> None:
    """What is read by us now is read as before."""
    dcmtk.echoscu(port=node.port, called_ae_title="FIRSTREAD").check()


@contextmanager
def acceptor(answer: bytes) -> Iterator[Peer]:
    """A peer that answers a request for an association with given bytes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)
            connection.recv(65536)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        port = listening.getsockname()[1]
        yield Peer(name="pacs", ae_title="PACS", host="127.0.0.1", port=port)  # type: ignore[arg-type]
    finally:
        thread.join(10)
        listening.close()


@pytest.mark.parametrize("reason", [b"\1\1\4", b"\1\3\x0a", b"\1\x09\1"])
def test_a_rejection_with_a_number_of_its_own_is_a_rejection(reason: bytes) -> None:
    """Reserved reasons (PS3.8 Table 9-21): not taken for a peer that does not speak DICOM."""
    with (
        acceptor(b"\3\0\0\0\0\4\0" + reason) as peer,
        pytest.raises(PeerRefused, match="rejects associations"),
    ):
        verify_peer(peer, calling_ae_title="FIRSTREAD", timeout_s=5)
