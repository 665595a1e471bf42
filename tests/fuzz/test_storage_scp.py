"""Whatever a peer sends: a status or an abort, never a dead thread, and the next caller is served.

The strategies cover three depths: bytes on the connection, bytes in a DIMSE message, and bytes in
the place of the data set of a proper C-STORE request.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLossless,
)

from dicom_node import status
from tests.builders.dicom.upper_layer import associate_request, fragment
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node
from tests.unit.dicom_node.small_ct import SERIES, encoded, file_around, small_ct

pytestmark = [
    pytest.mark.integration,
    # pydicom warns about strange values; outside the tests such warnings are switched off.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]

bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGLossless,
]
WHOLE = encoded(small_ct())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node for all examples: it must survive them."""
    with running_node(tmp_path_factory.mktemp("node"), association_idle_s=8.0) as running:
        yield running
        wait_until(
            lambda: not running.open_associations(), what="the end of all association threads"
        )
        assert not running.begun()


damaged = st.builds(
    lambda offset, bytes_, cut: (WHOLE[:offset] + bytes_ + WHOLE[offset + len(bytes_) :])[:cut],
    st.integers(min_value=0, max_value=len(WHOLE)),
    st.binary(max_size=40),
    st.integers(min_value=0, max_value=len(WHOLE) + 40),
)


@bounded
@given(content=st.one_of(st.binary(max_size=2000), damaged), syntax=st.sampled_from(SYNTAXES))
def test_any_data_set_gets_a_status(
    node: RunningNode, tmp_path: Path, content: bytes, syntax: str
) -> None:
    """Each data set is answered in the same association, and what is stored can be read."""
    path = tmp_path / "object.dcm"
    path.write_bytes(file_around(content, transfer_syntax_uid=syntax))
    (answer,) = node.send([path])
    assert answer.status is not None or not content  # without a data set the request is aborted
    assert answer.status != status.PROCESSING_FAILURE  # that would be a defect of ours
    node.verify()
    if answer.status == 0:
        stored = dcmread(node.settings.spool_folder / node.instances()[-1].path)
        assert stored.SOPInstanceUID == f"{SERIES}.1"


def converse(node: RunningNode, *sent: bytes, established: bool = False) -> None:
    """Send bytes over one connection, take what comes, and close it.

    Parameters
    ----------
    established : first request an association and wait until it is accepted
    """
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.settimeout(1.0)
        try:
            if established:
                connection.sendall(associate_request())
                assert connection.recv(4096)[0] == 2  # A-ASSOCIATE-AC
            for part in sent:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        except OSError:
            return


@bounded
@given(content=st.binary(max_size=300))
def test_any_bytes_on_the_connection(node: RunningNode, content: bytes) -> None:
    """What is no PDU ends the connection, and the next caller is served."""
    converse(node, content)
    node.verify()


@bounded
@given(
    kind=st.integers(min_value=0, max_value=9),
    content=st.binary(max_size=200),
    established=st.booleans(),
)
def test_any_pdu(node: RunningNode, kind: int, content: bytes, established: bool) -> None:
    """A PDU of any type with any content, before and after an association is established."""
    pdu = bytes([kind, 0]) + len(content).to_bytes(4, "big") + content
    converse(node, pdu, established=established)
    node.verify()


@bounded
@given(
    changes=st.lists(
        st.tuples(st.integers(min_value=6, max_value=250), st.binary(min_size=1, max_size=4)),
        max_size=5,
    )
)
def test_any_association_request(node: RunningNode, changes: list[tuple[int, bytes]]) -> None:
    """An association request with some bytes replaced."""
    request = bytearray(associate_request())
    for offset, replacement in changes:
        request[offset : offset + len(replacement)] = replacement
    request[2:6] = (len(request) - 6).to_bytes(4, "big")
    converse(node, bytes(request))
    node.verify()


fragments = st.tuples(
    st.sampled_from([0, 1, 2, 3]),  # PS3.8 Annex E.2: data set or command, last or not
    st.sampled_from([1, 3, 255]),
    st.one_of(
        st.binary(max_size=120),
        st.sampled_from(
            [
                # A C-STORE-RQ with message id 1 for CT, and parts of it
                bytes.fromhex("0000000104000000") + b"\x01\0\0\0",
                bytes.fromhex("00000001020000000100"),
                bytes.fromhex("000000010200000030000000100102000000010000000008020000000000"),
            ]
        ),
    ),
)


@bounded
@given(parts=st.lists(fragments, min_size=1, max_size=5))
def test_any_message(node: RunningNode, parts: list[tuple[int, int, bytes]]) -> None:
    """Fragments of commands and data sets in any order, in any presentation context."""
    pdus = [fragment(content, control, context) for control, context, content in parts]
    converse(node, *pdus, established=True)
    node.verify()
