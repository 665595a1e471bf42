"""Where the list shows a study whose flag somebody has acknowledged, in both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from database.session import Engine, query, transaction
from database.states import WorklistRank
from database.tables.study.analysis import Study
from database.views.worklist.list_page import worklist_page
from database.work_items.kept import locked_work_item, take_work_item
from radiology.urgency import Urgency
from radiology.work_item import work_item_uid
from settings.page.worklist_order import WorklistOrder
from tests.builders.stored.flags import NOBODY, FlaggedStudy, acknowledge
from tests.builders.stored.rows import later

pytestmark = pytest.mark.integration


def _list(engine: Engine) -> list[str]:
    with query(engine) as session:
        rows = worklist_page(session, WorklistOrder(), later(100)).rows
        return [row.study.study_instance_uid.removeprefix("2.25.") for row in rows]


def _row(engine: Engine, number: int) -> Study:
    with query(engine) as session:
        uid = f"2.25.{number}"
        return session.scalars(select(Study).where(Study.study_instance_uid == uid)).one()


@pytest.fixture
def studies(engine: Engine) -> list[FlaggedStudy]:
    """Three urgent studies, one after the other."""
    made = [FlaggedStudy(engine, NOBODY, number=number) for number in (1, 2, 3)]
    for number, study in enumerate(made):
        study.result(Urgency.URGENT, float(number))
    return made


def test_what_was_acknowledged_stands_behind_what_nobody_has_seen(
    engine: Engine, studies: list[FlaggedStudy]
) -> None:
    """In the order of arrival on either side."""
    assert _list(engine) == ["1", "2", "3"]
    assert acknowledge(engine, studies[0], 10)
    assert _list(engine) == ["2", "3", "1"]
    assert acknowledge(engine, studies[1], 11)
    assert _list(engine) == ["3", "1", "2"]


def test_a_work_item_that_is_taken_is_as_good(engine: Engine, studies: list[FlaggedStudy]) -> None:
    """Whoever takes it has seen the study."""
    with transaction(engine) as session:
        item = locked_work_item(session, work_item_uid("2.25.1"))
        assert item is not None
        take_work_item(session, item, "2.25.77", claimed_by="READER", now=later(10))
    assert _list(engine) == ["2", "3", "1"]


def test_it_follows_the_flag(engine: Engine, studies: list[FlaggedStudy]) -> None:
    """A newer result that says the same leaves it, one that takes the flag back or raises it again
    puts the study back.
    """
    first = studies[0]
    assert acknowledge(engine, first, 10)
    first.result(Urgency.URGENT, 12)
    assert _row(engine, 1).acknowledged
    first.result(Urgency.ROUTINE, 14)  # the builder leaves the rank
    row = _row(engine, 1)
    assert (row.acknowledged, row.worklist_rank) == (False, WorklistRank.URGENT)
    first.result(Urgency.URGENT, 16)
    assert not _row(engine, 1).acknowledged
    assert _list(engine) == ["1", "2", "3"]
