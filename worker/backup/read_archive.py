"""Reads an archive: first all of it against its manifest, then again for what it holds."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from radiology.errors import ArchiveRefused, SettingsRefused
from worker.backup.archive import (
    DIGEST,
    HEAD,
    MANIFEST,
    ArchiveFacts,
    Member,
    check_head,
    facts_of,
    place_of,
    table_of,
)

_AT_A_TIME = 1 << 20
_LONGEST_HEAD = 10_000
_BROKEN_OFF = "The archive is not whole: it ends before its manifest"
_DAMAGED = "The archive is damaged, not whole, or was changed: take another one"


@dataclass(frozen=True, slots=True)
class ReadMember:
    """A file or the rows of a table, while they are read; `pieces` ends with a check of them."""

    name: str
    size: int
    pieces: Iterator[bytes]


class ArchiveReader:
    """An archive in a file.

    Parameters
    ----------
    keys : files that may lie in the data folder itself

    Raises
    ------
    SettingsRefused
        There is no such file.
    """

    def __init__(self, path: Path, *, keys: tuple[str, ...] = ()) -> None:
        if not path.is_file():
            raise SettingsRefused("There is no such file", file=str(path))
        self._path, self._keys = path, keys
        self._lines = tempfile.TemporaryFile()  # noqa: SIM115 until `__exit__`
        self.size_bytes = path.stat().st_size
        self.manifest_sha256 = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._lines.close()

    def check(self, on_bytes: Callable[[int], None] = lambda _bytes: None) -> ArchiveFacts:
        """Read every byte, and compare it with the manifest.

        Parameters
        ----------
        on_bytes : told how many bytes of the archive have been read

        Raises
        ------
        ArchiveRefused
            It is no archive, not whole, damaged, or has a member that leads out of the data folder.
        """
        self._lines.seek(0)
        self._lines.truncate()
        with _opened(self._path) as tar:
            for entry in _entries(tar):
                if self._lines.tell() == 0:
                    self._keep(_head(tar, entry))
                elif entry.name == MANIFEST:
                    facts, digest = self._manifest(tar, entry)
                    _check_end(tar, digest)
                    self.manifest_sha256 = digest
                    return facts
                else:
                    if table_of(entry.name) is None:
                        place_of(entry.name, self._keys)
                    self._keep(_member(tar, entry))
                on_bytes(tar.offset)
        raise ArchiveRefused(_BROKEN_OFF if self._lines.tell() else None)

    def members(self) -> Iterator[ReadMember]:
        """What is in it after the head, in its order. Each must be read before the next one.

        Raises
        ------
        ArchiveRefused
            It is not what it was when it was checked.
        """
        self._lines.seek(0)
        lines = iter(self._lines)
        with _opened(self._path) as tar:
            for entry in _entries(tar):
                if entry.name == MANIFEST:
                    return
                line = next(lines, b"")
                if entry.name != HEAD:
                    yield ReadMember(entry.name, entry.size, _checked(tar, entry, line))

    def _keep(self, member: Member) -> None:
        self._lines.write(member.line())

    def _manifest(self, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[ArchiveFacts, str]:
        """Compare it with what was read, byte for byte; what follows that are the facts."""
        end = self._lines.tell()
        self._lines.seek(0)
        sha256, last = hashlib.sha256(), b""
        for piece in _pieces(tar, entry):
            sha256.update(piece)
            known = self._lines.read(len(piece))
            if not piece.startswith(known):
                raise ArchiveRefused(_DAMAGED)
            last += piece[len(known) :]
        if self._lines.tell() != end:
            raise ArchiveRefused(_DAMAGED)
        return facts_of(last), sha256.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveRefused(_DAMAGED) from error
    except OSError as error:
        raise ArchiveRefused(f"The archive cannot be read ({error.strerror or error})") from error


def _entries(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (entry := tar.next()) is not None:
        if entry.type != tarfile.REGTYPE:
            raise ArchiveRefused("A member is no plain file: this is none of our archives")
        yield entry
        # tarfile keeps them all, and there may be millions; `getmembers` would read to the end
        tar.members.clear()  # type: ignore[attr-defined]


def _pieces(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Iterator[bytes]:
    file = tar.extractfile(entry)
    left = entry.size
    while file is not None and left:
        piece = file.read(min(_AT_A_TIME, left))
        if not piece:
            raise ArchiveRefused(_BROKEN_OFF)
        left -= len(piece)
        yield piece


def _member(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    sha256 = hashlib.sha256()
    for piece in _pieces(tar, entry):
        sha256.update(piece)
    return Member(entry.name, entry.size, sha256.hexdigest())


def _checked(tar: tarfile.TarFile, entry: tarfile.TarInfo, line: bytes) -> Iterator[bytes]:
    sha256 = hashlib.sha256()
    for piece in _pieces(tar, entry):
        sha256.update(piece)
        yield piece
    if Member(entry.name, entry.size, sha256.hexdigest()).line() != line:
        raise ArchiveRefused(_DAMAGED)


def _head(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    if entry.name != HEAD or entry.size > _LONGEST_HEAD:
        raise ArchiveRefused
    content = b"".join(_pieces(tar, entry))
    check_head(content)
    return Member(entry.name, entry.size, hashlib.sha256(content).hexdigest())


def _check_end(tar: tarfile.TarFile, digest: str) -> None:
    entry = tar.next()
    if entry is None or entry.type != tarfile.REGTYPE or entry.name != DIGEST:
        raise ArchiveRefused(_BROKEN_OFF)
    if entry.size != len(digest) + 1 or b"".join(_pieces(tar, entry)) != f"{digest}\n".encode():
        raise ArchiveRefused(_DAMAGED)
    if tar.next() is not None:
        raise ArchiveRefused(_DAMAGED)
