"""The schema: brought up to date by the migrations, and checked before any process starts."""

from __future__ import annotations

import re
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
# What steps were called before a revision was called as its file is; only databases of developers
# stand at one.
_NEVER_RELEASED = frozenset(f"{number:04}" for number in range(1, 19))
_REVISION_LENGTH = 32  # of Alembic's own column


def upgrade_schema(engine: Engine, revision: str = "head") -> None:
    """Apply every migration that the database does not have yet; do nothing if it has all.

    Parameters
    ----------
    revision : where to stop, for tests of what older versions have left behind

    Raises
    ------
    SettingsRefused
        No migration begins where the database stands. The message says what to do.
    """
    with engine.connect() as connection, _tables_may_be_rebuilt(connection), connection.begin():
        _require_known(_revision(connection))
        command.upgrade(_config(connection), revision)


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
            found = _revision(connection)
    except OperationalError as error:
        raise DatabaseUnavailable from error
    _require_known(found)
    wanted = _scripts().get_current_head()
    if found != wanted:
        raise SettingsRefused(
            "The database schema does not fit this version: run 'firstread db upgrade'",
            found=found,
            wanted=wanted,
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_known(found: str | None) -> None:
    """Refuse a database that no migration of ours has left behind.

    Alembic itself takes the beginning of a revision's name for the whole of it, so "0001" would
    pass as a revision of today that begins with it.
    """
    scripts = _scripts()
    if found is None or found in {one.revision for one in scripts.walk_revisions()}:
        return
    raise SettingsRefused(
        "A version of Firstread that was never released made this database, and no migration"
        " begins there. Start afresh: let data_folder name an empty folder and, where it is set,"
        " database_url an empty database"
        if found in _NEVER_RELEASED
        else "The database is newer than this version of Firstread: run the newer version",
        found=found,
        wanted=scripts.get_current_head(),
    )


def schema_differences(engine: Engine) -> list[object]:
    """What the tables have that the migrated database has not, and the other way round."""
    with engine.connect() as connection:
        compared = {
            "compare_type": True,
            # On SQLite Alembic takes the quotes around a default for a difference.
            "compare_server_default": connection.dialect.name != "sqlite",
        }
        context = MigrationContext.configure(connection, opts=compared)
        return list(compare_metadata(context, METADATA))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s")  # a file is called as its revision is
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def write_revision(engine: Engine, message: str) -> None:
    """Write a migration from the difference between the tables and this database.

    It is called by its number and by the words of the message, for example "0002_what_changes".
    """
    number = 1 + sum(1 for _ in _scripts().walk_revisions())
    words = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    name = f"{number:04}_{words}"[:_REVISION_LENGTH].rstrip("_")
    with engine.begin() as connection:
        command.revision(_config(connection), message=message, rev_id=name, autogenerate=True)
