"""Files that a power cut leaves as they were or as they are to be: one, or several at once."""

from __future__ import annotations

import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from radiology.errors import SpoolFull
from storage.files import KeptFiles

Write = Callable[[Path, memoryview], None]
"""Writes a file under its name; raises SpoolFull where there is no room left."""


class StagedFiles:
    """Files that are written and made durable while it is not known yet whether they may be kept.

    Within its context `write` puts each beside its place, from any thread. They get their names
    when the context is left, all of them; none where it is left with an error. The names beside are
    its own: of two attempts that make the same result, of which one has lost its lease, neither
    takes what the other has not finished. A power cut leaves a file as it was or as it is to be.

    Parameters
    ----------
    kept : where files are kept: they are there before they have their names here
    """

    def __init__(self, kept: KeptFiles) -> None:
        self._kept = kept
        self._end = f".{uuid.uuid4().hex}.part"
        self._paths: list[Path] = []
        self._changed: set[Path] = set()  # folders in which one was made
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
        with _disk_faults():
            self._make_folder(path.parent)
            with self._beside(path).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())

    def _make_folder(self, folder: Path) -> None:
        """Make a folder, and remember those that got an entry by it."""
        made = folder
        while not made.is_dir():
            made = made.parent
            with self._lock:
                self._changed.add(made)
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with _disk_faults():
                    self._kept.keep((self._beside(path), path) for path in self._paths)
                    self._give_names()
        finally:
            for path in self._paths:
                with contextlib.suppress(OSError):  # of a process that dies the sweep removes them
                    self._beside(path).unlink(missing_ok=True)

    def _give_names(self) -> None:
        """Rename what was written beside, and make each folder durable once."""
        for path in self._paths:
            self._beside(path).replace(path)
        for one in {path.parent for path in self._paths} | self._changed:
            folder = os.open(one, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _beside(self, path: Path) -> Path:
        return path.with_name(path.name + self._end)


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolFull("Results cannot be written", os_error=error.errno) from error
