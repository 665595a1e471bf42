"""Processes that share a spool: each has a folder in it, and a lock that ends with the process.

The kernel lets go of a file lock when its process dies, however that happens: so the living are
told from the dead, and a spool can have several nodes:
docs/decisions/0013-durable-before-success.md.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOCK: Final = ".lock"
_TAKEN: Final = ".taken"
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # random(4)


@dataclass(frozen=True, slots=True)
class LeftByDead:
    """What processes have left that did not close the spool.

    Attributes
    ----------
    files : how many they had begun; they are removed
    lost_power : whether one of them ended with the machine, as far as can be known
    """

    files: int
    lost_power: bool
    _locks: Sequence[Path]

    def __bool__(self) -> bool:
        """Whether there was one."""
        return bool(self._locks)

    def forget(self) -> None:
        """What they have left is settled: whoever opens the spool next need not look at it."""
        for lock in self._locks:
            lock.unlink(missing_ok=True)


def sweep(incoming: Path) -> LeftByDead:
    """Remove the beginnings that dead processes left.

    Parameters
    ----------
    incoming : has a folder and a lock for each process
    """
    files, lost_power, locks = 0, False, []
    this_boot = _text_of(_BOOT)
    for lock in incoming.glob(f"*{_LOCK}"):
        if _is_free(lock):
            begun = lock.with_suffix("")
            files += sum(1 for _ in begun.glob("*.dcm"))
            shutil.rmtree(begun, ignore_errors=True)
            locks.append(lock)
            lost_power |= not this_boot or _text_of(lock) != this_boot
    return LeftByDead(files, lost_power, locks)


def lock_folder(folder: Path) -> int:
    """Take the lock of a folder that is to be this process's own.

    Returns
    -------
    The descriptor that holds it until this process ends, or `unlock_folder` is called.
    """
    # It has its name when it is locked: whoever sweeps meanwhile would take it for a dead one's
    taken = folder.with_suffix(_TAKEN)
    descriptor = _locked(taken)
    try:
        os.write(descriptor, _text_of(_BOOT).encode())
        taken.rename(folder.with_suffix(_LOCK))
    except OSError:
        taken.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


def unlock_folder(folder: Path, descriptor: int) -> None:
    """This process is done with its folder, and has left nothing."""
    folder.with_suffix(_LOCK).unlink(missing_ok=True)
    os.close(descriptor)


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_free(lock: Path) -> bool:
    try:
        os.close(_locked(lock))
    except OSError:
        return False
    return True


def _text_of(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
