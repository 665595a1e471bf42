"""`firstread backup`, `firstread restore`, `firstread move`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            help="A folder, in which the archive is called by its time; a file (.tar); or - for "
            "standard output."
        ),
    ],
    without_originals: Annotated[
        bool,
        typer.Option(
            "--without-originals",
            help="Leave out images that PACS has too: those that the retention may remove.",
        ),
    ] = False,
    without_slices: Annotated[
        bool,
        typer.Option("--without-slices", help="Leave out the slices that only the viewer shows."),
    ] = False,
) -> None:
    """Make one archive of database and data folder, while Firstread works.

    Nothing in it is encrypted, and it holds patients' data, the accounts, and the key of the
    feedback export; not in it are the settings and the bundles. More: docs/backup.md.

    Examples: `firstread backup /mnt/backup/`; `firstread backup monday.tar --without-slices`;
    `firstread backup - | age -R /etc/firstread/backup.pub > /mnt/backup/monday.tar.age`.
    """
    from firstread.backup.made import back_up_and_say
    from worker.backup.left_out import WithoutWhat

    with errors_to_exit_code():
        without = WithoutWhat(originals=without_originals, slices=without_slices)
        back_up_and_say(_settings(), target, without)


def restore(
    archive: Annotated[Path, typer.Argument(help="An archive of `firstread backup`.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only read all of it, and say what it holds.")
    ] = False,
) -> None:
    """Restore an archive into an empty data folder and an empty database, of either size.

    Firstread must not run. All of the archive is read first; nothing of a damaged one is restored.
    If it is broken off, run it again with the same archive; until it has ended nothing is served.

    Examples: `firstread restore /mnt/backup/firstread-20261130T020000Z.tar --check`;
    `firstread restore /mnt/backup/firstread-20261130T020000Z.tar`.
    """
    from firstread.backup.restored import check_and_say, restore_and_say

    with errors_to_exit_code():
        if check:
            check_and_say(archive)
        else:
            restore_and_say(_settings(), archive)


def move(
    to: Annotated[
        str | None,
        typer.Option(help="URL of an empty PostgreSQL database. PGPASSWORD may hold its password."),
    ] = None,
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="Go on with the old database after a move that broke off."),
    ] = False,
) -> None:
    """Move all rows into an empty database; the data folder stays as it is.

    Firstread must not run. If it is broken off, run it again. When it has ended, the settings
    have to name the new database: nothing is served from the old one any more.

    Example: `firstread move --to postgresql://firstread@127.0.0.1/firstread`.
    """
    from firstread.backup.moved import abandon_and_say, move_and_say

    with errors_to_exit_code():
        if (to is None) is not abandon:
            raise SettingsRefused("Give --to with the URL of the new database, or --abandon")
        if to is None:
            abandon_and_say(_settings())
        else:
            move_and_say(_settings(), to)


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
