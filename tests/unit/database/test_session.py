"""What a database that does not answer is called, whoever finds it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import QueuePool

from database.session import Engine, open_engine, plain_transaction, query, transaction
from radiology.errors import DatabaseUnavailable

Work = Callable[[Engine], AbstractContextManager[Any]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database of which every connection is in somebody's hands."""
    made = open_engine(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    assert isinstance(made.pool, QueuePool)
    made.pool._timeout = 0.05  # instead of 30 s
    with ExitStack() as held:
        for _ in range(made.pool.size() + made.pool._max_overflow):
            held.enter_context(made.connect())
        yield made
    made.dispose()


@contextmanager
def _asking(engine: Engine) -> Iterator[None]:
    with query(engine) as session:
        session.execute(select(1))
        yield


@contextmanager
def _writing(engine: Engine) -> Iterator[None]:
    with transaction(engine) as session:
        session.execute(select(1))
        yield


@pytest.mark.parametrize("work", [_asking, _writing, plain_transaction])
def test_no_free_connection_is_a_database_that_does_not_answer(engine: Engine, work: Work) -> None:
    """Twenty associations of a stalled disk wait for fifteen connections.

    Senders hear that they are to come again, and not that it is a defect.
    """
    with pytest.raises(DatabaseUnavailable), work(engine):
        pytest.fail("there was a connection")


def test_an_error_of_a_statement_does_not_quote_its_values(tmp_path: Path) -> None:
    """Whatever prints it: where a site shows names, they are among them."""
    engine = open_engine(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE heading (name TEXT CHECK (name = ''))"))
        insert = text("INSERT INTO heading VALUES (:name)")
        with pytest.raises(IntegrityError) as raised:
            connection.execute(insert, {"name": "DOE^JANE"})
    engine.dispose()
    assert "INSERT INTO heading" in str(raised.value)
    assert "DOE" not in str(raised.value)
