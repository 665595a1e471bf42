"""Databases with every table and without a row, which most tests begin with.

Each is a copy of one that was migrated, once in a process: the migrations take half a second on
SQLite and two on PostgreSQL where cores are slow. What is about the migrations calls them itself.
"""

from __future__ import annotations

import secrets
import tempfile
from functools import cache
from pathlib import Path
from sqlite3 import Connection, connect

from sqlalchemy import URL, create_engine, inspect, text

from database.schema import upgrade_schema
from database.session import Engine, open_engine


def make_tables(engine: Engine) -> None:
    """Bring a database to today's tables, as the migrations do; one with tables keeps its rows."""
    if inspect(engine).has_table("alembic_version"):
        upgrade_schema(engine)
    elif engine.dialect.name == "sqlite":
        _copy_file(engine)
    else:
        _copy_on_server(engine)


def _copy_file(engine: Engine) -> None:
    pooled = engine.raw_connection()
    try:
        made = pooled.driver_connection
        assert isinstance(made, Connection)
        _migrated_file().backup(made)
    finally:
        pooled.close()


@cache
def _migrated_file() -> Connection:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.sqlite"
        engine = open_engine(f"sqlite:///{path}")
        upgrade_schema(engine)
        engine.dispose()
        kept = connect(":memory:", check_same_thread=False)
        file = connect(path)
        file.backup(kept)
        file.close()
    return kept


def _copy_on_server(engine: Engine) -> None:
    template = _migrated_on_server(engine.url.set(database="postgres"))
    name = engine.url.database
    engine.dispose()  # nobody may be connected to what is replaced
    _on_server(engine, f'DROP DATABASE "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


@cache
def _migrated_on_server(address: URL) -> str:
    name = f"migrated_{secrets.token_hex(4)}"
    server = create_engine(address)
    _on_server(server, f'CREATE DATABASE "{name}"')
    engine = create_engine(address.set(database=name))
    upgrade_schema(engine)
    engine.dispose()
    return name


def _on_server(engine: Engine, *statements: str) -> None:
    server = create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    server.dispose()
