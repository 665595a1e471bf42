"""How much memory this process holds: what a bundle takes is measured by what this grows by."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/self/statm")  # proc(5); the second number counts resident pages
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h
_LARGEST_INT: Final = 2**31 - 1


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` of mallinfo(3)."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip


def held_bytes() -> int:
    """What is allocated and not freed; where the C library does not say, what is resident.

    Resident memory does not grow where memory is used again that was freed before, so a small
    bundle seemed to take nothing but its file. What is allocated grows by weights and sessions, and
    by what the arena that all networks share (`models.onnx_session`) lacks for the activations of
    the run that warms a bundle up: it is the largest bundle's, whichever is loaded first, and stays
    when that one is let go.

    Measured in MB on one thread of a CPU, loaded and run once (ONNX Runtime 1.31, glibc 2.36), the
    first of its process: chest-ct-pneumonia 3.1.0 92.1, of which 14.3 are its files; a network of
    1 kB 0.1.
    """
    return allocated_bytes() or resident_bytes()


def allocated_bytes() -> int:
    """What the C library gave out and did not get back; 0 for one that is not glibc 2.33 or newer.

    mallinfo(3): blocks in use, and what was mapped for large ones.
    """
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return 0
    ask.restype = _Mallinfo
    said = ask()
    return int(said.uordblks) + int(said.hblkhd)


def resident_bytes() -> int:
    """What is in memory of this process; 0 where the system does not say."""
    try:
        return int(_MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def use_freed_memory_again() -> None:
    """Keep what is freed for what comes next, until `give_back_memory`.

    Nothing where the C library is not glibc. By itself it maps each large block anew, and the
    system fills it with zeros page by page: a fifth of the time of reading a study, whose steps
    each want arrays of some 20 to 80 MB. mallopt(3): no block is mapped apart, the top of the heap
    stays, and all threads share it, so that what one freed another can use.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)
        library.mallopt(_M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Give the system what was freed; nothing where the C library cannot: see `allocated_bytes`.

    malloc_trim(3): glibc keeps what was freed in the middle of its heaps, some hundred MB after a
    study, for a process that may wait for hours until it needs it again.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class MemoryAtRest:
    """Gives memory back once a process has rested for a while: studies often come one on another.

    Parameters
    ----------
    after_s : how long it has to rest
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._timer: threading.Timer | None = None

    @contextlib.contextmanager
    def interrupted(self) -> Iterator[None]:
        """The process has something to do within the block, and rests behind it."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            yield
        finally:
            self._timer = threading.Timer(self._after_s, _give_back_all)
            self._timer.daemon = True
            self._timer.start()


def _give_back_all() -> None:
    gc.collect()  # what refers to itself is not freed before
    give_back_memory()
