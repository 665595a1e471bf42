"""The schema: brought up to date by the migrations, and checked before any process starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from database.tables.every import METADATA
from radiology.errors import DatabaseUnavailable, SettingsRefused

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade_schema(engine: Engine) -> None:
    """Apply every migration that the database does not have yet; do nothing if it has all."""
    with engine.connect() as connection, _tables_may_be_rebuilt(connection), connection.begin():
        command.upgrade(_config(connection), "head")


@contextmanager
def _tables_may_be_rebuilt(connection: Connection) -> Iterator[None]:
    """Let a migration replace a table that others refer to.

    SQLite changes a constraint by copying the table, and would refuse to drop the old one. The
    switch does nothing within a transaction, so it goes to the driver before one begins
    (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def check_schema(engine: Engine) -> None:
    """Make sure that the database has the schema that this code was written for.

    Raises
    ------
    DatabaseUnavailable
        The server does not answer.
    SettingsRefused
        The database is empty, older or newer. The message says what to run.
    """
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise DatabaseUnavailable from error
    wanted = ScriptDirectory.from_config(_config(None)).get_current_head()
    if found != wanted:
        raise SettingsRefused(
            "The database schema does not fit this version: run 'firstread db upgrade'",
            found=found,
            wanted=wanted,
        )


def schema_differences(engine: Engine) -> list[object]:
    """What the tables have that the migrated database has not, and the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def write_revision(engine: Engine, message: str) -> None:
    """Write a migration from the difference between the tables and this database."""
    with engine.begin() as connection:
        command.revision(_config(connection), message=message, autogenerate=True)
