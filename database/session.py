"""The engine, and `transaction()`: one session, one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.orm import Session

from radiology.errors import DatabaseUnavailable

# Other packages name the types but do not import SQLAlchemy.
__all__ = [
    "UNAVAILABLE",
    "DBAPICursor",
    "Engine",
    "Session",
    "folder_of",
    "open_engine",
    "plain_transaction",
    "query",
    "transaction",
]

_BUSY_TIMEOUT_S = 30  # writers wait for each other this long before SQLite says "locked"
# A transaction that reads first and writes later can fail at once with "locked" in WAL mode,
# without waiting. Taking the write lock at the beginning makes writers queue instead.
_BEGIN_TO_WRITE = "BEGIN IMMEDIATE"
_FLUSH_EACH_COMMIT = "PRAGMA synchronous=FULL"
# With a write-ahead log: what a power cut takes are the last commits, whole, and never an older one
# without a younger one (https://www.sqlite.org/pragma.html#pragma_synchronous).
_FLUSH_AT_CHECKPOINTS = "PRAGMA synchronous=NORMAL"
UNAVAILABLE = (OperationalError, NoFreeConnection)
"""What SQLAlchemy raises while a database does not answer: the second is of those who wait for a
connection, while everybody who has one waits for the database."""


def open_engine(address: str) -> Engine:
    """An engine for SQLite (the embedded size) or PostgreSQL (the hospital size).

    Parameters
    ----------
    address : an SQLAlchemy URL
        `postgresql://` is taken to mean psycopg 3.
    """
    if address.startswith("sqlite"):
        engine = create_engine(
            address, connect_args={"timeout": _BUSY_TIMEOUT_S}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        address.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_pre_ping=True,
        hide_parameters=True,  # in what it raises: they are identifiers, and some sites show names
    )


def folder_of(engine: Engine) -> Path | None:
    """The folder that the database's files lie in; None where it is a server's or in memory."""
    place = engine.url.database
    is_file = engine.dialect.name == "sqlite" and place not in (None, "", ":memory:")
    return Path(str(place)).resolve().parent if is_file else None


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end of the block, or rolls everything back.

    Raises
    ------
    DatabaseUnavailable
        The server does not answer, or SQLite stayed locked.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error


@contextmanager
def plain_transaction(engine: Engine, *, flushed_by_caller: bool = False) -> Iterator[DBAPICursor]:
    """As `transaction`, by the driver's own cursor, for statements that are text already.

    Around a statement of 0.04 ms SQLAlchemy's own work is twice as much.

    Parameters
    ----------
    flushed_by_caller : of a database in files (`folder_of`): they are not flushed at the commit,
        and whoever calls flushes them before anybody is told

    Raises
    ------
    DatabaseUnavailable
        As for `transaction`.
    """
    driver = cast("Any", engine.dialect.loaded_dbapi)
    try:
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            if flushed_by_caller:
                cursor.execute(_FLUSH_AT_CHECKPOINTS)
            if engine.dialect.name == "sqlite":
                cursor.execute(_BEGIN_TO_WRITE)
            yield cursor
            connection.commit()
        except driver.OperationalError:
            connection.invalidate()  # it may be broken for good: the next one is a new one
            raise
        finally:
            try:
                if flushed_by_caller and connection.is_valid:
                    connection.rollback()  # within a transaction the other would change nothing
                    cursor.execute(_FLUSH_EACH_COMMIT)
            except driver.Error:
                connection.invalidate()  # or others would commit with it and not be durable
                raise
            finally:
                connection.close()  # rolls back what is not committed
    except (driver.OperationalError, *UNAVAILABLE) as error:
        raise DatabaseUnavailable from error


@contextmanager
def query(engine: Engine) -> Iterator[Session]:
    """A session that only reads: it takes no write lock and is rolled back at the end.

    Everything that is read in the block is of one moment. At PostgreSQL's default level each
    statement would see a moment of its own: a study still "encoded" whose deliveries are all done.
    """
    options: dict[str, Any] = {"firstread_reads_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with (
            engine.connect().execution_options(**options) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session
    except UNAVAILABLE as error:
        raise DatabaseUnavailable from error


def _prepare_sqlite(connection: Any, record: object) -> None:
    # The driver must not begin transactions by itself: see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a committed row must outlive a power cut, since Success was answered on it.
    cursor.execute(_FLUSH_EACH_COMMIT)
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    reads_only = connection.get_execution_options().get("firstread_reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else _BEGIN_TO_WRITE)
