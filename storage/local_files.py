"""Files that are kept in the data folder itself: what is there is all that there is."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from storage.files import FileFacts, KeptFiles, OpenFile


class LocalFiles(KeptFiles):
    """Every file is in its place already, and made durable by whoever wrote it."""

    @property
    def are_elsewhere(self) -> bool:
        """They are here."""
        return False

    def fetch(self, place: Path) -> Path:
        """Its place, which is not looked at."""
        return place

    def fetch_all(self, places: Iterable[Path]) -> list[Path]:
        """Their places."""
        return list(places)

    def fetch_below(self, folder: Path) -> None:
        """Nothing is to be done."""

    def keep(self, moves: Iterable[tuple[Path, Path]]) -> None:
        """Nothing is to be done."""

    def hand_over(self, folder: Path) -> None:
        """Nothing is to be done."""

    def remove(self, place: Path) -> None:
        """Remove the file."""
        place.unlink(missing_ok=True)

    def remove_below(self, folder: Path) -> None:
        """Remove the folder, as far as that can be done."""
        shutil.rmtree(folder, ignore_errors=True)

    def facts(self, place: Path) -> FileFacts | None:
        """What the disk says."""
        try:
            state = place.lstat()
        except OSError:
            return None
        return FileFacts(place.name, state.st_size, state.st_mtime)

    def below(self, folder: Path, name: str) -> Iterator[FileFacts]:
        """What the disk says of each; one that goes meanwhile is passed over."""
        for parent, _, names in os.walk(folder / name):
            within = os.path.relpath(parent, folder)
            for one in names:
                try:
                    state = os.lstat(f"{parent}/{one}")
                except FileNotFoundError:
                    continue
                yield FileFacts(f"{within}/{one}", state.st_size, state.st_mtime)

    def names(self, folder: Path) -> Iterator[str]:
        """What the folder has, if it is there."""
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for one in entries:
                yield one.name

    def answer(self) -> bool:
        """The data folder is there."""
        return True

    @property
    def fault(self) -> str:
        """No bucket is asked."""
        return ""

    @contextlib.contextmanager
    def reading(self, place: Path) -> Iterator[OpenFile]:
        """The file itself."""
        with place.open("rb") as file:
            state = os.fstat(file.fileno())
            mark = f"{state.st_ino} {state.st_mtime_ns} {state.st_size}"
            yield OpenFile(file, state.st_size, mark)


LOCAL: Final = LocalFiles()
