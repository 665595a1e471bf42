"""Keeps the copies in a data folder, beside whatever the process does.

Several processes of a host share a data folder, and one of them keeps it: the one that has the
lock on `object-cache.lock`. Each host answers in the bucket, under `hosts/`, which request for a
sweep it has seen to: whoever forgets somebody waits for all of them (`swept_everywhere`).
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Final

from database.retention.disk import Room, marks_of, to_free
from radiology.errors import FirstreadError
from settings.environment import Settings
from settings.log.log_events import get_logger
from storage.bucket_files import BucketFiles
from storage.cache import sweep_copies, trim_copies
from storage.kept_files import kept_files

_log = get_logger("storage")
_LOOK_EVERY_S: Final = 2.0
_LOCK: Final = "object-cache.lock"
_ASKED: Final = ".sweep"  # under `hosts/`: the last request for a sweep


def begin_to_keep(settings: Settings, sweep_s: float) -> Callable[[], None]:
    """Keep the copies of this data folder from now on; gives what ends it."""
    keeper = _Keeper(settings, sweep_s)
    thread = threading.Thread(target=keeper.run, name="object-cache", daemon=True)
    thread.start()

    def end() -> None:
        keeper.ended.set()
        thread.join(timeout=5.0)

    return end


class _Keeper:
    """One data folder, for as long as a process lasts."""

    def __init__(self, settings: Settings, sweep_s: float) -> None:
        self._settings, self._sweep_s = settings, sweep_s
        self.ended = threading.Event()
        self._swept_at = float("-inf")
        self._seen = ""
        self._is_emptying = False
        self._is_well = True

    def run(self) -> None:
        """Look every few seconds until `ended`."""
        with (self._settings.data_folder / _LOCK).open("a") as lock:
            while not self.ended.wait(_LOOK_EVERY_S):
                if _is_ours(lock):
                    self._look()

    def _look(self) -> None:
        try:
            files = kept_files(self._settings)
            assert isinstance(files, BucketFiles)
            self._trim(files)
            asked = files.bucket.facts(files.host_name(_ASKED))
            seen = "" if asked is None else asked.etag
            if seen != self._seen or time.monotonic() - self._swept_at >= self._sweep_s:
                sweep_here(files, seen)
                self._seen, self._swept_at = seen, time.monotonic()
            self._is_well = True
        except (FirstreadError, OSError) as error:
            if self._is_well:  # said once: it is tried again every few seconds
                _log.warning("object_cache_not_kept", error_kind=type(error).__name__)
            self._is_well = False

    def _trim(self, files: BucketFiles) -> None:
        """The marks of the retention, for copies."""
        settings = self._settings
        usage = shutil.disk_usage(settings.data_folder)
        marks = marks_of(usage.total, settings.retention, min_free_bytes=settings.min_free_bytes)
        wanted = to_free(Room(usage.free, usage.total), marks, emptying=self._is_emptying)
        self._is_emptying = wanted > 0
        freed = trim_copies(files, wanted)
        if freed:
            _log.info("object_cache_trimmed", size_bytes=freed, free_bytes=usage.free)


def sweep_here(files: BucketFiles, seen: str) -> None:
    """Sweep the copies of this data folder, and say so in the bucket.

    Parameters
    ----------
    seen : the request that was seen before it began; "" where there was none yet
    """
    removed = sweep_copies(files)
    files.bucket.put_bytes(files.host_name(files.this_host()), seen.encode())
    if removed:
        _log.info("object_cache_swept", files=removed)


def swept_everywhere(files: BucketFiles, wait_s: float) -> tuple[str, ...]:
    """Have every host remove copies of what is gone; gives those that have not done it in time."""
    asked = files.bucket.put_bytes(files.host_name(_ASKED), secrets.token_bytes(16)).etag
    files.make_known()
    sweep_here(files, asked)
    until = time.monotonic() + wait_s
    while True:
        late = tuple(host for host, seen in _answers(files) if seen != asked)
        if not late or time.monotonic() >= until:
            return late
        time.sleep(_LOOK_EVERY_S / 4)


def _answers(files: BucketFiles) -> Iterator[tuple[str, str]]:
    """Each host, and the request that it has seen to last."""
    whole = files.host_name()
    for name, _ in list(files.bucket.below(whole)):
        host, said = name.removeprefix(whole), BytesIO()
        if host != _ASKED and files.bucket.get(name, said) is not None:
            yield host, said.getvalue().decode()


def _is_ours(lock: IO[str]) -> bool:
    """Whether this process keeps the folder; the lock is the system's, and ends with the process.

    On a file system without locks each of them does, which does no harm.
    """
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
