"""C-STORE requests in any fragments that the standard allows, and in some that it does not."""

from __future__ import annotations

import itertools
import select
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.pdu_primitives import AsynchronousOperationsWindowNegotiation

from dicom_node import status
from dicom_node.spool import SpoolFile
from tests.builders.dicom.upper_layer import associate_request, element, fragment, item
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import SERIES, encoded, small_ct

pytestmark = pytest.mark.integration

CONTENT = encoded(small_ct())
_ELEMENTS = (
    element(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0")
    + element(0x0100, b"\x01\0")
    + element(0x0110, b"\x01\0")
    + element(0x0700, b"\0\0")
    + element(0x0800, b"\0\0")
    + element(0x1000, f"{SERIES}.1".encode().ljust(len(SERIES) + 2 + len(SERIES) % 2, b"\0"))
)
COMMAND = element(0, len(_ELEMENTS).to_bytes(4, "little")) + _ELEMENTS
COMMAND_LAST, DATA, DATA_LAST = 3, 0, 2
RELEASE, ABORT = b"\x05\0\0\0\0\x04\0\0\0\0", b"\x07\0\0\0\0\x04\0\0\0\0"
NUMBERS = itertools.count(10)  # of instances that are sent once


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node for all: it must survive them."""
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


def pdu(*fragments: bytes) -> bytes:
    """One P-DATA-TF with several fragments."""
    items = b"".join(one[6:] for one in fragments)
    return b"\x04\0" + len(items).to_bytes(4, "big") + items


def split(content: bytes, size: int) -> list[bytes]:
    """A data set in fragments of a size."""
    begins = range(0, len(content), size)
    return [
        fragment(content[k : k + size], DATA_LAST if k + size >= len(content) else DATA)
        for k in begins
    ]


def converse(node: RunningNode, *sent: bytes) -> bytes:
    """What the node answers until it has answered one message, or hangs up."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
        connection.sendall(associate_request())
        assert connection.recv(4096)[0] == 2  # A-ASSOCIATE-AC
        for part in sent:
            connection.sendall(part)
        return connection.recv(4096)


WAYS = {
    "one PDU for all": [pdu(fragment(COMMAND, COMMAND_LAST), *split(CONTENT, 5000))],
    "one PDU for each": [fragment(COMMAND, COMMAND_LAST), fragment(CONTENT, DATA_LAST)],
    "small fragments": [fragment(COMMAND, COMMAND_LAST), *split(CONTENT, 7)],
    "many in a PDU": [fragment(COMMAND, COMMAND_LAST), pdu(*split(CONTENT, 50))],
    "an empty fragment": [fragment(COMMAND, 3), fragment(b"", DATA), fragment(CONTENT, DATA_LAST)],
    "command in two": [
        fragment(COMMAND[:20], 1),
        fragment(COMMAND[20:], COMMAND_LAST),
        fragment(CONTENT, DATA_LAST),
    ],
    "byte by byte": [
        bytes([one]) for one in fragment(COMMAND, COMMAND_LAST) + fragment(CONTENT, DATA_LAST)
    ],
}


@pytest.mark.parametrize("way", WAYS)
def test_any_fragments_make_the_same_instance(node: RunningNode, way: str) -> None:
    """Success, one row, and the bytes as they were sent."""
    answer = converse(node, *WAYS[way])
    assert answer[0] == 4
    assert element(0x0900, b"\0\0") in answer
    (row,) = [one for one in node.instances() if one.sop_instance_uid == f"{SERIES}.1"]
    assert (node.settings.spool_folder / row.path).read_bytes().endswith(CONTENT)


def request(number: int, *, cut: int = 0) -> list[bytes]:
    """A C-STORE request of an instance of its own, whose Message ID is its number.

    Parameters
    ----------
    cut : so many bytes are missing at the end of its data set
    """
    uid = f"{SERIES}.{number}".encode()
    elements = (
        element(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0")
        + element(0x0100, b"\x01\0")
        + element(0x0110, number.to_bytes(2, "little"))
        + element(0x0700, b"\0\0")
        + element(0x0800, b"\0\0")
        + element(0x1000, uid + b"\0" * (len(uid) % 2))
    )
    command = element(0, len(elements).to_bytes(4, "little")) + elements
    content = encoded(small_ct(number))
    return [fragment(command, COMMAND_LAST), fragment(content[: len(content) - cut], DATA_LAST)]


def requests(*numbers: int) -> bytes:
    """Requests one behind the other, few enough to come in one piece."""
    return b"".join(part for number in numbers for part in request(number))


def answered(connection: socket.socket, count: int) -> dict[int, int]:
    """Statuses by Message ID Being Responded To, in the order in which they come."""
    answers: dict[int, int] = {}
    came = b""
    while len(answers) < count:
        more = connection.recv(4096)
        assert more, "the node hung up"
        came += more
        while len(came) >= 6 and len(came) >= 6 + int.from_bytes(came[2:6], "big"):
            end = 6 + int.from_bytes(came[2:6], "big")
            number, status = (came.index(element(one, b"")[:4]) + 8 for one in (0x0120, 0x0900))
            answers[came[number]] = int.from_bytes(came[status : status + 2], "little")
            came = came[end:]
    return answers


def window(invoked: int, performed: int) -> bytes:
    """Asynchronous Operations Window (PS3.7 Table D.3-7 and D.3-8)."""
    return item(0x53, invoked.to_bytes(2, "big") + performed.to_bytes(2, "big"))


@pytest.mark.parametrize(("proposed", "agreed"), [(8, 8), (0, 16), (999, 16)])
def test_requests_of_a_window_are_answered_in_their_order(
    node: RunningNode, proposed: int, agreed: int
) -> None:
    """Four instances sent at once, none of them after an answer."""
    numbers = range(2, 6)
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=window(proposed, 4)))
        assert window(agreed, 1) in connection.recv(4096)
        connection.sendall(b"".join(part for number in numbers for part in request(number)))
        answers = b""
        while answers.count(element(0x0900, b"\0\0")) < len(numbers):
            more = connection.recv(4096)
            assert more, "the node hung up"
            answers += more
    places = [answers.index(element(0x0120, number.to_bytes(2, "little"))) for number in numbers]
    assert places == sorted(places)


class Flushes:
    """What there is at each flush of a node's spool.

    Attributes
    ----------
    seen : rows, files in their places, and whether the sender has heard something
    """

    def __init__(self, node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[int, int, bool]] = []
        self.connection: socket.socket | None = None
        spool = node.node._spool
        flush = spool.sync_everything

        def noted() -> None:
            heard = bool(self.connection and select.select([self.connection], [], [], 0)[0])
            self.seen.append((len(node.instances()), len(node.spooled()), heard))
            flush()

        monkeypatch.setattr(spool, "sync_everything", noted)


@pytest.fixture
def known(node: RunningNode) -> RunningNode:
    """The node, with the study: further instances change nothing of it but the moment."""
    converse(node, *request(1))
    return node


def taken(node: RunningNode) -> Counter[str]:
    """What the node has, by kind."""
    return Counter(
        rows=len(node.instances()), files=len(node.spooled()), refused=len(node.quarantine())
    )


@pytest.mark.parametrize(
    ("proposed", "groups"),
    [(8, [4]), (2, [2, 4]), (None, [1, 2, 3, 4])],
    ids=["eight", "two", "none"],
)
def test_instances_of_a_window_are_flushed_together(
    known: RunningNode,
    monkeypatch: pytest.MonkeyPatch,
    proposed: int | None,
    groups: list[int],
) -> None:
    """As many as may come without an answer, before any of them is answered; others one by one."""
    before, flushes = taken(known), Flushes(known, monkeypatch)
    items = b"" if proposed is None else window(proposed, 1)
    numbers = [next(NUMBERS) for _ in range(4)]
    with socket.create_connection(("127.0.0.1", known.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=items))
        assert connection.recv(4096)[0] == 2
        flushes.connection = connection
        connection.sendall(requests(*numbers))
        assert answered(connection, 4) == dict.fromkeys(numbers, 0)
    seen = [(rows - before["rows"], files - before["files"]) for rows, files, _ in flushes.seen]
    assert seen == [(one, one) for one in groups]
    assert not flushes.seen[0][-1]


def test_one_of_a_window_that_is_damaged_is_refused_alone(
    known: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are flushed once, and all are answered in their order."""
    before, flushes = taken(known), Flushes(known, monkeypatch)
    numbers = [next(NUMBERS) for _ in range(3)]
    with socket.create_connection(("127.0.0.1", known.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=window(8, 1)))
        assert connection.recv(4096)[0] == 2
        first, damaged, third = numbers
        connection.sendall(requests(first) + b"".join(request(damaged, cut=9)) + requests(third))
        statuses = answered(connection, 3)
    assert [*statuses.values()] == [0, status.CANNOT_UNDERSTAND, 0]
    assert [*statuses] == numbers
    assert len(flushes.seen) == 1
    assert taken(known) - before == Counter(rows=2, files=2, refused=1)


def test_a_defect_with_one_of_a_window_is_the_answer_of_that_one(
    known: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are recorded each in a transaction of its own."""
    before, numbers = taken(known), [next(NUMBERS) for _ in range(3)]
    spool = known.node._spool
    place = spool.place

    def broken(file: SpoolFile, relative: str) -> set[str]:
        if relative.endswith(f".{numbers[1]}.dcm"):
            raise KeyError("a defect")
        return place(file, relative)

    monkeypatch.setattr(spool, "place", broken)
    with socket.create_connection(("127.0.0.1", known.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=window(8, 1)))
        assert connection.recv(4096)[0] == 2
        connection.sendall(requests(*numbers))
        statuses = answered(connection, 3)
    assert statuses == dict(zip(numbers, (0, status.PROCESSING_FAILURE, 0), strict=True))
    assert taken(known) - before == Counter(rows=2, files=2, refused=1)


@pytest.mark.parametrize(
    "behind",
    [b"", RELEASE, ABORT, requests(5)[:300]],
    ids=["nothing", "release", "abort", "half an instance"],
)
def test_what_came_whole_is_stored_whatever_comes_behind_it(
    known: RunningNode, behind: bytes
) -> None:
    """A sender that does not stay for its answers: it finds its instances here."""
    before, ended = taken(known), len(known.associations())
    with socket.create_connection(("127.0.0.1", known.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=window(8, 1)))
        assert connection.recv(4096)[0] == 2
        connection.sendall(requests(*(next(NUMBERS) for _ in range(3))) + behind)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    known.ended_associations(ended + 1)
    assert taken(known) - before == Counter(rows=3, files=3)
    assert not known.begun()


def test_an_instance_that_is_on_its_way_holds_no_answer_up(node: RunningNode) -> None:
    """The second one comes by halves; the first is answered meanwhile."""
    first, second = next(NUMBERS), next(NUMBERS)
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
        connection.sendall(associate_request(user_items=window(8, 1)))
        assert connection.recv(4096)[0] == 2
        connection.sendall(requests(first) + requests(second)[:300])
        assert answered(connection, 1) == {first: 0}
        connection.sendall(requests(second)[300:])
        assert answered(connection, 1) == {second: 0}


def test_who_proposes_no_window_is_told_of_none(node: RunningNode) -> None:
    """One request at a time, as ever."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
        connection.sendall(associate_request())
        answer = connection.recv(4096)
    assert answer[0] == 2
    assert b"\x53\0\0\x04" not in answer


def test_pynetdicoms_own_sender_is_given_its_window(node: RunningNode) -> None:
    """What it proposes is what it hears."""
    proposed = AsynchronousOperationsWindowNegotiation()
    proposed.maximum_number_operations_invoked = 5
    proposed.maximum_number_operations_performed = 1
    entity = AE("SCANNER")
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2")
    association = entity.associate("127.0.0.1", node.port, ae_title="FIRSTREAD", ext_neg=[proposed])
    assert association.is_established
    assert association.acceptor.asynchronous_operations == (5, 1)
    association.release()


BROKEN = {
    "a command among the data": [
        fragment(COMMAND, COMMAND_LAST),
        fragment(CONTENT[:100], DATA),
        fragment(COMMAND, COMMAND_LAST),
    ],
    "a fragment longer than its PDU": [
        fragment(COMMAND, COMMAND_LAST),
        b"\x04\0\0\0\0\x10" + (500).to_bytes(4, "big") + b"\x01\0" + bytes(10),
    ],
    "a fragment of nothing": [
        fragment(COMMAND, COMMAND_LAST),
        b"\x04\0\0\0\0\x04\0\0\0\0",
    ],
    "a fragment of another context": [
        fragment(COMMAND, COMMAND_LAST),
        fragment(CONTENT[:100], DATA),
        fragment(CONTENT[100:], DATA_LAST, 3),
    ],
    "half a header": [fragment(COMMAND, COMMAND_LAST), b"\x04\0\0\0\0\x03\0\0\0"],
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_no_fragment_ends_the_association(node: RunningNode, way: str) -> None:
    """A-ABORT; nothing is left of the instance, and the next caller is served."""
    stored = len(node.instances())
    assert converse(node, *BROKEN[way])[:1] == b"\x07"  # A-ABORT
    node.verify()
    wait_until(lambda: not node.begun(), what="nothing that was begun", limit_s=30)
    assert len(node.instances()) == stored


def test_a_peer_that_goes_away_leaves_nothing(node: RunningNode, tmp_path: Path) -> None:
    """In the middle of a PDU."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as connection:
        connection.sendall(associate_request())
        assert connection.recv(4096)[0] == 2
        connection.sendall(fragment(COMMAND, COMMAND_LAST) + fragment(CONTENT, DATA_LAST)[:300])
        wait_until(node.begun, what="a file that is begun", limit_s=30)
    wait_until(lambda: not node.begun(), what="nothing that was begun", limit_s=30)
    node.verify()
