"""Writes encoded data sets to disk: write, fsync, rename, fsync the folder; UIDs give the path.

PS3.10 Section 7 (the DICOM file format). What comes over the network is written to a file of this
process's own in `.incoming` and takes its place only when it is durable. A file in its place
without a row is the trace of a crash before Success was answered: the sender comes again, and the
file is replaced. docs/decisions/0013-durable-before-success.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from dicom_node.whole_flush import WholeFlush
from radiology.errors import SpoolFull

_INCOMING: Final = ".incoming"
_LOCK: Final = ".lock"
_CHECK_SPACE_EVERY: Final = 64 * 1024 * 1024


class SpoolFile:
    """A received data set on its way to its place, as a DICOM file.

    Parameters
    ----------
    path : where it lies until it is placed
    file_meta : preamble, prefix and file meta information (PS3.10 Section 7.1)
    check_space : raises SpoolFull when the disk is too full
    """

    def __init__(self, path: Path, file_meta: bytes, check_space: Callable[[], None]) -> None:
        self.path = path
        self._check_space = check_space
        self._offset = len(file_meta)
        self._digest = hashlib.sha256()
        self._size = 0
        self._unchecked = 0
        check_space()
        with _disk_faults():
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640)
        self._open = True
        self._put(file_meta)

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
        with _disk_faults():
            return os.pread(self._descriptor, length, self._offset + offset)

    def make_durable(self) -> None:
        """Wait until the bytes would outlive a power cut, and close the file; once is enough.

        Raises
        ------
        SpoolFull
            The disk is full, or cannot be written.
        """
        if self._open:
            with _disk_faults():
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
        """Close and remove the file, unless it was placed."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _put(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        with _disk_faults():
            while view:
                view = view[os.write(self._descriptor, view) :]


class Spool:
    """The folder that received instances are kept in.

    Parameters
    ----------
    folder : made if it is not there
    min_free_bytes : nothing is taken when less than this would be left on the disk
    """

    def __init__(self, folder: Path, *, min_free_bytes: int) -> None:
        self.folder = folder
        self._min_free_bytes = min_free_bytes
        with _disk_faults():
            (folder / _INCOMING).mkdir(parents=True, exist_ok=True)
        self.swept = self._sweep()
        name = uuid.uuid4().hex
        self._number = itertools.count(1)
        self._own = folder / _INCOMING / name
        with _disk_faults():
            # Held until this process ends, however it ends: see _sweep
            self._lock = _locked(self._own.with_suffix(_LOCK))
            self._own.mkdir()
            self._whole = WholeFlush(folder)
        self.sync((folder, folder.parent))

    def begin(self, file_meta: bytes) -> SpoolFile:
        """Open a file for an instance that begins to arrive.

        Raises
        ------
        SpoolFull
            Too little room is left.
        """
        return SpoolFile(self._own / f"{next(self._number)}.dcm", file_meta, self.check_space)

    def check_space(self) -> None:
        """Raise SpoolFull when less room is left than the settings demand."""
        with _disk_faults():
            state = os.statvfs(self.folder)
        free_bytes = state.f_bavail * state.f_frsize
        if free_bytes < self._min_free_bytes:
            raise SpoolFull(free_bytes=free_bytes, min_free_bytes=self._min_free_bytes)

    def place(self, file: SpoolFile, relative: str) -> set[Path]:
        """Move a durable file to its place.

        Parameters
        ----------
        file : made durable before
        relative : as `instance_path` gives it

        Returns
        -------
        The folders that `sync` must be called with before the place is durable too.
        """
        place = self.folder / relative
        folder = place.parent
        changed = {folder}
        with _disk_faults():
            if not folder.is_dir():
                while not folder.is_dir():
                    folder = folder.parent
                    changed.add(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
            file.path.replace(place)
        return changed

    def sync(self, folders: Iterable[Path]) -> None:
        """Wait until the entries of folders would outlive a power cut."""
        for folder in folders:
            with _disk_faults():
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

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
        with _disk_faults():
            self._whole.flush()

    def close(self) -> None:
        """Remove what this process had begun and not finished."""
        shutil.rmtree(self._own, ignore_errors=True)
        self._own.with_suffix(_LOCK).unlink(missing_ok=True)
        self._whole.close()
        os.close(self._lock)

    def _sweep(self) -> int:
        """Remove the beginnings that dead processes left; returns how many files.

        Several nodes may share a spool, so a folder is swept only when its lock is free: the
        kernel lets go of it when its process dies.
        """
        swept = 0
        for lock in (self.folder / _INCOMING).glob(f"*{_LOCK}"):
            if _is_free(lock):
                begun = lock.with_suffix("")
                swept += sum(1 for _ in begun.glob("*.dcm"))
                shutil.rmtree(begun, ignore_errors=True)
                lock.unlink(missing_ok=True)
        return swept


def instance_path(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> str:
    """Where an instance lies within the spool.

    Parameters
    ----------
    study_instance_uid, series_instance_uid, sop_instance_uid : checked, so that they hold nothing
        but digits and dots
    """
    return f"{study_instance_uid}/{series_instance_uid}/{sop_instance_uid}.dcm"


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _is_free(lock: Path) -> bool:
    try:
        os.close(_locked(lock))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Full, over quota, read-only or broken: each may pass, and the sender should come again.
        raise SpoolFull("What was received cannot be written to disk", errno=error.errno) from error
