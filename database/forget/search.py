"""Reads every text of every table for identifiers, and cleans what deleted rows leave behind."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, String, Text, cast, or_, select, text
from sqlalchemy.orm import Session

from database.forget.whole_identifier import WholeIdentifiers
from database.session import Engine
from database.tables.every import METADATA

_LEFT_OUT = frozenset({"forgetting", "file_removal"})  # they are what ends last
_WHOLE_BELOW = 6  # a shorter identifier is found by chance within others


@dataclass(frozen=True, slots=True)
class FoundRows:
    """A column that still names somebody, and in how many rows."""

    table: str
    column: str
    rows: int


def search_tables(session: Session, identifiers: Iterable[str]) -> list[FoundRows]:
    """Every column of text or JSON with one of these identifiers in it."""
    wanted = [one for one in identifiers if one]
    whole = WholeIdentifiers(wanted)
    found = []
    for table in METADATA.sorted_tables:
        if table.name in _LEFT_OUT or not wanted:
            continue
        for column in table.columns:
            if not isinstance(column.type, String | Text | JSON):
                continue
            words = cast(column, Text)
            is_json = isinstance(column.type, JSON)
            named = [
                words == one
                if len(one) < _WHOLE_BELOW and not is_json
                else words.contains(
                    f'"{one}"' if is_json and len(one) < _WHOLE_BELOW else one, autoescape=True
                )
                for one in wanted
            ]
            texts = session.scalars(select(words).where(or_(*named)))
            rows = sum(whole.in_text(one) for one in texts)
            if rows:
                found.append(FoundRows(table.name, column.name, rows))
    return found


def overwrite_deleted(engine: Engine, *, wait_s: float = 30.0) -> bool:
    """Let nothing of deleted rows stay in the database's own files, as far as it is ours to do.

    SQLite writes itself anew without its free pages, and empties its write-ahead log
    (https://www.sqlite.org/lang_vacuum.html). PostgreSQL frees the rows; its own log and backups
    belong to who keeps it.

    Parameters
    ----------
    wait_s : for others who are reading the SQLite file

    Returns
    -------
    Whether it was done in this time.
    """
    if engine.dialect.name == "sqlite":
        until = time.monotonic() + wait_s
        while not _rewritten(engine):
            if time.monotonic() > until:
                return False
            time.sleep(0.2)  # SQLite tells nobody that another connection has let go
        return True
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in METADATA.sorted_tables:
            connection.execute(text(f'VACUUM "{table.name}"'))
    return True


def _rewritten(engine: Engine) -> bool:
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("VACUUM")
            busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:  # locked by a writer for longer than it is waited for
            return False
    return not busy
