"""Moves all rows of one database into an empty other one: from SQLite to PostgreSQL, or anywhere.

While it lasts, and when it has ended, the old database says so in the place of its revision, so
that no part of Firstread starts with it: two databases beside one data folder would be two truths.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from database.accounts.audit import Actor, record_audit
from database.backup.rows import RowsSeen, line_of, read_rows, seen_rows, stored_tables, write_rows
from database.backup.target import (
    OF_PROCESSES,
    answering,
    begin_filling,
    filling,
    require_not_served,
    writing,
)
from database.retention.state import MOVED as MOVED_NOTE
from database.retention.state import note_state, noted_state
from database.schema import (
    MOVED,
    MOVING,
    check_schema,
    mark_schema,
    newest_revision,
    rebuilding,
    standing_revision,
)
from database.session import Engine, query
from radiology.errors import ArchiveRefused, NotRestored

_FROM = "move"  # a note in the old database: which move it was
_NUMBER = 4  # digits that a revision begins with


@dataclass(frozen=True, slots=True)
class Moved:
    """How many rows of how many tables stand in the new database."""

    tables: int
    rows: int


def move(
    source: Engine,
    target: Engine,
    clock: Callable[[], datetime],
    actor: Actor,
    on_table: Callable[[str, int, int], None] = lambda _name, _done, _total: None,
) -> Moved:
    """Copy every row, compare, and let the old database say that it has moved.

    Broken off anywhere, it ends well when it is called again.

    Parameters
    ----------
    on_table : told of each table before its rows go: its name, how many are done, and of how many

    Raises
    ------
    NotRestored
        The target is not empty, or Firstread runs.
    ArchiveRefused
        A row does not fit into the target. The old database can be served again after `abandon`.
    """
    token = _begun(source)
    done = _arrived(target, token) if token else None
    if done is None:
        if not token:
            check_schema(source)
            with query(source) as session:
                require_not_served(session, clock())
        begun = begin_filling(target, newest_revision(), clock())
        token = token or _begin(source, clock())
        try:
            done = _copy(source, target, begun.token, clock, actor, token, on_table)
        except ArchiveRefused:  # nothing has come there, and nothing will
            abandon(source)
            raise
    with rebuilding(source) as connection:
        mark_schema(connection, MOVED)
    return done


def abandon(source: Engine) -> bool:
    """Go on with the old database after a move that was broken off; False: there was none."""
    with rebuilding(source) as connection:
        stands = standing_revision(connection) or ""
        if not stands.startswith(MOVING):
            return False
        mark_schema(connection, newest_revision())
        return True


def _begun(source: Engine) -> str:
    """The name of the move that the old database says has begun; "" where it says none."""
    with answering(), query(source) as session:
        stands = standing_revision(session.connection()) or ""
        if not stands.startswith(MOVING):
            return ""
        if not newest_revision().startswith(stands.removeprefix(MOVING)):
            raise NotRestored("Another version of Firstread has begun this move: let it end it")
        noted = noted_state(session, _FROM)
        return str(noted.facts["token"]) if noted else ""


def _begin(source: Engine, now: datetime) -> str:
    """Let the old database say that it moves; gives the name of this move."""
    token = secrets.token_hex(8)
    with rebuilding(source) as connection:
        with writing(connection) as session:
            require_not_served(session, now)
            note_state(session, _FROM, now, token=token)
        mark_schema(connection, MOVING + newest_revision()[:_NUMBER])
    return token


def _arrived(target: Engine, token: str) -> Moved | None:
    """What an earlier attempt has brought to its end there, but for the mark here."""
    with answering(), target.connect() as connection:
        if standing_revision(connection) != newest_revision():
            return None
    with query(target) as session:
        noted = noted_state(session, MOVED_NOTE)
    if noted is None or noted.facts.get("token") != token:
        return None
    return Moved(int(noted.facts["tables"]), int(noted.facts["rows"]))


def _copy(
    source: Engine,
    target: Engine,
    filling_token: str,
    clock: Callable[[], datetime],
    actor: Actor,
    token: str,
    on_table: Callable[[str, int, int], None],
) -> Moved:
    rows = 0
    with (
        query(source) as session,
        filling(target, newest_revision(), filling_token) as connection,
    ):
        reading = session.connection()
        from_tables = [one for one in stored_tables(reading) if one.name not in OF_PROCESSES]
        to_tables = {one.name: one for one in stored_tables(connection)}
        for done, table in enumerate(from_tables):
            on_table(table.name, done, len(from_tables))
            write_rows(connection, to_tables[table.name], read_rows(reading, table))
            seen = RowsSeen()
            for row in read_rows(reading, table):
                seen.add(line_of(row))
            if seen_rows(connection, to_tables[table.name]) != seen:
                raise ArchiveRefused("Rows are not the same after the move", table=table.name)
            rows += seen.count
        on_table("", len(from_tables), len(from_tables))
        moved = Moved(len(from_tables), rows)
        with writing(connection) as there:
            note_state(
                there, MOVED_NOTE, clock(), token=token, tables=moved.tables, rows=moved.rows
            )
            record_audit(
                there, "database_moved", clock(), actor, tables=moved.tables, rows=moved.rows
            )
    return moved
