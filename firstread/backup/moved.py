"""`firstread move`: all rows into an empty database, and what to set then."""

from __future__ import annotations

from datetime import UTC, datetime

from database.backup.move import abandon, move
from database.session import open_engine
from firstread.backup.by_whom import actor_here
from firstread.data_folder import served_alone
from firstread.say import console, shown_steps
from radiology.errors import SettingsRefused
from settings.environment import PREFIX, Settings
from settings.tls import with_database_tls


def move_and_say(settings: Settings, to: str) -> None:
    """Move everything, and say what to set.

    Raises
    ------
    SettingsRefused
        The URL is of no PostgreSQL database, or there is nothing to move.
    NotRestored
        There is something there already, or Firstread runs.
    """
    if not to.startswith(("postgresql://", "postgresql+psycopg://")):
        raise SettingsRefused("--to takes the URL of a PostgreSQL database: postgresql://…")
    _require_database(settings)
    source = open_engine(settings.database_address)
    target = open_engine(with_database_tls(to, settings.database_tls))
    if source.url == target.url:
        raise SettingsRefused("--to names the database that is in use now: name an empty one")
    try:
        with served_alone(settings.data_folder), shown_steps("", 1) as steps:
            moved = move(
                source,
                target,
                lambda: datetime.now(UTC),
                actor_here(),
                lambda _name, done, total: steps.step("Tables", done, total),
            )
    finally:
        source.dispose()
        target.dispose()
    shown_url = target.url.render_as_string(hide_password=True)
    console.print(
        f"Moved: {moved.rows} rows of {moved.tables} tables, each compared. Now set "
        f"{PREFIX}DATABASE_URL to {shown_url} and {PREFIX}BROKER_URL to your Redis, leave the data "
        "folder as it is, and start Firstread. Nothing is served from the old database any more.",
        markup=False,
    )


def abandon_and_say(settings: Settings) -> None:
    """Go on with the old database."""
    _require_database(settings)
    engine = open_engine(settings.database_address)
    try:
        with served_alone(settings.data_folder):
            begun = abandon(engine)
    finally:
        engine.dispose()
    if begun:
        console.print("The move is abandoned: Firstread can be started with this database.")
    else:
        console.print("No move of this database is under way; nothing was changed.")


def _require_database(settings: Settings) -> None:
    if settings.database_url is None and not settings.sqlite_file.exists():
        raise SettingsRefused(
            "There is no database here: run the command with the settings in use",
            data_folder=str(settings.data_folder.resolve()),
        )
