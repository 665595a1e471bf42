"""What subscribers are told about our work items, and that no report is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from database.session import query, transaction
from database.states import NotificationState
from database.tables.readers.work_item import WorkItemNotification
from database.work_items.notifications import claim_notification
from radiology.work_item import work_item_uid
from settings.peers import Peer, PeerRole
from tests.builders.stored.rows import claim, finish, queue_job
from tests.peers.dicom.work_item_manager import ManagerPeer, running_manager
from tests.peers.dicom.worklist_client import (
    EVERY_WORK_ITEM,
    WATCH,
    WorklistClient,
    code,
    data_set,
    worklist_client,
)
from tests.unit.dicom_node.running_node import SCANNER, RunningNode, running_node
from worker.deliver.ask_away import ask_one
from worker.deliver.report_work_items import report_one
from worker.equipment import Equipment
from worklist.administration.problems import Problem, find_problems

pytestmark = pytest.mark.integration

FIRST, SECOND = work_item_uid("2.25.1"), work_item_uid("2.25.2")
LOCK = "2.25.500"
SOON = datetime.now(UTC) + timedelta(hours=1)  # after whatever the node's own clock has written


@dataclass
class Hospital:
    """A node with one client, and that client as it is told things."""

    node: RunningNode
    told: ManagerPeer
    client: WorklistClient
    ear: ExitStack

    def report_all(self, now: datetime = SOON) -> int:
        """Send what is due; returns how many attempts were made."""
        count = 0
        while report_one(self._worker(now)):
            count += 1
        return count

    def ask(self, now: datetime) -> bool:
        """Ask who is away, if it is time to."""
        return ask_one(self._worker(now))

    def problems(self, now: datetime) -> tuple[Problem, ...]:
        """What `/health` says."""
        with query(self.node.engine) as session:
            return find_problems(session, self.node.settings, now)

    def _worker(self, now: datetime) -> Equipment:
        node = self.node
        return Equipment(node.settings, node.engine, "worker", lambda: now, jitter=lambda: 0.0)

    def rows(self) -> list[WorkItemNotification]:
        """The reports, the oldest first."""
        with query(self.node.engine) as session:
            return list(session.scalars(select(WorkItemNotification).order_by("id")))

    def heard(self) -> list[tuple[int, str, str]]:
        """Event type, work item and state of each report that came."""
        return [
            (kind, uid, str(information.get("ProcedureStepState", "")))
            for kind, uid, information in self.told.reports
        ]


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A node with one study, and a client with an ear of its own."""
    with ExitStack() as ear:
        told = ear.enter_context(running_manager(ae_title="READER"))
        reader = Peer(
            name="reader",
            ae_title="READER",  # type: ignore[arg-type]
            host="127.0.0.1",
            port=told.port,
            roles=frozenset({PeerRole.WORKLIST_CLIENT}),
        )
        with running_node(tmp_path / "node", peers=(SCANNER, reader)) as node:
            queue_job(node.engine, 1)
            with worklist_client(node.port) as client:
                yield Hospital(node, told, client, ear)


def test_a_subscriber_hears_everything(hospital: Hospital) -> None:
    """What is there, what comes, that the result is there, that it is claimed and canceled."""
    assert hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE") == 0x0000
    hospital.report_all()
    finish(hospital.node.engine, claim(hospital.node.engine), [])
    queue_job(hospital.node.engine, 2)
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.client.request_cancel(FIRST, "wrong study")
    hospital.client.change_state(FIRST, "CANCELED", LOCK)
    hospital.report_all()
    assert hospital.heard() == [
        (1, FIRST, "SCHEDULED"),
        (1, FIRST, "SCHEDULED"),  # ready now, and of high priority
        (1, SECOND, "SCHEDULED"),
        (1, FIRST, "IN PROGRESS"),
        (2, FIRST, ""),
        (3, FIRST, ""),
        (1, FIRST, "CANCELED"),
    ]
    readiness = [str(one.get("InputReadinessState", "")) for _, _, one in hospital.told.reports]
    assert readiness[:3] == ["INCOMPLETE", "READY", "INCOMPLETE"]
    asked = hospital.told.reports[4][2]
    assert (asked.RequestingAE, asked.ReasonForCancellation) == ("READER", "wrong study")
    assert {row.state for row in hospital.rows()} == {NotificationState.SENT}


def test_how_things_stand_is_told_to_whoever_asks_for_a_lock(hospital: Hospital) -> None:
    """PS3.4 Table CC.2.3-2: all of them at first only with a deletion lock, and each only once."""
    hospital.client.subscribe(EVERY_WORK_ITEM)
    assert hospital.rows() == []
    hospital.client.unsubscribe(EVERY_WORK_ITEM)
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    assert len(hospital.rows()) == 1
    hospital.client.subscribe(FIRST)
    assert len(hospital.rows()) == 2


def test_what_was_left_out_is_watched_again(hospital: Hospital) -> None:
    """PS3.4 Table CC.2.3-2: a new subscription to all takes in what was unsubscribed from."""
    hospital.client.subscribe(EVERY_WORK_ITEM)
    hospital.client.unsubscribe(FIRST)
    hospital.client.subscribe(EVERY_WORK_ITEM)
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.report_all()
    assert hospital.heard() == [(1, FIRST, "IN PROGRESS")]


def test_a_scheduled_one_that_is_canceled(hospital: Hospital) -> None:
    """It goes by way of IN PROGRESS; who asked, why and whom to talk to is passed on."""
    hospital.client.subscribe(EVERY_WORK_ITEM)
    information = data_set(
        ReasonForCancellation="wrong study",
        ProcedureStepDiscontinuationReasonCodeSequence=[code("110510", "DCM", "Duplicate order")],
        ContactURI="tel:+49-30-1",
        ContactDisplayName="Reading room 1",
    )
    assert hospital.client.act(FIRST, 2, information, WATCH) == 0x0000
    hospital.report_all()
    assert hospital.heard() == [
        (2, FIRST, ""),
        (1, FIRST, "IN PROGRESS"),
        (3, FIRST, ""),
        (1, FIRST, "CANCELED"),
    ]
    asked = hospital.told.reports[0][2]
    assert (asked.RequestingAE, asked.ReasonForCancellation) == ("READER", "wrong study")
    (why,) = asked.ProcedureStepDiscontinuationReasonCodeSequence
    assert why.CodeValue == "110510"
    assert (asked.ContactURI, asked.ContactDisplayName) == ("tel:+49-30-1", "Reading room 1")


def test_nobody_is_told_who_does_not_watch(hospital: Hospital) -> None:
    """Without a subscription there is no report, and none after it has ended."""
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    assert hospital.rows() == []
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.unsubscribe(EVERY_WORK_ITEM)
    queue_job(hospital.node.engine, 2)
    assert [row.work_item_id for row in hospital.rows()] == [1]  # how it stood at the beginning


def test_all_but_one(hospital: Hospital) -> None:
    """Who watches all of them can leave one out."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.unsubscribe(FIRST)
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    queue_job(hospital.node.engine, 2)
    hospital.report_all()
    assert hospital.heard() == [(1, FIRST, "SCHEDULED"), (1, SECOND, "SCHEDULED")]


def test_a_suspended_subscription(hospital: Hospital) -> None:
    """What is watched goes on being watched; what comes later is not."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.suspend(EVERY_WORK_ITEM)
    queue_job(hospital.node.engine, 2, SOON)
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.report_all()
    assert hospital.heard() == [(1, FIRST, "SCHEDULED"), (1, FIRST, "IN PROGRESS")]


def test_a_subscriber_that_is_busy(hospital: Hospital) -> None:
    """Nothing is lost and the order is kept: later reports wait behind the one that failed."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.told.answer_with = 0x0110
    assert hospital.report_all() == 1
    hospital.told.answer_with = None
    hospital.told.reports.clear()
    assert hospital.report_all() == 0  # not due yet
    hospital.report_all(SOON + timedelta(minutes=10))
    assert hospital.heard() == [(1, FIRST, "SCHEDULED"), (1, FIRST, "IN PROGRESS")]


def test_a_subscriber_that_is_away_hears_everything_once_it_is_back(hospital: Hospital) -> None:
    """Three days, far more attempts than anything else has; C-ECHO finds it before the next one."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.ear.close()
    now = SOON
    for _ in range(72):
        assert hospital.report_all(now) == 1, "the first tries for all"
        now += timedelta(hours=1)
    assert hospital.report_all(now) == 1
    first, behind = hospital.rows()
    assert (first.state, behind.state) == (NotificationState.WAITING, NotificationState.WAITING)
    assert first.attempts > hospital.node.settings.report_max_attempts
    assert (first.due_at - now).total_seconds() <= 300
    (told,) = (one for one in hospital.problems(now) if one.name == "subscriber_away")
    assert told.message.startswith("READER does not answer")
    assert "wait for it: 2, the oldest since" in told.message
    assert hospital.ask(now)
    hospital.ear.enter_context(running_manager(ae_title="READER", again=hospital.told))
    assert not hospital.ask(now + timedelta(seconds=10)), "it was asked just now"
    now += timedelta(seconds=21)
    assert hospital.report_all(now) == 0, "its next attempt is minutes away"
    assert hospital.ask(now)
    assert hospital.report_all(now) == 2
    assert hospital.heard() == [(1, FIRST, "SCHEDULED"), (1, FIRST, "IN PROGRESS")]
    assert not hospital.ask(now + timedelta(minutes=1)), "nothing waits for it"
    assert not [one for one in hospital.problems(now) if one.name == "subscriber_away"]


def test_a_subscriber_that_refuses(hospital: Hospital) -> None:
    """What is refused for good is not tried again, and holds nothing up."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    hospital.told.answer_with = 0x0113
    hospital.report_all()
    hospital.told.answer_with = None
    hospital.client.change_state(FIRST, "IN PROGRESS", LOCK)
    hospital.report_all()
    assert [row.state for row in hospital.rows()] == [
        NotificationState.FAILED,
        NotificationState.SENT,
    ]


def test_a_worker_that_dies(hospital: Hospital) -> None:
    """A report in the hands of a dead worker is sent once its lease has ended."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    with transaction(hospital.node.engine) as session:
        assert claim_notification(session, lease_s=60.0, now=SOON) is not None
    assert hospital.report_all(SOON + timedelta(seconds=30)) == 0
    assert hospital.report_all(SOON + timedelta(seconds=90)) == 1
    assert hospital.heard() == [(1, FIRST, "SCHEDULED")]


def test_a_subscriber_that_left_the_settings(hospital: Hospital) -> None:
    """Its reports end with the reason."""
    hospital.client.subscribe(EVERY_WORK_ITEM, lock="TRUE")
    settings = hospital.node.settings.model_copy(update={"peers": (SCANNER,)})
    hospital.node = replace(hospital.node, settings=settings)
    hospital.report_all()
    (row,) = hospital.rows()
    assert row.state is NotificationState.FAILED
    assert "settings" in row.error_message
