"""How much memory this process holds: what a bundle takes is measured by what this grows by."""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/self/statm")  # proc(5); the second number counts resident pages


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


def give_back_memory() -> None:
    """Give the system what was freed; nothing where the C library cannot: see `allocated_bytes`.

    malloc_trim(3): glibc keeps what was freed in the middle of its heaps, some hundred MB after a
    study, for a process that may wait for hours until it needs it again.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
