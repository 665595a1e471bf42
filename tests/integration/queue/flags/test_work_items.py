"""Work items follow their studies: none is lost, none doubled, in both sizes of database."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from database.jobs.claimed import end_job
from database.results.withdrawals import mark_withdrawn
from database.session import Engine, query, transaction
from database.states import JobState, RejectionReason, WorklistRank
from database.studies.assembly import assemble_study, reread_study
from database.tables.readers.work_item import WorkItemRow
from database.tables.study.analysis import Result, Study
from database.work_items.content import WorkItemKeys, find_work_items, read_work_items
from database.work_items.kept import (
    end_work_item,
    keep_work_item,
    locked_work_item,
    take_work_item,
)
from radiology.work_item import InputReadiness, WorkItemPriority, WorkItemState
from settings.peers import RequestPriority
from tests.builders.stored.flags import NOBODY
from tests.builders.stored.notices import STORED
from tests.builders.stored.rows import (
    BUNDLE,
    WAITS,
    arrival,
    claim,
    finish,
    later,
    queue_job,
    receive,
)

pytestmark = pytest.mark.integration


def rows(engine: Engine) -> list[WorkItemRow]:
    """The work items, the oldest first."""
    with query(engine) as session:
        return list(session.scalars(select(WorkItemRow).order_by(WorkItemRow.id)))


def complete(engine: Engine) -> None:
    """Claim and complete the only work item."""
    (row,) = rows(engine)
    with transaction(engine) as session:
        item = locked_work_item(session, row.sop_instance_uid)
        assert item is not None
        take_work_item(session, item, "2.25.5", claimed_by="READER", now=later(5))
        end_work_item(session, item, WorkItemState.COMPLETED, later(6))


def claim_and_die(engine: Engine) -> None:
    """Claim the only work item, and end before the commit."""
    (row,) = rows(engine)
    with transaction(engine) as session:
        item = locked_work_item(session, row.sop_instance_uid)
        assert item is not None
        take_work_item(session, item, "2.25.5", claimed_by="READER", now=later(5))
        session.flush()
        raise RuntimeError("killed before the commit")


def more_images(engine: Engine) -> None:
    """Another instance of the study, assembled."""
    receive(engine, arrival(instance=2), later(10))
    with transaction(engine) as session:
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(20))


def test_from_arrival_to_result(engine: Engine) -> None:
    """Medium and incomplete until the result is there; then high and ready. One all the time."""
    queue_job(engine, 1)
    (row,) = rows(engine)
    assert (row.priority, row.readiness) == (WorkItemPriority.MEDIUM, InputReadiness.INCOMPLETE)
    finish(engine, claim(engine), [])
    (row,) = rows(engine)
    assert (row.priority, row.readiness) == (WorkItemPriority.HIGH, InputReadiness.READY)


@pytest.mark.parametrize(
    ("rank", "asked", "expected"),
    [
        (WorklistRank.SUSPECTED, RequestPriority.ROUTINE, WorkItemPriority.MEDIUM),
        (WorklistRank.UNANSWERED, RequestPriority.ROUTINE, WorkItemPriority.MEDIUM),
        (WorklistRank.ROUTINE, RequestPriority.ROUTINE, WorkItemPriority.LOW),
        (WorklistRank.ROUTINE, RequestPriority.STAT, WorkItemPriority.HIGH),
    ],
)
def test_priorities(
    engine: Engine, rank: WorklistRank, asked: RequestPriority, expected: WorkItemPriority
) -> None:
    """What was found decides, but never makes less urgent what was asked for as STAT."""
    queue_job(engine, 1, priority=asked)
    with transaction(engine) as session:
        end_job(session, claim(engine), JobState.REFUSED, later(1), rank=rank)
    (row,) = rows(engine)
    assert (row.priority, row.readiness) == (expected, InputReadiness.READY)


def test_a_withdrawn_result_leaves_the_work_item(engine: Engine) -> None:
    """The study is still to be read; its work item is not urgent any more."""
    queue_job(engine, 1)
    result_id = finish(engine, claim(engine), [])
    with transaction(engine) as session:
        mark_withdrawn(session, result_id, RejectionReason.QUALITY, NOBODY, later(3))
    (row,) = rows(engine)
    assert (row.state, row.priority) == (WorkItemState.SCHEDULED, WorkItemPriority.MEDIUM)


def test_images_after_reading_make_a_second_one(engine: Engine) -> None:
    """A completed work item stays completed, and what came late is to be read."""
    queue_job(engine, 1)
    finish(engine, claim(engine), [])
    complete(engine)
    more_images(engine)
    first, second = rows(engine)
    assert (first.state, second.state) == (WorkItemState.COMPLETED, WorkItemState.SCHEDULED)
    assert first.sop_instance_uid != second.sop_instance_uid
    assert (first.number, second.number) == (1, 2)


def test_images_before_reading_do_not(engine: Engine) -> None:
    """A study that nobody has read has one work item, whatever comes late."""
    queue_job(engine, 1)
    finish(engine, claim(engine), [])
    more_images(engine)
    assert len(rows(engine)) == 1


def test_a_comparison_after_reading_does_not(engine: Engine) -> None:
    """Earlier CTs that come after a study was read do not put it back into the worklist."""
    queue_job(engine, 1)
    finish(engine, claim(engine), [])
    complete(engine)
    with transaction(engine) as session:
        reread_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(20))
    finish(engine, claim(engine, at=30.0), [], at=40.0)
    (row,) = rows(engine)
    assert row.state is WorkItemState.COMPLETED


def test_what_came_only_to_be_compared_with(engine: Engine) -> None:
    """A study that we asked for ourselves is nobody's to read."""
    receive(engine, arrival(), later(0))
    with transaction(engine) as session:
        session.execute(update(Study).values(asked_for=True))
        assemble_study(session, 1, bundles=(BUNDLE,), waits=WAITS, now=later(10))
    assert rows(engine) == []


def test_keeping_twice_changes_nothing(engine: Engine) -> None:
    """A step that runs twice leaves one work item, and nobody is told twice."""
    queue_job(engine, 1)
    (before,) = rows(engine)
    with transaction(engine) as session:
        keep_work_item(session, 1, later(50))
    (after,) = rows(engine)
    assert after.modified_at == before.modified_at


def test_what_it_says(engine: Engine) -> None:
    """Images and result in force are its inputs; a transaction that fails leaves no trace."""
    queue_job(engine, 1)
    finish(engine, claim(engine), [])
    with pytest.raises(RuntimeError):
        claim_and_die(engine)
    with query(engine) as session:
        ids = find_work_items(session, WorkItemKeys(state=WorkItemState.SCHEDULED), limit=10)
        (stored,) = read_work_items(session, ids, with_inputs=True, retrieve_ae_title="PACS")
    assert [one.series_instance_uid for one in stored.item.inputs] == ["2.25.1.1", "2.25.901"]
    assert stored.item.retrieve_ae_title == "PACS"
    assert stored.item.step_label == "Read study"


def test_it_is_called_after_what_was_read(engine: Engine) -> None:
    """By the title that the bundle declares, as its stored reading holds it."""
    queue_job(engine, 1)
    result_id = finish(engine, claim(engine), [])
    with transaction(engine) as session:
        session.get_one(Result, result_id).reading = STORED
    with query(engine) as session:
        ids = find_work_items(session, WorkItemKeys(state=WorkItemState.SCHEDULED), limit=10)
        (stored,) = read_work_items(session, ids, with_inputs=False)
    assert stored.item.step_label == "Read chest CT"
