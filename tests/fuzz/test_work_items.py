"""Whatever a client sends about work items: a status or an abort, and the next one is served.

Bytes in the place of identifiers, action information and modification lists: any, damaged ones, and
well-formed ones with wrong VRs, endless nesting and unknown Transaction UIDs.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_FIND, N_ACTION, N_GET, N_SET
from pynetdicom.dsutils import encode

from dicom_node.request.verification import verify_peer
from radiology.work_item import work_item_uid
from settings.peers import Peer, PeerRole
from tests.builders.stored.rows import claim, finish, queue_job
from tests.peers.dicom.worklist_client import PULL, PUSH, code, data_set, performed_step
from tests.peers.waiting import wait_until
from tests.unit.dicom_node.running_node import RunningNode, running_node

pytestmark = [
    pytest.mark.integration,
    # pydicom warns about strange values; outside the tests such warnings are switched off.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]

bounded = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

READER = Peer(
    name="reader",
    ae_title="READER",  # type: ignore[arg-type]
    roles=frozenset({PeerRole.WORKLIST_CLIENT}),
)
UID_OF_ONE = work_item_uid("2.25.1")


def encoded(made: Dataset) -> bytes:
    """Implicit VR Little Endian."""
    content = encode(made, True, True)
    assert content is not None
    return content


def nested(depth: int) -> bytes:
    """Items of undefined length within each other (PS3.5 Section 7.5), and never an end."""
    return b"\x40\x00\x21\x40\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth


WHOLE = [
    encoded(data_set(ProcedureStepState="SCHEDULED", PatientID="*", WorklistLabel="")),
    encoded(data_set(ProcedureStepState="IN PROGRESS", TransactionUID="2.25.5")),
    encoded(data_set(ScheduledWorkitemCodeSequence=[code("110005", "DCM", "")])),
    encoded(data_set(ReceivingAE="READER", DeletionLock="FALSE", ReasonForCancellation="x")),
    encoded(
        data_set(
            TransactionUID="2.25.5",
            UnifiedProcedureStepPerformedProcedureSequence=[performed_step()],
        )
    ),
    encoded(data_set(ScheduledProcedureStepStartDateTime="20260101-")),
]


def _damaged(whole: bytes, offset: int, bytes_: bytes, cut: int) -> bytes:
    return (whole[:offset] + bytes_ + whole[offset + len(bytes_) :])[:cut]


content = st.one_of(
    st.binary(min_size=1, max_size=200),
    st.sampled_from(WHOLE),
    st.builds(
        _damaged,
        st.sampled_from(WHOLE),
        st.integers(min_value=0, max_value=120),
        st.binary(max_size=20),
        st.integers(min_value=1, max_value=300),
    ),
    st.sampled_from([3, 50, 2000, 15000]).map(nested),
)
uids = st.sampled_from([UID_OF_ONE, "1.2.840.10008.5.1.4.34.5", "2.25.404", "x", "1" * 64])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node for all examples: it must survive them."""
    folder = tmp_path_factory.mktemp("node")
    with running_node(folder, peers=(READER,), association_idle_s=5.0) as running:
        queue_job(running.engine, 1)
        finish(running.engine, claim(running.engine), [])
        yield running
        wait_until(
            lambda: not running.open_associations(), what="the end of all association threads"
        )


def ask(node: RunningNode, request: Any) -> int | None:
    """Send a request as it is; the last status, or None when the association was aborted."""
    entity = AE(ae_title="READER")
    entity.add_requested_context(PULL, "1.2.840.10008.1.2")
    association = entity.associate("127.0.0.1", node.port, ae_title="FIRSTREAD")
    assert association.is_established
    try:
        return _last_status(association, request)
    finally:
        if association.is_established:
            association.release()


def _last_status(association: Association, request: Any) -> int | None:
    (context,) = association.accepted_contexts
    assert context.context_id is not None
    association._reactor_checkpoint.clear()  # as every send_… of the library does
    while not association._is_paused:
        pass
    association.dimse.send_msg(request, context.context_id)
    status: int | None = 0xFF00
    while status is not None and status & 0xFF00 == 0xFF00:
        _, answer = association.dimse.get_msg(block=True)
        status = None if answer is None else answer.Status
    association._reactor_checkpoint.set()
    return status


def check(node: RunningNode, request: Any) -> None:
    """A status that is no defect of ours, or an abort; and the next caller is served."""
    status = ask(node, request)
    assert status != 0x0110, "processing failure: a defect"
    verify_peer(node.as_peer, calling_ae_title="READER", timeout_s=20)


@bounded
@given(identifier=content)
def test_any_identifier(node: RunningNode, identifier: bytes) -> None:
    """C-FIND."""
    request = C_FIND()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = UID(PULL)
    request.Identifier = BytesIO(identifier)
    check(node, request)


@bounded
@given(information=content, uid=uids, kind=st.integers(min_value=0, max_value=6))
def test_any_action(node: RunningNode, information: bytes, uid: str, kind: int) -> None:
    """N-ACTION of any type."""
    request = N_ACTION()
    request.MessageID, request.ActionTypeID = 1, kind
    request.RequestedSOPClassUID = UID(PUSH)
    request.RequestedSOPInstanceUID = UID(uid)
    request.ActionInformation = BytesIO(information)
    check(node, request)


@bounded
@given(modifications=content, uid=uids)
def test_any_modification(node: RunningNode, modifications: bytes, uid: str) -> None:
    """N-SET."""
    request = N_SET()
    request.MessageID = 1
    request.RequestedSOPClassUID = UID(PUSH)
    request.RequestedSOPInstanceUID = UID(uid)
    request.ModificationList = BytesIO(modifications)
    check(node, request)
    # What was kept can be shown.
    request = N_GET()
    request.MessageID = 2
    request.RequestedSOPClassUID = UID(PUSH)
    request.RequestedSOPInstanceUID = UID(UID_OF_ONE)
    assert ask(node, request) == 0x0000


@bounded
@given(uid=uids, sop_class=st.sampled_from([PUSH, PULL, "1.2.840.10008.5.1.4.1.1.2"]))
def test_any_get(node: RunningNode, uid: str, sop_class: str) -> None:
    """N-GET, of any SOP class too."""
    request = N_GET()
    request.MessageID = 1
    request.RequestedSOPClassUID = UID(sop_class)
    request.RequestedSOPInstanceUID = UID(uid)
    check(node, request)


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_a_huge_data_set(node: RunningNode, size: int) -> None:
    """More than any work item needs is refused without being decoded."""
    request = N_SET()
    request.MessageID = 1
    request.RequestedSOPClassUID = UID(PUSH)
    request.RequestedSOPInstanceUID = UID(UID_OF_ONE)
    request.ModificationList = BytesIO(b"\0" * size)
    assert ask(node, request) == 0x0213
