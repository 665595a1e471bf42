"""Flags as work items of a UPS SCP that is not ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom_node.work_items.scu import WorkItemManager
from radiology.errors import PeerBusy, PeerRefused, PeerUnreachable, SettingsRefused
from radiology.urgency import Urgency
from radiology.work_item import WorkItemState
from settings.environment import Settings
from settings.flags import WorkItemChannel
from settings.peers import Peer
from tests.builders.stored.notices import RAISED_AT, notice
from tests.peers.dicom.work_item_manager import PUSH, ManagerPeer, running_manager
from tests.peers.ports import free_port
from worker.flag.channel import NoticeKind
from worker.flag.unified_procedure_step import UnifiedProcedureStep

pytestmark = pytest.mark.integration


@pytest.fixture
def manager() -> Iterator[ManagerPeer]:
    """A manager of work items, not ours."""
    with running_manager() as running:
        yield running


def channel_to(peer: Peer, folder: Path, *, answer_s: float = 10.0) -> UnifiedProcedureStep:
    """The channel to a peer."""
    settings = Settings(data_folder=folder, peers=(peer,))
    named = WorkItemChannel(kind="work-item", name="ups", peer=peer.name, answer_s=answer_s)
    return UnifiedProcedureStep(named, settings)


def test_a_flag_becomes_a_work_item(manager: ManagerPeer, tmp_path: Path) -> None:
    """The manager has one work item: of high priority, about the study, with our results."""
    answer = channel_to(manager.as_peer, tmp_path).send(notice(), RAISED_AT)
    assert answer.code == "0x0000"
    assert answer.acknowledged_by == ""
    (item,) = manager.work_items.values()
    assert list(manager.work_items) == [answer.reference]
    assert item.ScheduledProcedureStepPriority == "HIGH"
    assert item.ProcedureStepState == "SCHEDULED"
    assert item.WorklistLabel == "Firstread"
    assert item.ScheduledWorkitemCodeSequence[0].CodeValue == "110005"
    assert item.ReferencedRequestSequence[0].StudyInstanceUID == "2.25.1"
    assert item.ReferencedRequestSequence[0].AccessionNumber == "A-0001"
    assert item.PatientName == ""
    assert item.TransactionUID == ""
    named = [one.ReferencedSOPSequence[0] for one in item.InputInformationSequence]
    assert [one.ReferencedSOPInstanceUID for one in named] == ["2.25.80", "2.25.90"]


def test_sending_twice_makes_one_work_item(manager: ManagerPeer, tmp_path: Path) -> None:
    """A notice whose answer was lost is sent again, and meets its own work item."""
    channel = channel_to(manager.as_peer, tmp_path)
    first = channel.send(notice(), RAISED_AT)
    second = channel.send(notice(), RAISED_AT)
    assert first.reference == second.reference
    assert len(manager.work_items) == 1
    assert [operation for operation, _ in manager.heard] == ["create", "create", "set", "get"]


def test_a_newer_result_changes_the_priority(manager: ManagerPeer, tmp_path: Path) -> None:
    """Raised again with another urgency, the same work item says so."""
    channel = channel_to(manager.as_peer, tmp_path)
    reference = channel.send(notice(), RAISED_AT).reference
    channel.send(notice(NoticeKind.RAISED_AGAIN, urgency=Urgency.SUSPECTED), RAISED_AT)
    assert manager.work_items[reference].ScheduledProcedureStepPriority == "MEDIUM"


def test_a_claimed_work_item_acknowledges(manager: ManagerPeer, tmp_path: Path) -> None:
    """Somebody works on it: it is left alone, and the flag has been seen."""
    channel = channel_to(manager.as_peer, tmp_path)
    reference = channel.send(notice(), RAISED_AT).reference
    manager.work_items[reference].ProcedureStepState = "IN PROGRESS"
    manager.work_items[reference].TransactionUID = "2.25.5"
    answer = channel.send(notice(NoticeKind.RAISED_AGAIN, urgency=Urgency.SUSPECTED), RAISED_AT)
    assert answer.acknowledged_by == "ups"
    assert manager.work_items[reference].ScheduledProcedureStepPriority == "HIGH"


def test_a_withdrawn_flag_cancels_its_work_item(manager: ManagerPeer, tmp_path: Path) -> None:
    """Withdrawn twice, and once without a work item: canceled, and nothing else is wrong."""
    channel = channel_to(manager.as_peer, tmp_path)
    reference = channel.send(notice(), RAISED_AT).reference
    assert channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT).code == "0x0000"
    assert manager.state(reference) == "CANCELED"
    assert channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT).code == "0xB304"
    other = channel.send(notice(NoticeKind.WITHDRAWN, flag_uid="2.25.78"), RAISED_AT)
    assert other.code == "0xC307"


def test_an_acknowledged_flag_is_marked(manager: ManagerPeer, tmp_path: Path) -> None:
    """Acknowledged elsewhere: the work item stays and says so; a final one is no fault."""
    channel = channel_to(manager.as_peer, tmp_path)
    reference = channel.send(notice(), RAISED_AT).reference
    channel.send(notice(NoticeKind.ACKNOWLEDGED), RAISED_AT)
    item = manager.work_items[reference]
    assert "Acknowledged" in item.CommentsOnTheScheduledProcedureStep
    item.ProcedureStepState = "COMPLETED"
    assert channel.send(notice(NoticeKind.ACKNOWLEDGED), RAISED_AT).code == "0xC300"


@pytest.mark.parametrize(
    ("status", "error"),
    [(0x0110, PeerBusy), (0x0213, PeerBusy), (0x0122, PeerRefused), (0x0106, PeerRefused)],
)
def test_a_manager_that_refuses(
    manager: ManagerPeer, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    """What may pass is tried again; what will not is said."""
    manager.answer_with = status
    with pytest.raises(error):
        channel_to(manager.as_peer, tmp_path).send(notice(), RAISED_AT)


def test_a_manager_that_breaks_off(manager: ManagerPeer, tmp_path: Path) -> None:
    """The work item was made and the answer lost: once more, and there is still one."""
    manager.before_answer = lambda event: event.assoc.abort()
    channel = channel_to(manager.as_peer, tmp_path)
    with pytest.raises(PeerUnreachable):
        channel.send(notice(), RAISED_AT)
    manager.before_answer = lambda event: None
    channel.send(notice(), RAISED_AT)
    assert len(manager.work_items) == 1


def test_a_manager_that_hangs(manager: ManagerPeer, tmp_path: Path) -> None:
    """No answer in time: the notice is tried again, and meets its own work item."""
    go_on = threading.Event()
    manager.before_answer = lambda event: go_on.wait(20) and None
    with pytest.raises(PeerUnreachable):
        channel_to(manager.as_peer, tmp_path, answer_s=0.5).send(notice(), RAISED_AT)
    go_on.set()
    channel_to(manager.as_peer, tmp_path).send(notice(), RAISED_AT)
    assert len(manager.work_items) == 1


def test_nobody_there(tmp_path: Path) -> None:
    """Nothing listens at the address."""
    peer = Peer(name="manager", ae_title="MANAGER", host="127.0.0.1", port=free_port())  # type: ignore[arg-type]
    with pytest.raises(PeerUnreachable):
        channel_to(peer, tmp_path).send(notice(), RAISED_AT)


def test_a_manager_without_pull(tmp_path: Path) -> None:
    """A work item can be created there, and the message says why it cannot be changed."""
    with running_manager(offers=(PUSH,)) as manager:
        channel = channel_to(manager.as_peer, tmp_path)
        channel.send(notice(), RAISED_AT)
        with pytest.raises(PeerRefused, match="UPS Pull"):
            channel.send(notice(), RAISED_AT)


def test_no_work_items_at_all(tmp_path: Path) -> None:
    """A peer without UPS says what to enable."""
    with (
        running_manager(offers=()) as manager,
        pytest.raises(PeerRefused, match=r"UPS|nothing"),
    ):
        channel_to(manager.as_peer, tmp_path).send(notice(), RAISED_AT)


def test_a_channel_without_its_peer(tmp_path: Path) -> None:
    """The settings name a peer that is not there."""
    named = WorkItemChannel(kind="work-item", name="ups", peer="elsewhere")
    with pytest.raises(SettingsRefused, match="no peer"):
        UnifiedProcedureStep(named, Settings(data_folder=tmp_path))


def test_claiming_and_completing_as_scu(manager: ManagerPeer, tmp_path: Path) -> None:
    """The state changes with a Transaction UID, and N-GET says where it stands."""
    reference = channel_to(manager.as_peer, tmp_path).send(notice(), RAISED_AT).reference
    scu = WorkItemManager(manager.as_peer, calling_ae_title="FIRSTREAD", timeout_s=10)
    scu.change_state(reference, WorkItemState.IN_PROGRESS, "2.25.5")
    assert scu.state_of(reference).state is WorkItemState.IN_PROGRESS
    scu.change_state(reference, WorkItemState.COMPLETED, "2.25.5")
    assert scu.state_of(reference).is_taken


def test_a_flag_that_is_raised_after_it_was_withdrawn(manager: ManagerPeer, tmp_path: Path) -> None:
    """A canceled work item stays canceled: the next one is made, and it is the one to withdraw."""
    channel = channel_to(manager.as_peer, tmp_path)
    first = channel.send(notice(), RAISED_AT).reference
    channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT)
    second = channel.send(notice(), RAISED_AT).reference
    assert channel.send(notice(NoticeKind.RAISED_AGAIN), RAISED_AT).reference == second != first
    assert manager.state(second) == "SCHEDULED"
    withdrawn = channel.send(notice(NoticeKind.WITHDRAWN), RAISED_AT)
    assert withdrawn.reference == second
    assert manager.state(second) == "CANCELED"


def test_what_is_said_after_reading_is_to_be_read(manager: ManagerPeer, tmp_path: Path) -> None:
    """Nobody who completed the first work item knew of a result that came later."""
    channel = channel_to(manager.as_peer, tmp_path)
    first = channel.send(notice(), RAISED_AT).reference
    manager.work_items[first].ProcedureStepState = "COMPLETED"
    again = channel.send(notice(NoticeKind.RAISED_AGAIN), RAISED_AT)
    assert again.reference != first
    assert again.acknowledged_by == ""
    assert manager.state(again.reference) == "SCHEDULED"
