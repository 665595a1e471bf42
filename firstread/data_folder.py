"""The data folder: ours alone to read, and served by one Firstread at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from radiology.errors import SettingsRefused
from settings.log_events import get_logger

_log = get_logger("serve")
_LOCK = "served-by"


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
