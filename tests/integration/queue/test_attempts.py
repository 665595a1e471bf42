"""One rule for every queue: what becomes of a row whose attempt does not succeed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from database.jobs.requeue import requeue_expired
from database.session import Engine, query, transaction
from database.tables.readers.flag import FlagNotice
from database.tables.readers.upload import Upload
from database.tables.readers.work_item import WorkItemNotification
from database.tables.study.analysis import Delivery, Job
from database.tables.study.prior import PriorRequest
from database.views.unfinished_rows import defects
from radiology.errors import NotCommitted, PeerUnreachable, SliceMissing
from radiology.identity import AETitle
from settings.environment import Settings
from settings.flags import Flagging
from settings.peers import Peer, PeerRole
from tests.builders.stored.flags import webhook
from tests.builders.stored.results import Moment
from tests.builders.stored.rows import later
from tests.integration.queue.attempted_rows import KINDS, Kind, write_result_objects
from worker.equipment import Equipment
from worker.upload.sweep_uploads import sweep_uploads

pytestmark = pytest.mark.integration

PACS = Peer(
    name="pacs",
    ae_title=AETitle("PACS"),
    host="127.0.0.1",
    port=1,  # where nothing listens
    roles=frozenset(PeerRole),
)
A_LEASE_S = 700.0  # longer than the lease of any queue, and than any wait
QUOTED = "Doe^Jane"  # as the messages of libraries quote values
OPEN = ("waiting", "queued")


@dataclass
class Queue:
    """One queue with one row, and a worker on a clock that the test moves."""

    kind: Kind
    equipment: Equipment
    clock: Moment
    monkeypatch: pytest.MonkeyPatch

    def goes_wrong(self, happens: Callable[[], object]) -> None:
        """From now on this happens in the step."""
        self.monkeypatch.setattr(self.kind.owner, self.kind.step, lambda *_, **__: happens())

    def attempt(self) -> bool:
        """What a worker does, and then the sweep when some time has gone."""
        done = self.kind.attempt_one(self.equipment)
        self.later()
        return done

    def later(self) -> None:
        """Let a lease end."""
        self.clock.now += timedelta(seconds=A_LEASE_S)
        settings, engine = self.equipment.settings, self.equipment.engine
        with transaction(engine) as session:
            requeue_expired(session, max_attempts=settings.max_attempts, now=self.clock.now)
        sweep_uploads(settings, engine, self.clock.now)

    def row(self) -> Any:
        with query(self.equipment.engine) as session:
            return session.scalars(select(self.kind.table)).one()


@pytest.fixture(params=KINDS)
def queue(
    request: pytest.FixtureRequest,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Queue:
    """Each queue in turn."""
    kind = KINDS[request.param]
    kind.make_row(engine)
    settings = Settings(
        data_folder=tmp_path,
        peers=(PACS,),
        flags=(webhook(),),
        delivery_max_attempts=4,
        report_max_attempts=5,
        flagging=Flagging(max_attempts=6),
    )
    write_result_objects(engine, settings)
    clock = Moment(later(10))
    equipment = Equipment(settings, engine, "worker", clock, jitter=lambda: 0.0)
    # No model is needed to go wrong.
    equipment.__dict__["reader"] = SimpleNamespace(bundle=SimpleNamespace(folder=tmp_path))
    return Queue(kind, equipment, clock, monkeypatch)


def break_down() -> None:
    raise KeyError(QUOTED)


def test_a_defect_is_tried_once_more_and_then_failed_with_its_trace(queue: Queue) -> None:
    """The row does not come back, and keeps the lines, but not what the message quoted."""
    queue.goes_wrong(break_down)
    assert queue.attempt()
    row = queue.row()
    assert (row.state.value in OPEN, row.attempts, row.error_kind) == (True, 1, "KeyError")
    assert queue.attempt()
    for _ in range(3):
        assert not queue.attempt()
    row = queue.row()
    assert (row.state.value, row.attempts, row.error_kind) == ("failed", 2, "KeyError")
    assert "break_down" in row.trace
    assert QUOTED not in row.trace + row.error_message
    with query(queue.equipment.engine) as session:
        (shown,) = defects(session, limit=5)
    assert (shown.row_id, shown.error_kind, shown.trace) == (row.id, "KeyError", row.trace)
    assert bool(shown.study_instance_uid) == (queue.kind.table is not Upload)


def test_what_is_unavailable_is_tried_as_often_as_the_queue_tries(queue: Queue) -> None:
    """A defect before is forgotten: only two in a row end it.

    A peer that is away uses up no attempts of a queue that waits for one; what does is, say, one
    that stores and does not commit.
    """
    waits = queue.kind.table in (Delivery, FlagNotice, WorkItemNotification, PriorRequest)
    error = NotCommitted if waits else PeerUnreachable

    def unavailable() -> None:
        raise error("not now")

    queue.goes_wrong(break_down)
    assert queue.attempt()
    queue.goes_wrong(unavailable)
    assert queue.attempt()
    row = queue.row()
    assert (row.state.value in OPEN, row.error_kind, row.trace) == (True, error.__name__, "")
    while queue.attempt():
        assert queue.row().attempts < 100, "it comes back for ever"
    row = queue.row()
    assert (row.state.value, row.error_kind) == ("failed", error.__name__)
    assert row.attempts == _attempts(queue)


def test_what_is_refused_is_never_tried_again(queue: Queue) -> None:
    """One attempt, and the reason is kept."""

    def refuse() -> None:
        raise SliceMissing("a slice is missing")

    queue.goes_wrong(refuse)
    assert queue.attempt()
    assert not queue.attempt()
    row = queue.row()
    assert (row.state.value, row.attempts) == (queue.kind.refused, 1)
    assert (row.error_kind, row.error_message, row.trace) == (
        "SliceMissing",
        "a slice is missing",
        "",
    )


def test_who_has_lost_the_lease_writes_nothing(queue: Queue) -> None:
    """Another worker has the row by the time that the attempt breaks down."""

    def lose_it() -> None:
        table = queue.kind.table
        with transaction(queue.equipment.engine) as session:
            session.execute(update(table).values(fencing_token=table.fencing_token + 1))
        break_down()

    queue.goes_wrong(lose_it)
    before = queue.row()
    assert queue.kind.attempt_one(queue.equipment)
    row = queue.row()
    assert row.lease_until > queue.clock.now
    assert (row.error_kind, row.trace) == ("", "")
    assert row.state.value in (before.state.value, "running")


def test_what_kills_its_worker_each_time_is_failed(queue: Queue) -> None:
    """No attempt is ever settled: the row fails after as many as the queue makes."""

    class Killed(BaseException):
        """As if the process ended here."""

    def kill() -> None:
        raise Killed

    queue.goes_wrong(kill)
    for _ in range(_attempts(queue)):
        with pytest.raises(Killed):
            queue.kind.attempt_one(queue.equipment)
        queue.later()
    queue.attempt()
    assert not queue.attempt()
    row = queue.row()
    assert (row.state.value, row.error_kind) == ("failed", "WorkerLost")


def _attempts(queue: Queue) -> int:
    settings = queue.equipment.settings
    return {
        Job: settings.max_attempts,
        Upload: settings.uploads.max_attempts,
        Delivery: settings.delivery_max_attempts,
        WorkItemNotification: settings.report_max_attempts,
        PriorRequest: settings.fetch_priors_max_attempts,
        FlagNotice: settings.flagging.max_attempts,
    }[queue.kind.table]
