"""An empty database that is filled with rows, by a restore or by a move.

1. `begin_filling`: empty tables of the schema that the rows belong to. Where a revision stands, it
   says now that the filling has not ended: no part of Firstread starts with such a database, and
   whoever fills it begins anew.
2. `filling`: one transaction in which all rows come, are migrated and looked at again. It either
   ends or leaves 1.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, MetaData, delete, func, inspect, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from database.backup.rows import stored_tables
from database.process_signs import SILENT_AFTER_S
from database.schema import (
    RESTORING,
    mark_schema,
    migrate,
    rebuilding,
    require_known,
    standing_revision,
)
from database.session import Engine, query
from database.tables.every import METADATA
from database.tables.readers.account import AuditEvent
from database.tables.readers.upload import ProcessSign
from radiology.errors import ArchiveRefused, DatabaseUnavailable, NotRestored

OF_PROCESSES = frozenset({"process_sign", "bundle_sign"})
"""What only says which processes run: in no archive, and not moved."""

OF_THE_MOMENT = OF_PROCESSES | {
    "study_open",
    "reader_session",
    "list_search",
    "sign_in_failures",
    "upload",
}
"""What lives for minutes or a day, and would outlive its time in an archive."""

_OF_A_MACHINE = OF_PROCESSES | {
    "disk_use",
    "disk_sample",
    "retention_state",
    "counted",
    "trace_cursor",
    "echo_answer",
    "sign_in_failures",
    "audit_head",
    "audit_sending",
}
"""What a Firstread writes that has never had a study: a database with no more is empty."""

_OF_A_START = ("process_started", "process_stopped")
"""Audit events of a Firstread that nobody has used yet."""

_EMPTY_ONE = (
    "name an empty database (and an empty data folder), or remove what is there if nobody needs it"
)


@dataclass(frozen=True, slots=True)
class Filling:
    """A database that is being filled.

    Attributes
    ----------
    token : of the attempt that began it; one that goes on has the same
    goes_on : an earlier attempt was broken off
    """

    token: str
    goes_on: bool


def begin_filling(engine: Engine, revision: str, now: datetime) -> Filling:
    """Make empty tables of a schema, in the place of empty ones or of a broken attempt.

    Raises
    ------
    NotRestored
        There is something in the database, Firstread runs with it, or it lets us make no tables.
    """
    with answering(), _may_make_tables(), rebuilding(engine) as connection:
        found = standing_revision(connection)
        goes_on = found is not None and found.startswith(RESTORING)
        token = found.removeprefix(RESTORING) if found and goes_on else secrets.token_hex(8)
        _require_ours(connection)
        if not goes_on:
            require_known(found)
            _require_empty(connection, now)
        everything = MetaData()
        everything.reflect(connection)
        everything.drop_all(connection)
        migrate(connection, revision)
        for table in reversed(stored_tables(connection)):  # a migration may begin a table with rows
            connection.execute(delete(table))
        mark_schema(connection, RESTORING + token)
        return Filling(token, goes_on)


@contextmanager
def filling(engine: Engine, revision: str, token: str) -> Iterator[Connection]:
    """The transaction in which rows of a revision come; in the end the schema is the newest.

    Raises
    ------
    NotRestored
        Another attempt has begun.
    ArchiveRefused
        A row refers to one that is not there.
    """
    with answering(), rebuilding(engine) as connection:
        if standing_revision(connection) != RESTORING + token:
            raise NotRestored("Another restore into this database has begun")
        mark_schema(connection, revision)
        yield connection
        migrate(connection)
        _require_whole(connection)


@contextmanager
def writing(connection: Connection) -> Iterator[Session]:
    """A session within the transaction that fills a database, after the last migration."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        yield session
        session.commit()  # of this session alone: audit events take their place in the chain at it


def require_not_served(session: Session, now: datetime) -> None:
    """Make sure that no part of Firstread works with a database.

    Raises
    ------
    NotRestored
        A process has given a sign of life within the last seconds.
    """
    lately = now - timedelta(seconds=SILENT_AFTER_S)
    running = session.scalars(select(ProcessSign).where(ProcessSign.seen_at >= lately)).first()
    if running is not None:
        raise NotRestored(
            "Firstread runs with this database: stop every part; one that was killed counts as "
            f"running for {SILENT_AFTER_S:.0f} seconds",
            part=running.part,
        )


def is_there(engine: Engine) -> bool:
    """Whether a database has tables."""
    with answering(), query(engine) as session:
        return bool(inspect(session.connection()).get_table_names())


def _require_ours(connection: Connection) -> None:
    """Nothing of somebody else is dropped."""
    known = {*METADATA.tables, "alembic_version"}
    others = sorted(set(inspect(connection).get_table_names()) - known)
    if others:
        raise NotRestored(
            f"The database has tables that are none of ours: {_EMPTY_ONE}", table=others[0]
        )


def _require_empty(connection: Connection, now: datetime) -> None:
    tables = stored_tables(connection)
    with Session(connection, join_transaction_mode="rollback_only") as session:
        if any(table.name == ProcessSign.__tablename__ for table in tables):
            require_not_served(session, now)
    for table in tables:
        if table.name in _OF_A_MACHINE:
            continue
        counted = select(func.count()).select_from(table)
        if table.name == AuditEvent.__tablename__:
            counted = counted.where(table.c.name.not_in(_OF_A_START))
        rows = connection.scalar(counted)
        if rows:
            raise NotRestored(
                f"The database is not empty: {_EMPTY_ONE}", table=table.name, rows=rows
            )


def _require_whole(connection: Connection) -> None:
    """SQLite's references were switched off while tables could be rebuilt."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise ArchiveRefused("A row refers to another one that is not there", table=broken[0])


@contextmanager
def _may_make_tables() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:  # from PostgreSQL 15 on, only who owns the database may
        raise NotRestored(
            "This user cannot make tables in the database: let it own the database",
            error=type(error.orig).__name__,
        ) from error


@contextmanager
def answering() -> Iterator[None]:
    """Say in an error of ours that a database does not answer."""
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable(
            "The database does not answer, or has no room left; what was begun is done anew by "
            "running the command again",
            error=type(error.orig).__name__,
        ) from error
