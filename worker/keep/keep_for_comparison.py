"""Keeps what a later study of the patient is compared with, as the bundle made it."""

from __future__ import annotations

from pathlib import Path

from storage.files import KeptFiles
from worker.keep.durable_files import StagedFiles


def keep_for_comparison(files: KeptFiles, folder: Path, name: str, content: bytes) -> str:
    """Write it; returns the file's path within the folder.

    Raises
    ------
    SpoolFull
        There is no room left.
    """
    path = f"{name}.compared.npz"
    with StagedFiles(files) as staged:
        staged.write(folder / path, memoryview(content))
    return path
