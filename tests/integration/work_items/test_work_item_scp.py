"""Our work items, as pynetdicom's own SCU finds, claims and completes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Event
from dicom_node.request.c_store import send_instances
from dicom_node.work_items.scu import WorkItemManager
from radiology.errors import PeerRefused
from radiology.work_item import WorkItemState, work_item_uid
from settings.peers import Peer, PeerRole
from tests.builders.stored.notices import RAISED_AT, notice
from tests.builders.stored.rows import claim, finish, queue_job
from tests.peers.dicom.worklist_client import (
    EVERY_WORK_ITEM,
    PULL,
    WorklistClient,
    code,
    data_set,
    performed_step,
    worklist_client,
)
from tests.peers.ports import free_port
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node
from tests.unit.dicom_node.small_ct import small_ct, write
from worker.flag.flagged_work_item import flagged_work_item

pytestmark = pytest.mark.integration

READER = Peer(
    name="reader",
    ae_title="READER",  # type: ignore[arg-type]
    host="127.0.0.1",
    port=free_port(),
    roles=frozenset({PeerRole.WORKLIST_CLIENT}),
)
OTHER = Peer(
    name="other",
    ae_title="OTHER",  # type: ignore[arg-type]
    roles=frozenset({PeerRole.WORKLIST_CLIENT}),
)
FIRST, SECOND = work_item_uid("2.25.1"), work_item_uid("2.25.2")
LOCK, ANOTHER_LOCK = "2.25.500", "2.25.501"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node with an urgent study (2.25.1) and one that waits for its result (2.25.2)."""
    with running_node(tmp_path / "node", peers=(SCANNER, READER, OTHER)) as running:
        queue_job(running.engine, 1)
        finish(running.engine, claim(running.engine), [])
        queue_job(running.engine, 2)
        yield running


@pytest.fixture
def reader(node: RunningNode) -> Iterator[WorklistClient]:
    """A client of the node."""
    with worklist_client(node.port) as client:
        yield client


def events(node: RunningNode, name: str) -> list[Event]:
    """The events of one name."""
    with query(node.engine) as session:
        return list(session.scalars(select(Event).where(Event.name == name)))


def test_the_most_urgent_comes_first(reader: WorklistClient) -> None:
    """A client that asks for what is scheduled gets the urgent study before the unread one."""
    found = reader.find(
        ProcedureStepState="SCHEDULED",
        ScheduledProcedureStepPriority="",
        WorklistLabel="Firstread",
        InputReadinessState="",
        PatientName="",
        TransactionUID="",
    )
    assert [one.SOPInstanceUID for one in found] == [FIRST, SECOND]
    assert [one.ScheduledProcedureStepPriority for one in found] == ["HIGH", "MEDIUM"]
    assert [one.InputReadinessState for one in found] == ["READY", "INCOMPLETE"]
    assert all(not one.get("TransactionUID") for one in found)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"ScheduledProcedureStepPriority": "HIGH"}, [FIRST]),
        ({"ScheduledProcedureStepPriority": "LOW"}, []),
        ({"ProcedureStepState": "COMPLETED"}, []),
        ({"WorklistLabel": "First*"}, [FIRST, SECOND]),
        ({"WorklistLabel": "Other"}, []),
        ({"SOPInstanceUID": SECOND}, [SECOND]),
        ({"SOPInstanceUID": [FIRST, SECOND]}, [FIRST, SECOND]),
        ({"ScheduledProcedureStepStartDateTime": "20260101-20260102"}, [FIRST, SECOND]),
        ({"ScheduledProcedureStepStartDateTime": "20260102-"}, []),
        ({"ScheduledProcedureStepStartDateTime": "-2025"}, []),
        ({"PatientID": "nobody"}, []),
        (
            {"ReferencedRequestSequence": [data_set(StudyInstanceUID="2.25.2")]},
            [SECOND],
        ),
        (
            {"ScheduledWorkitemCodeSequence": [code("110005", "DCM", "")]},
            [FIRST, SECOND],
        ),
        ({"ScheduledWorkitemCodeSequence": [code("110001", "DCM", "")]}, []),
        ({"ScheduledStationNameCodeSequence": []}, [FIRST, SECOND]),
    ],
)
def test_matching(reader: WorklistClient, keys: dict[str, object], expected: list[str]) -> None:
    """Each kind of matching: single value, wildcard, list of UID, range, sequence, universal."""
    assert [one.SOPInstanceUID for one in reader.find(**keys)] == expected


def test_a_range_on_the_clock_of_the_client(reader: WorklistClient) -> None:
    """(0008,0201) in the identifier: its moments are local time there (PS3.4 CC.2.8.1.3)."""
    (first, *_) = reader.find(ScheduledProcedureStepStartDateTime="")
    at = datetime.strptime(first.ScheduledProcedureStepStartDateTime, "%Y%m%d%H%M%S%z")
    local = at.astimezone(timezone(timedelta(hours=9)))
    minute = timedelta(minutes=1)
    wanted = f"{local - minute:%Y%m%d%H%M%S}-{local + minute:%Y%m%d%H%M%S}"
    keys = {"ScheduledProcedureStepStartDateTime": wanted}
    assert FIRST in [
        one.SOPInstanceUID for one in reader.find(TimezoneOffsetFromUTC="+0900", **keys)
    ]
    assert reader.find(TimezoneOffsetFromUTC="+0000", **keys) == []
    refused = data_set(TimezoneOffsetFromUTC="JST", **keys)
    ((status, _),) = reader.association.send_c_find(refused, PULL)
    assert status.Status == 0xA900


def test_what_a_client_performed_keeps_its_clock(reader: WorklistClient) -> None:
    """An N-SET with (0008,0201): whoever reads the work item sees the moments with their offset."""
    assert reader.change_state(FIRST, "IN PROGRESS", LOCK) == 0x0000
    step = performed_step()
    step.PerformedProcedureStepStartDateTime = "20260101210500"
    written = {"UnifiedProcedureStepPerformedProcedureSequence": [step]}
    changed = reader.set(FIRST, TransactionUID=LOCK, TimezoneOffsetFromUTC="+0900", **written)
    assert changed == 0x0000
    _, attributes = reader.get(FIRST)
    assert attributes is not None
    (kept,) = attributes.UnifiedProcedureStepPerformedProcedureSequence
    assert kept.PerformedProcedureStepStartDateTime == "20260101210500+0900"
    assert kept.PerformedProcedureStepEndDateTime == "20260101121000+0000"


def test_reading_a_study_from_beginning_to_end(node: RunningNode, reader: WorklistClient) -> None:
    """Found, claimed, read and completed: each step as PS3.4 wants it."""
    assert reader.change_state(FIRST, "IN PROGRESS", LOCK) == 0x0000
    (claimed,) = events(node, "work_item_claimed")
    assert claimed.facts["claimed_by"] == "READER"
    status, attributes = reader.get(FIRST)
    assert status == 0x0000
    assert attributes is not None
    assert attributes.ProcedureStepState == "IN PROGRESS"
    assert "TransactionUID" not in attributes
    inputs = attributes.InputInformationSequence
    assert [one.SeriesInstanceUID for one in inputs] == ["2.25.1.1", "2.25.901"]
    assert inputs[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.1.1.1"
    assert reader.change_state(FIRST, "COMPLETED", LOCK) == 0xC304
    step = performed_step()
    written = {"UnifiedProcedureStepPerformedProcedureSequence": [step]}
    assert reader.set(FIRST, TransactionUID=ANOTHER_LOCK, **written) == 0xC301
    assert reader.set(FIRST, TransactionUID=LOCK, **written) == 0x0000
    assert reader.change_state(FIRST, "COMPLETED", LOCK) == 0x0000
    assert reader.change_state(FIRST, "COMPLETED", LOCK) == 0xB306
    assert reader.set(FIRST, TransactionUID=LOCK, **written) == 0xC300
    _, attributes = reader.get(FIRST)
    assert attributes is not None
    (shown,) = attributes.UnifiedProcedureStepPerformedProcedureSequence
    assert shown.PerformedWorkitemCodeSequence[0].CodeMeaning == "Interpretation"
    assert len(events(node, "work_item_completed")) == 1


def test_canceling(reader: WorklistClient) -> None:
    """A scheduled one is canceled on request; it says when and why."""
    assert reader.request_cancel(SECOND, "no longer needed") == 0x0000
    assert reader.request_cancel(SECOND) == 0xB304
    assert reader.change_state(SECOND, "IN PROGRESS", LOCK) == 0xC300
    _, attributes = reader.get(SECOND)
    assert attributes is not None
    assert attributes.ProcedureStepState == "CANCELED"
    (progress,) = attributes.ProcedureStepProgressInformationSequence
    assert progress.ProcedureStepCancellationDateTime
    assert progress.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"


def test_a_performer_that_cannot_be_told(reader: WorklistClient) -> None:
    """Cancelation of a claimed one is passed on, if whoever claimed it watches it."""
    reader.change_state(FIRST, "IN PROGRESS", LOCK)
    assert reader.request_cancel(FIRST) == 0xC312
    assert reader.subscribe(FIRST) == 0x0000
    assert reader.request_cancel(FIRST) == 0x0000


@pytest.mark.parametrize("uid", ["2.25.404", EVERY_WORK_ITEM])
def test_no_such_work_item(reader: WorklistClient, uid: str) -> None:
    """Whatever is asked about one that is not there, the status says so."""
    assert reader.get(uid)[0] == 0xC307
    assert reader.set(uid, TransactionUID=LOCK) == 0xC307
    assert reader.change_state(uid, "IN PROGRESS", LOCK) == 0xC307
    assert reader.request_cancel(uid) == 0xC307


def test_subscriptions(reader: WorklistClient) -> None:
    """Only clients with an address can be told, and only what exists can be watched."""
    assert reader.subscribe(EVERY_WORK_ITEM) == 0x0000
    assert reader.subscribe(FIRST, receiver="NOBODY") == 0xC308
    assert reader.subscribe(FIRST, receiver="OTHER") == 0xC308  # no host and port
    assert reader.subscribe("2.25.404") == 0xC307
    assert reader.subscribe(FIRST, lock="PERHAPS") == 0x0115
    assert reader.suspend(FIRST) == 0xC314
    assert reader.suspend(EVERY_WORK_ITEM) == 0x0000
    assert reader.unsubscribe(EVERY_WORK_ITEM) == 0x0000
    assert reader.act(FIRST, 9, data_set(ReceivingAE="READER"), "1.2.840.10008.5.1.4.34.6.3") == (
        0x0123
    )


def test_what_only_the_study_can_say(reader: WorklistClient) -> None:
    """A client cannot change priority or state by N-SET: it is told so, nothing changes."""
    assert reader.set(FIRST, ScheduledProcedureStepPriority="LOW") == 0x0001
    assert reader.set(FIRST, ProcedureStepState="COMPLETED") == 0x0106
    assert reader.get(FIRST)[1].ScheduledProcedureStepPriority == "HIGH"  # type: ignore[union-attr]


def test_some_attributes(reader: WorklistClient) -> None:
    """N-GET of a few gives those, and says when one is not known."""
    status, attributes = reader.get(FIRST, ("ProcedureStepState", "PatientID"))
    assert status == 0x0000
    assert attributes is not None
    assert [element.keyword for element in attributes] == ["PatientID", "ProcedureStepState"]
    assert reader.get(FIRST, ("PixelData",))[0] == 0x0001


def test_strangers_are_not_offered_work_items(tmp_path: Path) -> None:
    """Neither a scanner, nor anybody where every caller is let in, sees the worklist."""
    with (
        running_node(tmp_path / "node", peers=(SCANNER,), accept_any_peer=True) as node,
        pytest.raises(AssertionError, match="not let in"),
        worklist_client(node.port, "SCANNER"),
    ):
        pass


def test_a_client_cannot_store(node: RunningNode, tmp_path: Path) -> None:
    """The role of a client allows nothing else."""
    with pytest.raises(PeerRefused):
        send_instances(
            [write(small_ct(), tmp_path)],
            node.as_peer,
            calling_ae_title="OTHER",
            timeout_s=10,
        )


def test_our_own_scu(node: RunningNode) -> None:
    """Our SCU against our SCP: asked about, claimed, canceled; and nothing can be created here."""
    scu = WorkItemManager(node.as_peer, calling_ae_title="READER", timeout_s=10)
    assert scu.state_of(FIRST).state is WorkItemState.SCHEDULED
    scu.change_state(FIRST, WorkItemState.IN_PROGRESS, LOCK)
    assert scu.state_of(FIRST).is_taken
    assert scu.request_cancel(FIRST, "withdrawn").status == 0xC312
    scu.change_state(FIRST, WorkItemState.CANCELED, LOCK)
    assert scu.request_cancel(FIRST, "withdrawn").status == 0xB304
    assert scu.request_cancel(SECOND, "withdrawn").status == 0x0000
    assert scu.request_cancel("2.25.404", "withdrawn").status == 0xC307
    with pytest.raises(PeerRefused, match="UPS Push"):
        scu.put(flagged_work_item(notice(), RAISED_AT))


def test_two_clients_claim_at_once(node: RunningNode) -> None:
    """Of two that claim at the same moment exactly one gets the work item."""
    statuses: list[int] = []
    together = threading.Barrier(2)

    def claim_it(title: str, lock: str) -> None:
        with worklist_client(node.port, title) as client:
            together.wait(20)
            statuses.append(client.change_state(FIRST, "IN PROGRESS", lock))

    threads = [
        threading.Thread(target=claim_it, args=one)
        for one in (("READER", LOCK), ("OTHER", ANOTHER_LOCK))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [0x0000, 0xC301]  # the other one's Transaction UID is not correct
    with query(node.engine) as session:
        row = session.scalars(
            select(WorkItemRow).where(WorkItemRow.sop_instance_uid == FIRST)
        ).one()
        assert (row.claimed_by, row.transaction_uid) in (("READER", LOCK), ("OTHER", ANOTHER_LOCK))
