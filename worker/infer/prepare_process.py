"""Sets a process up for reading studies, before its bundles are loaded."""

from __future__ import annotations

import gc
from typing import Final

from threadpoolctl import threadpool_limits

from worker.infer.held_memory import use_freed_memory_again

_OBJECTS_BETWEEN: Final = 20_000
"""New objects from one collection of garbage to the next; 700 by itself. A result is made of very
many small objects, which are in use until it is stored."""
_OLDER, _OLDEST = 20, 100  # collections of the younger ones before one of these


def prepare_for_reading() -> None:
    """Set memory and threads, for the life of this process and of what it forks.

    numpy is loaded by then, and no thread has begun: one that begins earlier has a heap of its own.
    BLAS gets one thread: reading has small matrices, on threads of its own, and those of BLAS wait
    for each other with busy cores. The threads of ONNX Runtime are its own.
    """
    use_freed_memory_again()
    gc.set_threshold(_OBJECTS_BETWEEN, _OLDER, _OLDEST)
    threadpool_limits(limits=1, user_api="blas")
