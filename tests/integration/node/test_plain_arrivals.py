"""Rows of a group of instances: the same as one by one, or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from database.session import Engine, open_engine, plain_transaction, query, transaction
from database.states import StudyState, WorklistRank
from database.studies.instances import Arrival
from database.studies.plain_arrivals import NotPlain, record_plain_instances
from database.tables.operation.retention import FileRemoval
from database.tables.study.analysis import Instance, Study
from settings.peers import RequestPriority
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import NOON, arrival, receive

pytestmark = pytest.mark.integration

LATER = NOON + timedelta(seconds=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Engine]:
    """An empty database of either kind."""
    sqlite = request.param == "sqlite"
    url = (
        f"sqlite:///{tmp_path / 'x.sqlite'}" if sqlite else request.getfixturevalue("postgres_url")
    )
    made = open_engine(url)
    make_tables(made)
    yield made
    made.dispose()


def record(engine: Engine, *arrivals: Arrival) -> None:
    """All of them in one transaction."""
    with plain_transaction(engine) as cursor:
        record_plain_instances(engine, cursor, arrivals, LATER)


def rows(engine: Engine, table: type[Any]) -> list[dict[str, Any]]:
    """What a table holds, without what numbers the rows."""
    with query(engine) as session:
        found = session.scalars(select(table).order_by(table.id)).all()
        names = [column.key for column in table.__table__.columns if column.key != "id"]
        return [{name: getattr(one, name) for name in names} for one in found]


def named(study: int, instance: int, **changes: Any) -> Arrival:
    """An instance of a patient."""
    stated = {"patient_id": f"P{study}", "patient_sex": "F", "accession_number": "A1"}
    return dataclasses.replace(arrival(study, instance), **stated, **changes)


def test_a_group_has_the_rows_of_each_alone(engine: Engine, tmp_path: Any) -> None:
    """Two studies at once: instances and studies are as `record_instance` makes them."""
    first = [named(1, 1), named(2, 1)]
    further = [named(1, 2), named(2, 2), named(1, 3)]
    for one in first:
        receive(engine, one)
    record(engine, *further)
    one_by_one = open_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    make_tables(one_by_one)
    for one in first:
        receive(one_by_one, one)
    for one in further:
        receive(one_by_one, one, LATER)
    assert rows(engine, Instance) == rows(one_by_one, Instance)
    assert rows(engine, Study) == rows(one_by_one, Study)
    one_by_one.dispose()


def test_a_mark_to_remove_the_file_goes(engine: Engine) -> None:
    """The place is taken again; the mark of another place stays."""
    receive(engine, named(1, 1))
    with transaction(engine) as session:
        for path in ("1/2.dcm", "1/9.dcm"):
            session.add(FileRemoval(folder="spool", path=path, size_bytes=1, marked_at=NOON))
    record(engine, named(1, 2))
    assert [row["path"] for row in rows(engine, FileRemoval)] == ["1/9.dcm"]


@pytest.mark.parametrize(
    "change",
    [
        {"state": StudyState.QUEUED},
        {"worklist_rank": WorklistRank.ROUTINE},
        {"opened": True},
        {"asked_for": True},
        {"several_patients": "P1, P2"},
        {"patient_id": "P9"},
        {"accession_number": ""},
        {"priority": RequestPriority.LOW},
    ],
)
def test_a_study_that_would_change_is_left_alone(engine: Engine, change: dict[str, Any]) -> None:
    """One of the group has more to change: none of them is recorded."""
    receive(engine, named(1, 1))
    receive(engine, named(2, 1))
    with transaction(engine) as session:
        session.execute(update(Study).where(Study.study_instance_uid == "2.25.2").values(**change))
    before = rows(engine, Study)
    with pytest.raises(NotPlain):
        record(engine, named(1, 2), named(2, 2))
    assert rows(engine, Study) == before
    assert len(rows(engine, Instance)) == 2


Second = Callable[[], Arrival]


@pytest.mark.parametrize(
    "second",
    [
        lambda: named(1, 1),  # is there
        lambda: named(1, 2),  # twice in the group
        lambda: named(3, 1),  # of a study that is not there
        lambda: named(1, 3, asked_for=True),
    ],
)
def test_what_is_not_new_and_of_a_known_study_is_left(engine: Engine, second: Second) -> None:
    """Nothing of the group is recorded."""
    receive(engine, named(1, 1))
    with pytest.raises(NotPlain):
        record(engine, named(1, 2), second())
    assert len(rows(engine, Instance)) == 1
