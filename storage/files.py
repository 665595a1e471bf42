"""What is asked of the files of the data folder, wherever they are kept.

The data folder is always the place of a file: whoever reads it opens it there. Where the settings
name a bucket, the bucket holds what is kept and the folder holds copies of some of it, so whoever
opens a file has it fetched first, and whoever makes one has it kept before a row names it.
docs/decisions/0058-objects-in-a-bucket.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file that is kept.

    Attributes
    ----------
    path : within the folder that was asked for
    modified_at : seconds since the epoch
    """

    path: str
    size_bytes: int
    modified_at: float


@dataclass(frozen=True, slots=True)
class OpenFile:
    """The bytes of a file, from its beginning.

    Attributes
    ----------
    mark : another file in its place has another one
    """

    stream: IO[bytes]
    size_bytes: int
    mark: str


class KeptFiles(ABC):
    """The files of one data folder. Paths are places in it; used by many threads at once.

    Each of them may raise `ObjectStorageUnavailable` where the files are kept in a bucket.
    """

    @property
    @abstractmethod
    def are_elsewhere(self) -> bool:
        """Whether the data folder is only a cache."""

    @abstractmethod
    def fetch(self, place: Path) -> Path:
        """Have a file in its place, and give the place; there is none where none is kept.

        Raises
        ------
        SpoolFull
            There is no room left for it here.
        """

    @abstractmethod
    def fetch_all(self, places: Iterable[Path]) -> list[Path]:
        """The same for several files at once."""

    @abstractmethod
    def fetch_below(self, folder: Path) -> None:
        """Have every file of a folder in its place."""

    @abstractmethod
    def keep(self, moves: Iterable[tuple[Path, Path]]) -> None:
        """Make sure that files are kept, before they are moved to their places and rows name them.

        Parameters
        ----------
        moves : the files as they lie now, and their places; both are the same of a file that lies
            in its place
        """

    @abstractmethod
    def hand_over(self, folder: Path) -> None:
        """Keep every file of a folder, for whichever host takes it from here."""

    @abstractmethod
    def remove(self, place: Path) -> None:
        """Remove a file; one that is not there is no fault.

        Raises
        ------
        OSError
            It cannot be removed.
        """

    @abstractmethod
    def remove_below(self, folder: Path) -> None:
        """Remove a folder with all that is in it."""

    @abstractmethod
    def facts(self, place: Path) -> FileFacts | None:
        """What is known of a file; None where none is kept. Its path is the file's name."""

    @abstractmethod
    def below(self, folder: Path, name: str) -> Iterator[FileFacts]:
        """Every file below an entry of a folder, by its path within the folder."""

    @abstractmethod
    def names(self, folder: Path) -> Iterator[str]:
        """The names of all entries of a folder, in no order."""

    @abstractmethod
    def reading(self, place: Path) -> AbstractContextManager[OpenFile]:
        """A file to be read once, from its beginning to its end, without a copy of it here.

        Raises
        ------
        FileNotFoundError
            None is kept.
        """

    @abstractmethod
    def answer(self) -> bool:
        """Whether files can be had and kept now: asked before work is begun that needs them.

        So nothing is begun that must fail, and nothing waits long for a bucket that is away.
        """

    @property
    @abstractmethod
    def fault(self) -> str:
        """Why the last thing that was asked of a bucket came to nothing; "" where it did not."""

    def size(self, place: Path) -> int | None:
        """Bytes of a file; None where none is kept."""
        facts = self.facts(place)
        return None if facts is None else facts.size_bytes
