"""How much memory this process holds: what a bundle takes is measured by what this grows by."""

from __future__ import annotations

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
    bundle seemed to take nothing but its file. What is allocated grows by the same amount whatever
    was loaded before: weights, the arena of the runtime with the activations of the run that warms
    it up, and the session itself. It is the most that the pages can come to.

    Measured in MB on two threads of a CPU, loaded and run once (ONNX Runtime 1.31, glibc 2.36),
    each first, second and third in its process:

    ====================  =====  ================  =========
    bundle                files  resident, growth  allocated
    ====================  =====  ================  =========
    head-ct-haemorrhage     3.2       52 to 63         73.4
    chest-ct-pneumonia     17.9      102 to 115       164.5
    a network of 1 kB       0.0        0 to 0.6         1.2
    ====================  =====  ================  =========
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
