"""What nobody foresaw in an attempt at a row: what becomes of the row, in each queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from database.priors.requests import request_priors
from database.session import Engine, reading, transaction
from database.tables.analysis import Delivery, Study
from database.tables.prior import PriorRequest
from database.tables.work_item import WorkItemNotification, WorkItemRow
from radiology.identity import AETitle
from settings.environment import Settings
from settings.peers import Peer, PeerRole
from tests.builders.stored.rows import claim, finish, later, queue_job
from worker.deliver import deliver_results, report_work_items
from worker.deliver.deliver_results import deliver_one
from worker.deliver.report_work_items import report_one
from worker.priors import retrieve_priors
from worker.priors.retrieve_priors import retrieve_one

pytestmark = pytest.mark.integration

PACS = Peer(
    name="pacs",
    ae_title=AETitle("PACS"),
    host="127.0.0.1",
    port=1,  # where nothing listens
    roles=frozenset(PeerRole),
)
A_LEASE_S = 700.0  # longer than the lease of any of these queues
QUOTED = "Doe^Jane"  # as the messages of libraries quote values


def break_down(*_: object, **__: object) -> None:
    raise KeyError(QUOTED)


@dataclass
class Queue:
    """One queue with one row, whose step breaks down each time."""

    engine: Engine
    settings: Settings
    attempt_one: Callable[..., bool]
    table: type[Any]

    def attempt(self, now: datetime) -> bool:
        return self.attempt_one(self.settings, self.engine, lambda: now, lambda: 0.0)

    def row(self) -> Any:
        with reading(self.engine) as session:
            return session.scalars(select(self.table)).one()


def a_delivery(engine: Engine) -> None:
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=["pacs"])


def a_report(engine: Engine) -> None:
    queue_job(engine, study=1)
    with transaction(engine) as session:
        work_item = session.scalars(select(WorkItemRow)).one()
        session.add(
            WorkItemNotification(
                receiving_ae_title="PACS",
                work_item_id=work_item.id,
                event_type=1,
                information={},
                created_at=later(0),
                due_at=later(0),
            )
        )


def a_request(engine: Engine) -> None:
    queue_job(engine, study=1)
    finish(engine, claim(engine), destinations=[])
    with transaction(engine) as session:
        session.execute(update(Study).values(patient_id="4711"))
        study = session.scalars(select(Study)).one()
        request_priors(session, study.id, ["pacs"], later(0), limit_s=1e6)


QUEUES = {
    "deliveries": (a_delivery, deliver_one, Delivery, deliver_results, "send_instances"),
    "reports": (a_report, report_one, WorkItemNotification, report_work_items, "report_event"),
    "requests": (
        a_request,
        retrieve_one,
        PriorRequest,
        retrieve_priors,
        "read_patient_identity",
    ),
}


@pytest.fixture(params=QUEUES)
def queue(
    request: pytest.FixtureRequest,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Queue:
    """Each queue in turn."""
    make_row, attempt_one, table, module, step = QUEUES[request.param]
    make_row(engine)
    monkeypatch.setattr(module, step, break_down)
    return Queue(engine, Settings(data_folder=tmp_path, peers=(PACS,)), attempt_one, table)


def test_a_defect_comes_back_for_ever(queue: Queue) -> None:
    """It ends the task, and when the lease is over the row is claimed and breaks down again."""
    now = later(10)
    for attempts in range(1, 60):  # more than any queue tries what is unavailable
        with pytest.raises(KeyError):
            queue.attempt(now)
        row = queue.row()
        assert (row.state.value, row.attempts, row.error_kind) == ("waiting", attempts, "")
        now += timedelta(seconds=A_LEASE_S)
