"""Writes files of results where a test wants them, with nothing of what makes them durable."""

from __future__ import annotations

from pathlib import Path


def write_here(path: Path, content: memoryview) -> None:
    """As `worker.keep.durable_files.Write` asks for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
