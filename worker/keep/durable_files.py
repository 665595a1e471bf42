"""Files that a power cut leaves as they were or as they are to be: one, or several at once."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from radiology.errors import SpoolFull

Write = Callable[[Path, memoryview], None]
"""Writes a file under its name; raises SpoolFull where there is no room left."""


def write_durably(path: Path, content: memoryview) -> None:
    """Write beside, make durable, then rename: a power cut leaves the old state or the new one.

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    _write_beside(path, content)
    _give_names([path])


class StagedFiles:
    """Files that are written and made durable while it is not known yet whether they may be kept.

    Within its context `write` puts each beside its place, from any thread. They get their names
    when the context is left, all of them; none where it is left with an error.
    """

    def __init__(self) -> None:
        self._paths: list[Path] = []
        self._lock = threading.Lock()

    def write(self, path: Path, content: memoryview) -> None:
        """Write a file; it has its name when the context is left.

        Raises
        ------
        SpoolFull
            There is no room left.
        """
        with self._lock:
            self._paths.append(path)
        _write_beside(path, content)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            _give_names(self._paths)
            return
        for path in self._paths:
            with contextlib.suppress(OSError):  # the sweep removes what is left over
                _beside(path).unlink()


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_beside(path: Path, content: memoryview) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _beside(path).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SpoolFull("Results cannot be written", os_error=error.errno) from error


def _give_names(paths: Iterable[Path]) -> None:
    """Rename what was written beside, and make each folder durable once."""
    try:
        folders: set[Path] = set()
        for path in paths:
            _beside(path).replace(path)
            folders.add(path.parent)
        for one in folders:
            folder = os.open(one, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise SpoolFull("Results cannot be written", os_error=error.errno) from error
