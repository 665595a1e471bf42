"""The file that an archive goes to: nobody else may read it, and it has its name once it is whole.

Until then it has a name of its own and is locked by its process. What a process left that was
killed is found by its name, is locked by nobody, and is removed by the next backup.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from radiology.errors import SettingsRefused
from settings.log.log_events import get_logger
from worker.backup.write_archive import writing_may_fail

_log = get_logger("backup")
_PART = ".firstread-part"


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name at the end of the block; after an error it is gone.

    Raises
    ------
    SettingsRefused
        There is such a file, or its folder is not there.
    BackupNotWritten
        There is no room, or the folder may not be written to.
    """
    if path.exists():
        raise SettingsRefused("There is such a file already: give another name", file=str(path))
    if not path.parent.is_dir():
        raise SettingsRefused(
            "There is no such folder: make it, or name another one", folder=str(path.parent)
        )
    remove_parts(path.parent)
    part = path.with_name(f".{path.name}{_PART}")
    with writing_may_fail():
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            with writing_may_fail():
                file.flush()
                os.fsync(descriptor)
                part.rename(path)
        with writing_may_fail():
            _sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_parts(folder: Path) -> None:
    """Remove what backups left in a folder that were killed."""
    for part in folder.glob(f".*{_PART}"):
        try:
            with part.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
        except BlockingIOError:  # another backup writes it
            continue
        except OSError as error:
            _log.warning("part_not_removed", errno=error.errno)
            continue
        _log.warning("part_removed", folder=str(folder))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
