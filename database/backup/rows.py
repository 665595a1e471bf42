"""Rows that fit either database: read out of one as lines of JSON, and put into one.

The database is asked for its tables and columns, not our classes for theirs: an archive holds rows
of the schema that it was made with, and migrations bring them up to date where they are restored.
A value that is absent from a row is NULL; a JSON column may besides hold JSON's own null.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError

from radiology.errors import ArchiveRefused

Row = Mapping[str, Any]
_TOGETHER = 500
_VERSION_TABLE = "alembic_version"
_MODULUS = 1 << 256


@dataclass(slots=True)
class RowsSeen:
    """How many rows of a table there are, and a number that is made from all of them.

    The number is the sum of the SHA-256 of each line: two databases sort words differently, so it
    must not depend on the order.
    """

    count: int = 0
    total: int = 0

    def add(self, line: bytes) -> None:
        """One more row, as `line_of` writes it."""
        self.count += 1
        self.total = (self.total + int.from_bytes(sha256(line).digest())) % _MODULUS


def stored_tables(connection: Connection) -> list[Table]:
    """The tables as the database has them, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    tables = [one for one in metadata.sorted_tables if one.name != _VERSION_TABLE]
    for table in tables:
        for column in table.columns:
            if isinstance(column.type, JSON):  # an absent value is NULL, and none of JSON's
                column.type = JSON(none_as_null=True)
    return tables


def read_rows(connection: Connection, table: Table) -> Iterator[Row]:
    """Every row of a table, by its key; read in pieces, because there may be millions."""
    asked = [
        cast(one, Text).label(one.name) if isinstance(one.type, JSON) else one
        for one in table.columns
    ]
    wanted = select(*asked).order_by(*table.primary_key.columns)
    found = connection.execute(wanted.execution_options(yield_per=_TOGETHER))
    columns = list(table.columns)
    for values in found:
        row = zip(columns, values, strict=True)
        yield {one.name: _plain(one, value) for one, value in row if value is not None}


def line_of(row: Row) -> bytes:
    """A row as one line; the same row gives the same line, whichever database it stands in."""
    words = json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return words.encode() + b"\n"


def row_of(line: bytes) -> Row:
    """A row from its line."""
    row: Row = json.loads(line)
    return row


def seen_rows(connection: Connection, table: Table) -> RowsSeen:
    """What stands in a table now."""
    seen = RowsSeen()
    for row in read_rows(connection, table):
        seen.add(line_of(row))
    return seen


def write_rows(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Put rows into an empty table; numbers that the database gives next follow the last of them.

    What refers to another row of the same table is filled in afterwards, because that row may be
    a later one.

    Raises
    ------
    ArchiveRefused
        A row does not fit into this database.
    """
    own = {one.parent.name for one in table.foreign_keys if one.column.table is table}
    key = next(iter(table.primary_key.columns))
    later: dict[str, list[dict[str, Any]]] = {name: [] for name in own}
    strict = connection.dialect.name == "postgresql"
    remaining = iter(rows)
    while together := list(itertools.islice(remaining, _TOGETHER)):
        if strict:
            for row in together:
                _require_fit(table, row, key.name)
        for name, pairs in later.items():
            pairs += [{"of": row[key.name], "to": row[name]} for row in together if name in row]
        values = [
            {one.name: None if one.name in own else _stored(one, row) for one in table.columns}
            for row in together
        ]
        _execute(connection, table, insert(table), values)
    for name, pairs in later.items():
        if pairs:
            filled = update(table).where(key == bindparam("of")).values({name: bindparam("to")})
            _execute(connection, table, filled, pairs)
    if strict and isinstance(key.type, Integer):
        _set_sequence(connection, table, key)


def _execute(connection: Connection, table: Table, statement: Any, values: Any) -> None:
    try:
        connection.execute(statement, values)
    except (DataError, IntegrityError) as error:
        # Its words may quote a row, and a row may name a patient
        raise ArchiveRefused(
            "Rows do not fit into this database",
            table=table.name,
            error=type(error.orig).__name__,
        ) from None


def _require_fit(table: Table, row: Row, key: str) -> None:
    """SQLite keeps text of any length and with any character, PostgreSQL does not."""
    for name, value in row.items():
        if not isinstance(value, str):
            continue
        kind = table.columns[name].type if name in table.columns else None
        length = kind.length if isinstance(kind, String) else None
        if "\0" in value or (length is not None and len(value) > length):
            raise ArchiveRefused(
                "A row does not fit into PostgreSQL: a text is too long, or has a NUL character",
                table=table.name,
                column=name,
                row=str(row.get(key, "")) if isinstance(row.get(key), int) else "",
            )


def _set_sequence(connection: Connection, table: Table, key: Column[Any]) -> None:
    last = connection.scalar(select(func.max(key)))
    connection.execute(
        text("SELECT setval(pg_get_serial_sequence(:of, :key), :last, :used)"),
        {"of": f'"{table.name}"', "key": key.name, "last": last or 1, "used": last is not None},
    )


def _plain(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, JSON):
        return json.loads(value)
    if isinstance(column.type, DateTime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat()
    return value


def _stored(column: Column[Any], row: Row) -> Any:
    if column.name not in row:
        return None
    value = row[column.name]
    if isinstance(column.type, JSON):
        return JSON.NULL if value is None else value
    return datetime.fromisoformat(value) if isinstance(column.type, DateTime) else value
