"""`firstread models train`: starts the training as a separate process.

PyTorch is installed for training alone, and nothing imports the training. Its JSON goes to our
standard output and its words to standard error, as they come.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from radiology.errors import SettingsRefused
from settings.environment import Settings

_NEEDED = {"torch": "PyTorch", "onnx": "onnx"}
_BUILD = "training"  # in the data folder


@dataclass(frozen=True)
class Training:
    """What the options of the command asked for; None leaves it to the training."""

    new_cases: Path
    base: str | None
    version: str | None
    data: Path | None
    steps: int
    report: Path | None
    build: Path | None
    threads: int
    replace: bool


def training_command(asked: Training, settings: Settings) -> list[str]:
    """The training's command line."""
    words: dict[str, object] = {
        "--new-cases": asked.new_cases,
        "--bundles": settings.bundles_folder,
        "--base": asked.base or settings.first_bundle,
        "--version": asked.version,
        "--data": asked.data,
        "--steps": asked.steps,
        "--report": asked.report,
        "--build": asked.build or settings.data_folder / _BUILD,
        "--threads": asked.threads,
    }
    # One word each: a path that begins with a dash is no option.
    given = [f"{name}={value}" for name, value in words.items() if value is not None]
    replace = ["--replace"] if asked.replace else []
    return [sys.executable, "-m", "training.new_cases", *given, *replace]


def train(asked: Training, settings: Settings) -> int:
    """Run the training to its end; returns its exit status.

    Raises
    ------
    SettingsRefused
        What training needs is not installed.
    """
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise SettingsRefused(
            f"Training needs {' and '.join(missing)}, which running Firstread does not: in the "
            "source folder, `make setup-training` installs it"
        )
    with subprocess.Popen(training_command(asked, settings)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the training got it too, and ends by itself after its last words
