"""A folder that tells when something is put into it: inotify(7) of Linux, without asking.

An empty queue that is looked into ten times a second costs a worker at rest most of what it takes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
from pathlib import Path
from typing import Final

_IN_MOVED_TO: Final = 0x80  # sys/inotify.h: renamed into it
_ENOUGH_BYTES: Final = 65536


class WatchedFolder:
    """A watch on a folder, from now on.

    Raises
    ------
    OSError
        The system watches no folders, or no more of them (`fs.inotify.max_user_instances`), or
        there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        try:
            self._watch = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except AttributeError as error:
            raise OSError("This system has no inotify") from error
        if self._watch < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        if library.inotify_add_watch(self._watch, os.fsencode(folder), _IN_MOVED_TO) < 0:
            number = ctypes.get_errno()
            self.close()
            raise OSError(number, os.strerror(number), str(folder))

    def wait(self, limit_s: float) -> None:
        """Wait until something has come since the last wait, or for so long."""
        select.select([self._watch], [], [], limit_s)
        with contextlib.suppress(BlockingIOError):  # read to the end
            while os.read(self._watch, _ENOUGH_BYTES):
                pass

    def close(self) -> None:
        """End the watch."""
        os.close(self._watch)
