"""`firstread restore`: checks an archive, and restores it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from database.session import open_engine
from firstread.backup.by_whom import KEYS, actor_here, shown, shown_moment
from firstread.data_folder import make_data_folder, require_place, served_alone
from firstread.say import console, shown_steps
from settings.environment import Settings
from worker.backup.archive import ArchiveFacts
from worker.backup.read_archive import ArchiveReader
from worker.backup.restore import require_restorable, restore

_MEGABYTE = 1_000_000


def check_and_say(path: Path) -> None:
    """Read an archive to its end, and say what it holds.

    Raises
    ------
    ArchiveRefused
        It is damaged, not whole, of a newer version, or no archive.
    """
    with ArchiveReader(path, keys=KEYS) as archive:
        facts = _checked(archive)
    require_restorable(facts)
    _say(facts, "The archive is whole")


def restore_and_say(settings: Settings, path: Path) -> None:
    """Restore an archive into what the settings name.

    Raises
    ------
    ArchiveRefused
        It is damaged, not whole, of a newer version, or no archive.
    NotRestored
        There is something there already, or Firstread runs.
    SettingsRefused
        Nothing says where to restore to.
    """
    require_place(settings)
    with ArchiveReader(path, keys=KEYS) as archive:
        facts = _checked(archive)
        require_restorable(facts)
        make_data_folder(settings.data_folder)
        engine = open_engine(settings.database_address)
        try:
            with served_alone(settings.data_folder), shown_steps("", 1) as steps:
                restored = restore(
                    settings,
                    engine,
                    lambda: datetime.now(UTC),
                    archive,
                    facts,
                    actor_here(),
                    keys=KEYS,
                    on_file=shown(steps, "Files"),
                )
        finally:
            engine.dispose()
    if restored.already:
        _say(facts, "This archive was restored here before; nothing was done now")
    else:
        _say(facts, "Restored")
        console.print(
            "What came after that moment has to be sent again. Start Firstread, and open a study."
        )


def _checked(archive: ArchiveReader) -> ArchiveFacts:
    total = 1 + archive.size_bytes // _MEGABYTE
    with shown_steps("", 1) as steps:
        facts = archive.check(lambda read: steps.step("Checking, MB", read // _MEGABYTE, total))
        steps.step("Checking, MB", total, total)
    return facts


def _say(facts: ArchiveFacts, what: str) -> None:
    rows = sum(count for count, _ in facts.rows.values())
    console.print(
        f"{what}: {facts.files} files ({facts.size_bytes / _MEGABYTE:.1f} MB) and {rows} rows as "
        f"they were at {shown_moment(facts.taken_at)}, by Firstread {facts.version}.",
        markup=False,
    )
    if facts.missing:
        console.print(f"{len(facts.missing)} files were missing when the archive was made.")
