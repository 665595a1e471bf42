"""The data folder: closed to others, served by one Firstread at a time, and the database in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from database.schema import check_schema, upgrade_schema
from database.session import Engine, open_engine
from radiology.errors import DatabaseUnavailable, SettingsRefused
from settings.environment import PREFIX, SETTINGS_FILE_VARIABLE, Settings
from settings.log.log_events import get_logger

_log = get_logger("serve")
_LOCK = "served-by"
_OTHERS_MASK = 0o027  # of what we make: nothing for others; a group may be let in, for backups


def make_data_folder(folder: Path) -> None:
    """Make the folder, and close it to those who are neither its owner nor of its group.

    It holds images, results and the database, so whatever was open before is closed.
    """
    os.umask(_OTHERS_MASK)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO:
        try:
            folder.chmod(mode & ~stat.S_IRWXO)
        except PermissionError:  # somebody else's, as a volume of a container may be
            _log.warning("data_folder_open_to_others", mode=f"{mode:04o}")


def open_database(settings: Settings, *, make: bool = False) -> Engine:
    """The database of the settings in force, with the schema that this code was written for.

    Parameters
    ----------
    make : begin an embedded one where there is none and the settings say where it is to be;
        otherwise that is refused

    Raises
    ------
    SettingsRefused
        There is none here, or its schema is another one. The message says where it was looked for.
    DatabaseUnavailable
        It does not answer.
    """
    missing = _is_missing(settings)
    if missing and not make:
        raise SettingsRefused(_not_here(settings))
    refuse_second_firstread(settings)
    engine = open_engine(settings.database_address)
    if missing:
        make_data_folder(settings.data_folder)
        upgrade_schema(engine)
    try:
        check_schema(engine)
    except DatabaseUnavailable as error:
        where = engine.url.render_as_string(hide_password=True)
        raise DatabaseUnavailable("The database does not answer", database=where) from error
    return engine


def refuse_second_firstread(settings: Settings) -> None:
    """Refuse to begin a database that nobody has asked for, in whatever folder one happens to be.

    Raises
    ------
    SettingsRefused
        There is none here, and neither a settings file nor the environment says where one is to be.
    """
    if _is_missing(settings) and not says_where(settings):
        raise SettingsRefused(_not_here(settings))


def require_place(settings: Settings) -> None:
    """Refuse to restore into whatever folder one happens to be in.

    Raises
    ------
    SettingsRefused
        There is no database here, and neither a settings file nor the environment says where one
        is to be.
    """
    if _is_missing(settings) and not says_where(settings):
        raise SettingsRefused(
            f"Nothing says where to restore to: there is {_looked_for(settings)}. Run the command "
            "in the folder that 'firstread serve' is to be started in, with its firstread.toml "
            f"there, or let {PREFIX}DATA_FOLDER name an empty folder"
        )


def says_where(settings: Settings) -> bool:
    """Whether a settings file was read, or the data folder or the database was named."""
    return type(settings).settings_file is not None or not settings.model_fields_set.isdisjoint(
        ("data_folder", "database_url")
    )


def is_of_nobody(settings: Settings) -> bool:
    """Whether nobody has said where the data folder is to be, and there is none either.

    Whoever only looks makes none then: it would stand in whatever folder one happens to be.
    """
    return not says_where(settings) and not settings.data_folder.exists()


def _is_missing(settings: Settings) -> bool:
    return settings.database_url is None and not settings.sqlite_file.exists()


def _looked_for(settings: Settings) -> str:
    file = type(settings).settings_file or Path("firstread.toml")
    found = "was read" if file.is_file() else "is not there"
    where = settings.sqlite_file.resolve()
    return f"no database at {where} (the settings file {file.resolve()} {found})"


def _not_here(settings: Settings) -> str:
    return (
        f"There is {_looked_for(settings)}. Run the command in the folder that 'firstread serve' "
        f"is started in, or let {PREFIX}DATA_FOLDER or {SETTINGS_FILE_VARIABLE} name the one in "
        "use; a new database is made by 'firstread serve'"
    )


@contextlib.contextmanager
def served_alone(folder: Path) -> Iterator[None]:
    """Serve a data folder until the end of the block; nobody else may meanwhile.

    The lock is the system's, so it goes with the process, however that ends.

    Raises
    ------
    SettingsRefused
        Another Firstread serves it.
    """
    with (folder / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsRefused(
                "Another Firstread serves this data folder: stop it, or set data_folder",
                data_folder=str(folder),
                process=_read(file.name),
            ) from error
        except OSError as error:  # a file system without locks
            _log.warning("data_folder_not_locked", errno=error.errno)
        # Parts are forked: one that outlives us must not keep the folder locked.
        os.register_at_fork(after_in_child=file.close)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def server_of(folder: Path) -> int | None:
    """The process that serves a data folder; None where nobody does."""
    path = folder / _LOCK
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(str(path))
    except OSError:
        return None
    return None


def _read(path: str) -> int:
    text = Path(path).read_text()
    return int(text) if text.isdigit() else 0
