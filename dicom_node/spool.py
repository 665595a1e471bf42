"""Writes encoded data sets to disk: written, put into its place, flushed; UIDs give the path.

PS3.10 Section 7 (the DICOM file format). What comes over the network is written to a file of this
process's own in `.incoming` and takes its place when it has come whole. A file in its place
without a row is the trace of a crash before Success was answered: the sender comes again, and the
file is replaced. docs/decisions/0013-durable-before-success.md, 0054-one-flush-for-an-instance.md.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from dicom_node.spool_locks import lock_folder, sweep, unlock_folder
from dicom_node.whole_flush import WholeFlush
from radiology.errors import SpoolFull

_INCOMING: Final = ".incoming"
_CHECK_SPACE_EVERY: Final = 64 * 1024 * 1024
# No file, or one whose bytes the disk does not give back (EUCLEAN: the file system is damaged)
_LOST: Final = frozenset((errno.ENOENT, errno.EIO, errno.EUCLEAN))


class SpoolFile:
    """A received data set on its way to its place, as a DICOM file.

    Parameters
    ----------
    path : where it lies until it is moved; a new file
    file_meta : preamble, prefix and file meta information (PS3.10 Section 7.1)
    check_space : raises SpoolFull when the disk is too full
    """

    def __init__(self, path: str, file_meta: bytes, check_space: Callable[[], None]) -> None:
        self._path = path
        self._check_space = check_space
        self._offset = len(file_meta)
        self._digest = hashlib.sha256()
        self._size = 0
        self._unchecked = 0
        self._placed = False
        check_space()
        with _disk_faults:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        self._open = True
        self._put(file_meta)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self._path)

    @property
    def size(self) -> int:
        """Bytes of the encoded data set so far, without the file meta information."""
        return self._size

    @property
    def sha256(self) -> str:
        """Digest of the encoded data set so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, fragment: bytes | memoryview) -> None:
        """Add a fragment of the encoded data set.

        Raises
        ------
        SpoolFull
            The disk is full, or cannot be written.
        """
        self._digest.update(fragment)
        self._size += len(fragment)
        self._unchecked += len(fragment)
        if self._unchecked > _CHECK_SPACE_EVERY:
            self._unchecked = 0
            self._check_space()
        self._put(fragment)

    def read_at(self, offset: int, length: int) -> bytes:
        """Read from the encoded data set; fewer than `length` bytes at its end."""
        with _disk_faults:
            return os.pread(self._descriptor, length, self._offset + offset)

    def make_durable(self) -> None:
        """Wait until the bytes would outlive a power cut, and close the file; once is enough.

        Raises
        ------
        SpoolFull
            The disk is full, or cannot be written.
        """
        if self._open:
            with _disk_faults:
                os.fsync(self._descriptor)
            self.close()

    def close(self) -> None:
        """Close the file; closing it twice does no harm."""
        if self._open:
            self._open = False
            # A thread that still writes then fails: the number may be another instance's by now
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def discard(self) -> None:
        """Close and remove the file, unless it was placed or somebody has moved it."""
        self.close()
        if not self._placed:
            self.path.unlink(missing_ok=True)

    def move(self, place: str) -> None:
        """Move it to its place, whose folder must be there; again where its row was not made."""
        os.replace(self._path, place)  # noqa: PTH105 once for each instance: see Spool._folder
        self._path, self._placed = place, True

    def _put(self, data: bytes | memoryview) -> None:
        with _disk_faults:
            left = len(data) - os.write(self._descriptor, data)
            while left:
                left -= os.write(self._descriptor, memoryview(data)[-left:])


class Spool:
    """The folder that received instances are kept in.

    Parameters
    ----------
    folder : made if it is not there
    min_free_bytes : nothing is taken when less than this would be left on the disk

    Attributes
    ----------
    left : what was here of processes that are dead
    """

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self.folder = folder
        self._folder = str(folder)  # places are put together as text, at a tenth of a Path's cost
        self._min_free_bytes = min_free_bytes
        with _disk_faults:
            (folder / _INCOMING).mkdir(parents=True, exist_ok=True)
        self.left = sweep(folder / _INCOMING)
        name = uuid.uuid4().hex
        self._number = itertools.count(1)
        self._own = folder / _INCOMING / name
        with _disk_faults, contextlib.ExitStack() as undo:
            self._lock = lock_folder(self._own)
            undo.callback(unlock_folder, self._own, self._lock)
            self._own.mkdir()
            undo.callback(self._own.rmdir)
            self._whole = WholeFlush(folder)
            undo.callback(self._whole.close)
            self.sync((folder / _INCOMING, folder, folder.parent))
            undo.pop_all()

    def begin(self, file_meta: bytes) -> SpoolFile:
        """Open a file for an instance that begins to arrive.

        Raises
        ------
        SpoolFull
            Too little room is left.
        """
        return SpoolFile(f"{self._own}/{next(self._number)}.dcm", file_meta, self.check_space)

    def check_space(self) -> None:
        """Raise SpoolFull when less room is left than the settings demand."""
        with _disk_faults:
            state = os.statvfs(self._folder)
        free_bytes = state.f_bavail * state.f_frsize
        if free_bytes < self._min_free_bytes:
            raise SpoolFull(free_bytes=free_bytes, min_free_bytes=self._min_free_bytes)

    def place(self, file: SpoolFile, relative: str) -> set[str]:
        """Move a durable file to its place.

        Parameters
        ----------
        file : made durable before
        relative : as `instance_path` gives it

        Returns
        -------
        The folders that `sync` must be called with before the place is durable too.
        """
        place = f"{self._folder}/{relative}"
        folder = place.rpartition("/")[0]
        changed = {folder}
        with _disk_faults:
            try:
                file.move(place)
            except FileNotFoundError:
                made = Path(folder)
                while not made.is_dir():
                    made = made.parent
                    changed.add(str(made))
                Path(folder).mkdir(parents=True, exist_ok=True)
                file.move(place)
        return changed

    def sync(self, folders: Iterable[str | Path]) -> None:
        """Wait until the entries of folders would outlive a power cut."""
        for folder in folders:
            with _disk_faults:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def holds(self, relative: str, size: int, sha256: str) -> bool:
        """Whether a file is in its place, and ends with an encoded data set of this digest.

        Raises
        ------
        SpoolFull
            It cannot be known now: the file may not be opened, though its bytes may be there.
        """
        try:
            with (self.folder / relative).open("rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - size, 0))
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError as error:
            if error.errno in _LOST:
                return False
            raise SpoolFull(
                "What was received cannot be read from disk", errno=error.errno
            ) from error

    def lies_beside(self, folder: Path | None) -> bool:
        """Whether `sync_everything` makes durable what lies in a folder too."""
        return folder is not None and folder.stat().st_dev == self.folder.stat().st_dev

    @property
    def can_sync_everything(self) -> bool:
        """Whether one flush of the whole file system does what one of each file would do."""
        return self._whole.is_sure

    def sync_everything(self) -> None:
        """Wait until all files and folders of the spool's file system would outlive a power cut.

        Raises
        ------
        SpoolFull
            One of them could not be written; from then on each is flushed by itself.
        """
        with _disk_faults:
            self._whole.flush()

    def close(self) -> None:
        """Remove what this process had begun and not finished."""
        shutil.rmtree(self._own, ignore_errors=True)
        self._whole.close()
        unlock_folder(self._own, self._lock)


def instance_path(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> str:
    """Where an instance lies within the spool.

    Parameters
    ----------
    study_instance_uid, series_instance_uid, sop_instance_uid : checked, so that they hold nothing
        but digits and dots
    """
    return f"{study_instance_uid}/{series_instance_uid}/{sop_instance_uid}.dcm"


class _DiskFaults:
    """Full, over quota, read-only or broken: each may pass, and the sender should come again.

    Nothing is kept in it, so that one serves all threads.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise SpoolFull(
                "What was received cannot be written to disk", errno=error.errno
            ) from error


_disk_faults: Final = _DiskFaults()
