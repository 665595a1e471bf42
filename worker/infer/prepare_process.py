"""Sets a process up for reading studies, before its bundles are loaded."""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from worker.infer.held_memory import use_freed_memory_again


def prepare_for_reading() -> None:
    """Set memory and threads, for the life of this process.

    BLAS gets one thread: reading has small matrices, on threads of its own, and those of BLAS wait
    for each other with busy cores. The threads of ONNX Runtime are its own.
    """
    use_freed_memory_again()
    threadpool_limits(limits=1, user_api="blas")
