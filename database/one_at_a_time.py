"""What several processes may do, but not at the same time: locks of PostgreSQL by a name.

For what no row can be locked for, because there may be none yet. SQLite has one writer at a time
anyway, and one housekeeping worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Function, func, select, text
from sqlalchemy.orm import Session

from database.session import UNAVAILABLE, Engine
from radiology.errors import DatabaseUnavailable


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until nobody else does this; from here to the end of the transaction nobody else does.

    What the transaction has read before may be older than what the others have written.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_key(what))))


@contextmanager
def alone(engine: Engine, what: str, *, most_s: float) -> Iterator[bool]:
    """Whether nobody else does this now; until the end of the block nobody else begins it.

    The lock stands in a transaction of its own that reads and writes nothing, so that what is done
    meanwhile may be many transactions. It goes with its process.

    Parameters
    ----------
    most_s : the longest that it may take; a machine that loses its power holds the lock no longer,
        though its connection seems to live

    Raises
    ------
    DatabaseUnavailable
        The server does not answer, or it took longer.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    try:
        with engine.begin() as connection:
            mine = connection.scalar(select(func.pg_try_advisory_xact_lock(_key(what))))
            limit = text(f"SET LOCAL idle_in_transaction_session_timeout = {int(most_s * 1000)}")
            connection.execute(limit)
            yield bool(mine)
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error


def _key(what: str) -> Function[Any]:
    return func.hashtext(f"firstread {what}")
