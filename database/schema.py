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
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import configure_mappers

from database.tables.every import METADATA
from radiology.errors import DatabaseUnavailable, SettingsRefused

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# What steps were called before a revision was called as its file is; only databases of developers
# stand at one.
_NEVER_RELEASED = frozenset(f"{number:04}" for number in range(1, 19))
_REVISION_LENGTH = 32  # of Alembic's own column

# What stands in the place of a revision while a database must not be served
RESTORING, MOVING, MOVED = "restoring:", "moving:", "moved"
_NOT_SERVED = {
    RESTORING: "A restore into this database has not ended: run 'firstread restore' again, with"
    " the same archive",
    MOVING: "A move of this database has not ended: run 'firstread move' again, or go on here with"
    " 'firstread move --abandon'",
    MOVED: "All that was in this database has moved to another one: let database_url name that one",
}


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
    with rebuilding(engine) as connection:
        require_known(standing_revision(connection))
        migrate(connection, revision)


def prepare_tables() -> None:
    """Let SQLAlchemy work out now what it makes of our tables, and not with the first query."""
    configure_mappers()


def migrate(connection: Connection, revision: str = "head") -> None:
    """Apply migrations within a transaction of `rebuilding`."""
    command.upgrade(_config(connection), revision)


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which tables may be made, replaced and dropped."""
    with engine.connect() as connection, _tables_may_be_rebuilt(connection), connection.begin():
        yield connection


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
            found = standing_revision(connection)
    except OperationalError as error:
        raise DatabaseUnavailable from error
    require_known(found)
    wanted = newest_revision()
    if found != wanted:
        raise SettingsRefused(
            "The database schema does not fit this version: run 'firstread db upgrade'",
            found=found,
            wanted=wanted,
        )


def newest_revision() -> str:
    """The revision that this code was written for."""
    return str(_scripts().get_current_head())


def standing_revision(connection: Connection) -> str | None:
    """Where the database stands: a revision, or why it is not to be served; None: it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def mark_schema(connection: Connection, stands: str) -> None:
    """Write where the database stands: a revision, or one of `RESTORING`, `MOVING`, `MOVED`."""
    connection.execute(text("UPDATE alembic_version SET version_num = :stands"), {"stands": stands})


def is_known(revision: str) -> bool:
    """Whether a migration of ours leads on from a revision, or it is the newest."""
    return revision in {one.revision for one in _scripts().walk_revisions()}


def require_known(found: str | None) -> None:
    """Refuse a database that no migration of ours has left behind, or that is not to be served.

    Alembic itself takes the beginning of a revision's name for the whole of it, so "0001" would
    pass as a revision of today that begins with it.

    Raises
    ------
    SettingsRefused
        The message says what to do.
    """
    for mark, message in _NOT_SERVED.items():
        if found is not None and found.startswith(mark):
            raise SettingsRefused(message)
    if found is None or is_known(found):
        return
    raise SettingsRefused(
        "A version of Firstread that was never released made this database, and no migration"
        " begins there. Start afresh: let data_folder name an empty folder and, where it is set,"
        " database_url an empty database"
        if found in _NEVER_RELEASED
        else "The database is newer than this version of Firstread: run the newer version",
        found=found,
        wanted=newest_revision(),
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
