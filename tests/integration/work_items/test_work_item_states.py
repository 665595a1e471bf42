"""The state table of PS3.4 Table CC.1.1-2: whatever clients ask for in whatever order.

What each request is answered with is written down here once more, from the table; the requests go
through the code that serves N-ACTION and N-SET, to rows in a database.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydicom.dataset import Dataset
from sqlalchemy import select

from database.session import Engine, open_engine, query, transaction
from database.tables.readers.work_item import WorkItemRow
from database.work_items.kept import locked_work_item, set_performed
from dicom_node.work_items.actions import WorkItemActions, standing_of
from dicom_node.work_items.transitions import set_status
from radiology.work_item import WorkItemState, work_item_uid
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, later, queue_job
from tests.peers.dicom.worklist_client import data_set, performed_step

pytestmark = pytest.mark.integration

UID = work_item_uid("2.25.1")
LOCKS = ("2.25.500", "2.25.501")
_ACTIONS = WorkItemActions(frozenset({"READER"}))

# Rows: what is asked for; columns: SCHEDULED, IN PROGRESS, COMPLETED, CANCELED
_CORRECT = {
    "IN PROGRESS": (0x0000, 0xC302, 0xC300, 0xC300),
    "COMPLETED": (0xC310, 0x0000, 0xB306, 0xC300),
    "CANCELED": (0xC310, 0x0000, 0xC300, 0xB304),
}
_REQUEST_CANCEL = (0x0000, 0xC312, 0xC311, 0xB304)  # the performer watches nothing
_COLUMNS = ("SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED")


def act(engine: Engine, kind: int, information: Dataset, uid: str = UID) -> int:
    """N-ACTION, as the SCP serves it."""
    apply = _ACTIONS.read(kind, uid, information, caller="READER", now=later(1))
    with transaction(engine) as session:
        return apply(session)


def change_state(engine: Engine, state: str, transaction_uid: str, uid: str = UID) -> int:
    """N-ACTION, change state."""
    information = data_set(ProcedureStepState=state, TransactionUID=transaction_uid)
    return act(engine, 1, information, uid)


def write_performed(engine: Engine, transaction_uid: str) -> int:
    """N-SET of all that completing asks for, as the SCP serves it."""
    performed = data_set(UnifiedProcedureStepPerformedProcedureSequence=[performed_step()])
    with transaction(engine) as session:
        item = locked_work_item(session, UID)
        status = set_status(standing_of(item), transaction_uid)
        if item is not None and status == 0x0000:
            set_performed(session, item, performed.to_json_dict(), later(1))
    return status


class WorkItemMachine(RuleBasedStateMachine):
    """Requests in any order, beside a model that follows the table."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.engine = open_engine(f"sqlite:///{Path(self._folder.name) / 'test.sqlite'}")
        make_tables(self.engine)
        queue_job(self.engine, 1)
        self.state = "SCHEDULED"
        self.lock = ""
        self.performed = False

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.engine.dispose()
        self._folder.cleanup()

    @rule(state=st.sampled_from(_COLUMNS), lock=st.sampled_from((*LOCKS, "", "no UID")))
    def change(self, state: str, lock: str) -> None:
        """Change state, with the right Transaction UID, another one, or none."""
        information = Dataset()
        information.ProcedureStepState = state
        information.add_new("TransactionUID", "LO", lock)
        status = act(self.engine, 1, information)
        assert status == self._expected(state, lock), (self.state, state, lock)
        if status == 0x0000:
            self.state = state
            self.lock = self.lock or lock

    def _expected(self, state: str, lock: str) -> int:
        if state == "SCHEDULED":
            return 0xC303
        correct = lock in LOCKS and self.lock in ("", lock)
        if not correct:
            return 0xC301
        status = _CORRECT[state][_COLUMNS.index(self.state)]
        if status == 0x0000 and state == "COMPLETED" and not self.performed:
            return 0xC304
        return status

    @rule()
    def request_cancel(self) -> None:
        """Request cancelation."""
        status = act(self.engine, 2, data_set(ReasonForCancellation="why"))
        assert status == _REQUEST_CANCEL[_COLUMNS.index(self.state)]
        if self.state == "SCHEDULED":
            self.state = "CANCELED"

    @rule(lock=st.sampled_from((*LOCKS, "")))
    def write(self, lock: str) -> None:
        """N-SET of what was performed."""
        expected = {
            "SCHEDULED": 0xC310 if lock else 0x0000,
            "IN PROGRESS": 0x0000 if lock and lock == self.lock else 0xC301,
        }.get(self.state, 0xC300)
        assert write_performed(self.engine, lock) == expected
        self.performed = self.performed or expected == 0x0000

    @invariant()
    def row_agrees(self) -> None:
        """The row is where the table says."""
        with query(self.engine) as session:
            row = session.scalars(select(WorkItemRow)).one()
        assert row.state.value == self.state
        assert row.transaction_uid == self.lock
        assert (row.finished_at is not None) == (self.state in ("COMPLETED", "CANCELED"))


TestWorkItemStates = WorkItemMachine.TestCase
TestWorkItemStates.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def _engine_of(request: pytest.FixtureRequest, size: str, folder: Path) -> Engine:
    if size == "sqlite":
        engine = open_engine(f"sqlite:///{folder / 'test.sqlite'}")
    else:
        engine = open_engine(request.getfixturevalue("postgres_url"))
    make_tables(engine)
    return engine


@pytest.mark.parametrize("size", ["sqlite", "postgresql"])
def test_of_many_that_claim_at_once_one_wins(
    request: pytest.FixtureRequest, tmp_path: Path, size: str
) -> None:
    """Each work item is claimed by eight clients at the same moment: once."""
    engine = _engine_of(request, size, tmp_path)
    for study in range(1, 6):
        queue_job(engine, study, NOON)
    for study in range(1, 6):
        statuses: list[int] = []
        together = threading.Barrier(8)

        def claim(lock: str, study: int = study) -> None:
            together.wait(20)  # noqa: B023 each round ends before the next begins
            status = change_state(engine, "IN PROGRESS", lock, work_item_uid(f"2.25.{study}"))
            statuses.append(status)  # noqa: B023

        threads = [threading.Thread(target=claim, args=(f"2.25.60{one}",)) for one in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(statuses) == [0x0000] + [0xC301] * 7
    with query(engine) as session:
        rows = session.scalars(select(WorkItemRow)).all()
    assert {row.state for row in rows} == {WorkItemState.IN_PROGRESS}
    engine.dispose()
