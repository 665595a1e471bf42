"""Keeps what a later study of the patient is compared with, as the bundle made it."""

from __future__ import annotations

from pathlib import Path

from worker.keep.durable_files import write_durably


def keep_for_comparison(folder: Path, name: str, content: bytes) -> str:
    """Write it; returns the file's path within the folder.

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    path = f"{name}.compared.npz"
    write_durably(folder / path, memoryview(content))
    return path
