"""The file with the rows of one release: taken out of a database, and put into one.

The tables are asked for their columns, not our classes for theirs: those change, and the rows must
come back as that release wrote them. A value that is absent from a row is NULL in the database; a
JSON column may besides hold JSON's own null.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    insert,
    null,
    select,
    text,
    update,
)

from database.schema import upgrade_schema
from database.session import Engine

FOLDER = Path(__file__).resolve().parents[2] / "integration" / "old_rows"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OldRows:
    """The rows of one release.

    Attributes
    ----------
    revision : of the schema that they belong to
    tables : by name; a table is named after those that it refers to
    """

    release: str
    revision: str
    tables: Mapping[str, Sequence[Row]]

    @property
    def last_moment(self) -> datetime:
        """When the last thing happened that has an event."""
        return max(datetime.fromisoformat(row["at"]) for row in self.tables["event"])


def rows_of(engine: Engine, release: str) -> OldRows:
    """Everything that stands in a database."""
    with engine.connect() as connection:
        tables = _tables(connection)
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        return OldRows(
            release,
            revision,
            {table.name: list(_read(connection, table)) for table in tables},
        )


def old_database(engine: Engine, rows: OldRows) -> None:
    """Make an empty database what that release left behind."""
    upgrade_schema(engine, rows.revision)
    with engine.begin() as connection:
        tables = {table.name: table for table in _tables(connection)}
        for name, found in rows.tables.items():
            _write(connection, tables[name], found)


def write_file(rows: OldRows, folder: Path = FOLDER) -> Path:
    """Write the file of a release, one line for each row; gives its path."""
    tables = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(_line, found)) + "\n]"
        for name, found in rows.tables.items()
    )
    head = f'"release": {json.dumps(rows.release)},\n"revision": {json.dumps(rows.revision)}'
    path = folder / f"{rows.release}.json"
    path.write_text(f'{{\n{head},\n"tables": {{\n{tables}\n}}\n}}\n')
    return path


def read_file(path: Path) -> OldRows:
    """Read the file of a release."""
    found = json.loads(path.read_text())
    return OldRows(found["release"], found["revision"], found["tables"])


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def _tables(connection: Connection) -> list[Table]:
    """The tables as the database has them, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def _read(connection: Connection, table: Table) -> Iterator[Row]:
    asked = [
        cast(one, Text).label(one.name) if isinstance(one.type, JSON) else one
        for one in table.columns
    ]
    for found in connection.execute(select(*asked).order_by(*table.primary_key.columns)):
        row = zip(table.columns, found, strict=True)
        yield {one.name: _plain(one, value) for one, value in row if value is not None}


def _plain(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, JSON):
        return json.loads(value)
    if isinstance(column.type, DateTime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat()
    return value


def _write(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; what refers to another row of the same table is filled in afterwards."""
    key = next(iter(table.primary_key.columns))
    own = {one.parent.name for one in table.foreign_keys if one.column.table is table}
    for row in rows:
        values = {
            one.name: null() if one.name in own else _stored(one, row) for one in table.columns
        }
        connection.execute(insert(table).values(values))
    for name in own:
        pairs = [{"of": row[key.name], "to": row[name]} for row in rows if name in row]
        if pairs:
            later = update(table).where(key == bindparam("of")).values({name: bindparam("to")})
            connection.execute(later, pairs)
    if rows and connection.dialect.name == "postgresql" and isinstance(key.type, Integer):
        sequence = text("SELECT setval(pg_get_serial_sequence(:of, :key), :last)")
        last = max(row[key.name] for row in rows)
        connection.execute(sequence, {"of": table.name, "key": key.name, "last": last})


def _stored(column: Column[Any], row: Row) -> Any:
    if column.name not in row:
        return null()
    value = row[column.name]
    if isinstance(column.type, JSON):
        return JSON.NULL if value is None else value
    return datetime.fromisoformat(value) if isinstance(column.type, DateTime) else value
