"""Files that are kept in a bucket, with copies of some of them in the data folder.

A file in its place that nobody may write is a copy of an object: it can go at any time, and is
fetched again when it is wanted. One that can be written is being made, and is left alone. Which
object a copy is of stands in the fraction of a second of its time of change: copies of an older
object under the same name are found by it (`storage.cache`).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import starmap
from pathlib import Path
from typing import IO, Final

from radiology.errors import ObjectStorageUnavailable, SpoolFull
from settings.log.log_events import get_logger
from settings.object_storage import ObjectStorage
from storage.bucket import CONNECTIONS, Bucket, ObjectInBucket
from storage.files import FileFacts, KeptFiles, OpenFile

_log = get_logger("storage")
FOLDERS: Final = ("spool", "results", "quarantine", "uploads")
HOSTS: Final = "hosts"
_NAME_FILE: Final = "object-cache"  # in the data folder: what this cache is called in the bucket
_COPY_MODE: Final = 0o440
_GIGA: Final = 10**9
_TRIES: Final = 5
_AWAY_S: Final = 5.0
_PIECE_BYTES: Final = 1 << 20
_Work = Callable[[str, Path], None]


class BucketFiles(KeptFiles):
    """The files of a bucket.

    Parameters
    ----------
    storage : the settings
    folder : the data folder
    """

    def __init__(self, storage: ObjectStorage, folder: Path) -> None:
        self.bucket = Bucket(storage)
        self.folder = folder
        self._prefix = storage.prefix
        self._is_known = False
        self._is_away, self._away_until = False, float("-inf")

    @property
    def are_elsewhere(self) -> bool:
        """They are in the bucket."""
        return True

    def fetch(self, place: Path) -> Path:
        """Copy it from the bucket unless it is here."""
        name = self.name_of(place)
        if name is not None and not _is_here(place):
            self._fetch(name, place)
        return place

    def fetch_all(self, places: Iterable[Path]) -> list[Path]:
        """The same, several at once."""
        found = list(places)
        missing = [
            (name, place)
            for place in dict.fromkeys(found)
            if (name := self.name_of(place)) is not None and not _is_here(place)
        ]
        self._at_once(self._fetch, missing)
        return found

    def fetch_below(self, folder: Path) -> None:
        """Copy what the bucket has below a folder."""
        self.fetch_all(
            folder.parent / one.path for one in list(self.below(folder.parent, folder.name))
        )

    def keep(self, moves: Iterable[tuple[Path, Path]]) -> None:
        """Put them into the bucket; from then on they are copies.

        Raises
        ------
        ValueError
            A place is none within the folders of what is kept.
        """
        named = []
        for file, place in moves:
            name = self.name_of(place)
            if name is None:
                raise ValueError("not a place of a file that is kept")
            named.append((name, file))
        self._at_once(self._keep, named)

    def hand_over(self, folder: Path) -> None:
        """Put everything that lies in a folder into the bucket."""
        files = [one for one in folder.rglob("*") if one.is_file()]
        self.keep(zip(files, files, strict=True))

    def remove(self, place: Path) -> None:
        """Remove object and copy; copies on other hosts go with their next sweep."""
        name = self.name_of(place)
        if name is not None:
            self.bucket.remove(name)
        place.unlink(missing_ok=True)

    def remove_below(self, folder: Path) -> None:
        """Remove every object of a folder, and the folder here."""
        name = self.name_of(folder)
        if name is not None:
            for one, _ in list(self.bucket.below(f"{name}/")):
                self.bucket.remove(one)
        shutil.rmtree(folder, ignore_errors=True)

    def facts(self, place: Path) -> FileFacts | None:
        """What the bucket says."""
        name = self.name_of(place)
        stored = None if name is None else self.bucket.facts(name)
        if stored is None:
            return None
        return FileFacts(place.name, stored.size_bytes, stored.modified_at)

    def below(self, folder: Path, name: str) -> Iterator[FileFacts]:
        """What the bucket has."""
        whole, entry = self.name_of(folder), self.name_of(folder / name)
        if whole is not None and entry is not None:
            for key, stored in self.bucket.below(f"{entry}/"):
                path = key.removeprefix(f"{whole}/")
                yield FileFacts(path, stored.size_bytes, stored.modified_at)

    def names(self, folder: Path) -> Iterator[str]:
        """What the bucket has."""
        name = self.name_of(folder)
        if name is not None:
            yield from self.bucket.entries(f"{name}/")

    def answer(self) -> bool:
        """Ask the bucket, but for some seconds after it did not answer; the log says it once."""
        if time.monotonic() < self._away_until:
            return False
        try:
            self.bucket.clock()
        except ObjectStorageUnavailable as error:
            if not self._is_away:
                _log.warning("object_storage_away", **error.facts)
            self._is_away, self._away_until = True, time.monotonic() + _AWAY_S
            return False
        if self._is_away:
            _log.info("object_storage_is_back")
        self._is_away = False
        return True

    @property
    def fault(self) -> str:
        """What the bucket said last."""
        return self.bucket.fault

    @contextlib.contextmanager
    def reading(self, place: Path) -> Iterator[OpenFile]:
        """The object itself: no copy is made here."""
        name = self.name_of(place)
        if name is None:
            raise FileNotFoundError(errno.ENOENT, "not a place of a file that is kept")
        with self.bucket.reading(name) as opened:
            if opened is None:
                raise FileNotFoundError(errno.ENOENT, "there is no such object")
            stored, stream = opened
            yield OpenFile(stream, stored.size_bytes, stored.etag)

    def name_of(self, place: Path) -> str | None:
        """What the object of a place is called; None of a place that holds no such file."""
        for folder in (self.folder, self.folder.resolve()):
            if place.is_relative_to(folder):
                parts = place.relative_to(folder).parts
                if parts and parts[0] in FOLDERS and ".." not in parts:
                    return "/".join((self._prefix, *parts))
        return None

    def place_of(self, name: str) -> Path:
        """Where the copy of an object lies."""
        return self.folder / name.removeprefix(f"{self._prefix}/")

    def host_name(self, host: str = "") -> str:
        """What the object is called by which a cache is known; of all of them what begins so."""
        return f"{self._prefix}/{HOSTS}/{host}"

    def this_host(self) -> str:
        """What the cache in this data folder is called: machine and a number drawn once."""
        file = self.folder / _NAME_FILE
        with contextlib.suppress(FileExistsError):
            new = file.with_name(f".{_NAME_FILE}.{uuid.uuid4().hex}")
            new.write_text(f"{socket.gethostname()}-{secrets.token_hex(4)}")
            try:
                os.link(new, file)  # of several at once the first one names it
            finally:
                new.unlink()
        return file.read_text()

    def make_known(self) -> None:
        """Let the bucket know, before the first copy, that this cache may hold some."""
        if not self._is_known:
            name = self.host_name(self.this_host())
            if self.bucket.facts(name) is None:
                self.bucket.put_bytes(name, b"")
            self._is_known = True

    def _fetch(self, name: str, place: Path) -> None:
        self.make_known()
        with self.bucket.reading(name) as opened:
            if opened is None:
                return
            stored, stream = opened
            part = place.with_name(f".{uuid.uuid4().hex}.part")
            try:
                with _disk_faults():
                    with _made(part) as file:
                        shutil.copyfileobj(stream, file, _PIECE_BYTES)
                    _mark_copy(part, stored)
                    part.replace(place)
            finally:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)

    def _keep(self, name: str, file: Path) -> None:
        self.make_known()
        _mark_copy(file, self.bucket.put(name, file))

    def _at_once(self, work: _Work, named: list[tuple[str, Path]]) -> None:
        if len(named) < 2:
            list(starmap(work, named))
            return
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda one: work(*one), named))


def is_copy(state: os.stat_result) -> bool:
    """Whether a file is a copy of an object, by its mode."""
    return not state.st_mode & 0o222


def is_copy_of(state: os.stat_result, stored: ObjectInBucket) -> bool:
    """Whether a copy is one of this object, and not of an older one of its name."""
    return state.st_size == stored.size_bytes and state.st_mtime_ns % _GIGA == _fraction(stored)


def _mark_copy(file: Path, stored: ObjectInBucket) -> None:
    file.chmod(_COPY_MODE)
    os.utime(file, ns=(time.time_ns(), int(stored.modified_at) * _GIGA + _fraction(stored)))


def _fraction(stored: ObjectInBucket) -> int:
    return int.from_bytes(hashlib.sha256(stored.etag.encode()).digest()[:8], "big") % _GIGA


def _is_here(place: Path) -> bool:
    """Whether there is a file; it counts as used now."""
    try:
        state = place.stat()
        os.utime(place, ns=(time.time_ns(), state.st_mtime_ns))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _made(part: Path) -> IO[bytes]:
    """A new file; its folder may be removed, being empty, between making it and using it."""
    for _ in range(_TRIES):
        part.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return part.open("xb")
    return part.open("xb")


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolFull(
            "What is kept in the object storage cannot be copied here", errno=error.errno
        ) from error
