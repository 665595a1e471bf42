"""The log as a file that others may rotate: no line is lost, and nobody has to be told.

Every process appends to the file for itself. Before each line it looks whether the file under that
name is still the one that it has open; after a rename it opens the new one, or makes it. Truncating
in place (logrotate's `copytruncate`) would lose what is written between copy and truncation.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from radiology.errors import SettingsRefused

_MODE = 0o640


class LogFile:
    """Takes finished lines, from any thread and from signal handlers.

    Parameters
    ----------
    path : made where it is not there

    Raises
    ------
    SettingsRefused
        It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()  # a signal handler that logs may interrupt a line
        try:
            self._file = self._open()
        except OSError as error:
            raise SettingsRefused(
                "The log file cannot be written", log_file=str(path), reason=error.strerror or ""
            ) from error

    def write(self, line: str) -> None:
        """Append one line, its end included."""
        try:
            self._append(line.encode())
        except OSError as error:  # a full disk must not stop the work; the line is not silenced
            sys.stderr.write(f"{self._path}: {error.strerror}: {line}")

    def _append(self, line: bytes) -> None:
        with self._lock:
            if not self._is_current():
                before, self._file = self._file, self._open()
                os.close(before)
            write_whole(self._file, line)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)

    def _is_current(self) -> bool:
        ours = os.fstat(self._file)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def write_whole(descriptor: int, line: bytes) -> None:
    """Write all of a line: by one call, but where the system takes a part only."""
    while line:
        line = line[os.write(descriptor, line) :]
