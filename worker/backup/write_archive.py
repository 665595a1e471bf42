"""Writes an archive, member by member, to a file or a pipe."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from radiology.errors import BackupNotWritten
from worker.backup.archive import DIGEST, HEAD, MANIFEST, ArchiveFacts, Member, head_line

_MODE = 0o600


class ArchiveWriter:
    """An archive that is being written, within a block; it is whole after `end`.

    Parameters
    ----------
    stream : where it goes; nothing is read from it, and it is not closed
    scratch : a folder for what has no name: the manifest, until its turn comes
    """

    def __init__(self, stream: IO[bytes], scratch: Path, *, version: str, revision: str) -> None:
        # Not tarfile's own way with pipes ("w|"): what it has gathered it writes when it is freed,
        # after an error too.
        written: Any = _Counted(stream)
        self._tar = tarfile.open(  # noqa: SIM115 until `end`
            fileobj=written, mode="w", format=tarfile.PAX_FORMAT
        )
        self._manifest = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 until `__exit__`
        self._head = head_line(version, revision)

    def __enter__(self) -> Self:
        try:
            self.add(HEAD, BytesIO(self._head), len(self._head))
        except BaseException:
            self._manifest.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._manifest.close()

    def add(self, name: str, content: IO[bytes], size: int) -> None:
        """Add a member of a size that is known.

        Raises
        ------
        BackupNotWritten
            There is no room, or the content cannot be read.
        """
        read = _Hashed(content)
        self._put(name, read, size)
        self._manifest.write(Member(name, size, read.hexdigest()).line())

    def members(self) -> Iterator[bytes]:
        """The lines of the manifest so far."""
        self._manifest.seek(0)
        yield from self._manifest
        self._manifest.seek(0, 2)

    def end(self, facts: ArchiveFacts) -> str:
        """Write what proves that the archive is whole; gives the digest of the manifest."""
        self._manifest.write(facts.line())
        size = self._manifest.tell()
        self._manifest.seek(0)
        read = _Hashed(self._manifest)
        self._put(MANIFEST, read, size)
        digest = read.hexdigest()
        self._put(DIGEST, BytesIO(f"{digest}\n".encode()), len(digest) + 1)
        with writing_may_fail():
            self._tar.close()
        return digest

    def _put(self, name: str, content: Any, size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, _MODE
        with writing_may_fail():
            self._tar.addfile(entry, content)
        self._tar.getmembers().clear()  # tarfile keeps them all, and there may be millions


@contextmanager
def writing_may_fail() -> Iterator[None]:
    """Say in an error of ours why an archive could not be written."""
    try:
        yield
    except BrokenPipeError as error:
        raise BackupNotWritten("Whoever takes the archive has stopped reading") from error
    except OSError as error:
        raise BackupNotWritten(
            f"The archive could not be written ({error.strerror or error}): make room, or let it "
            "be written elsewhere; what there was of it is removed",
            os_error=error.errno,
        ) from error


class _Counted:
    """A file or a pipe that is written to, and how much was."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._count = 0

    def write(self, content: bytes) -> int:
        self._stream.write(content)
        self._count += len(content)
        return len(content)

    def tell(self) -> int:
        return self._count


class _Hashed:
    """A file that is read, and the SHA-256 of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        try:
            content = self._file.read(size)
        except OSError as error:
            raise BackupNotWritten(
                f"A file cannot be read that belongs to the archive ({error.strerror})",
                os_error=error.errno,
            ) from error
        self._sha256.update(content)
        return content

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()
