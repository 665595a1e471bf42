"""`firstread backup`: makes an archive and says what is in it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from database.session import Engine
from firstread.backup.by_whom import KEYS, actor_here, shown, shown_moment
from firstread.data_folder import open_database
from firstread.say import console, shown_steps
from radiology.errors import SettingsRefused
from settings.environment import Settings
from worker.backup.left_out import WithoutWhat, require_room
from worker.backup.make_backup import MadeBackup, make_backup, note_backup
from worker.backup.target_file import whole_file
from worker.backup.write_archive import writing_may_fail

_STANDARD_OUTPUT = Path("-")
_MEGABYTE = 1_000_000
_MOST_LISTED = 20
_END = ".tar"


def back_up_and_say(settings: Settings, target: Path, without: WithoutWhat) -> None:
    """Write an archive to a file, into a folder, or to standard output.

    Raises
    ------
    SettingsRefused
        The target cannot be one.
    BackupNotWritten
        There is no room, or a file cannot be read.
    """
    engine = open_database(settings)
    try:
        if target == _STANDARD_OUTPUT:
            where, made = "standard output", _to_standard_output(settings, engine, without)
        else:
            path = _path_of(target)
            _require_outside(settings, path)
            require_room(settings, engine, _now, path.parent, without)
            with whole_file(path) as file, shown_steps("", 1) as steps:
                made = make_backup(
                    settings,
                    engine,
                    _now,
                    file,
                    path.parent,
                    without=without,
                    keys=KEYS,
                    on_file=shown(steps, "Files"),
                )
            where = str(path)
        note_backup(engine, made, _now, actor_here())
    finally:
        engine.dispose()
    _say(made, where)


def _to_standard_output(settings: Settings, engine: Engine, without: WithoutWhat) -> MadeBackup:
    if sys.stdout.isatty():
        raise SettingsRefused("- is for a pipe or a file, and standard output is a terminal")
    made = make_backup(
        settings,
        engine,
        _now,
        sys.stdout.buffer,
        settings.data_folder,
        without=without,
        keys=KEYS,
    )
    with writing_may_fail():
        sys.stdout.buffer.flush()
    return made


def _path_of(target: Path) -> Path:
    if target.is_dir():
        return target / f"firstread-{_now():%Y%m%dT%H%M%SZ}{_END}"
    if target.suffix != _END:  # a folder that is not there, or not mounted
        raise SettingsRefused(
            f"There is no such folder; the name of a file ends with {_END}", target=str(target)
        )
    return target


def _require_outside(settings: Settings, path: Path) -> None:
    """An archive among the files that it is of would be in the next one."""
    if not path.parent.is_dir():
        raise SettingsRefused(
            "There is no such folder: make it, or name another one", folder=str(path.parent)
        )
    if path.resolve().is_relative_to(settings.data_folder.resolve()):
        raise SettingsRefused("An archive does not go into the data folder: name another one")


def _say(made: MadeBackup, where: str) -> None:
    facts = made.facts
    rows = sum(count for count, _ in facts.rows.values())
    console.print(
        f"Backup of {shown_moment(facts.taken_at)}: {facts.files} files "
        f"({facts.size_bytes / _MEGABYTE:.1f} MB) and {rows} rows. It is in {where}, holds "
        "patients' data, accounts and keys, and is not encrypted.",
        markup=False,
    )
    if facts.studies_without_originals:
        console.print(f"Left out: the images of {facts.studies_without_originals} studies.")
    if facts.missing:
        console.print(
            f"[bold red]Missing:[/] {len(facts.missing)} files that rows name were not there "
            "before it began, and are not in it. Send those studies again."
        )
        for name in facts.missing[:_MOST_LISTED]:
            console.print(f"  {name}", markup=False)


def _now() -> datetime:
    return datetime.now(UTC)
