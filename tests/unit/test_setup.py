"""`make setup`: what an activated environment must not bring along."""

from __future__ import annotations

import shutil
import subprocess
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.peers.programs import REPOSITORY, require_program


@pytest.fixture
def programs() -> set[str]:
    """The programs that pynetdicom installs."""
    entries = distribution("pynetdicom").entry_points
    return {one.name for one in entries if one.group == "console_scripts"}


def test_setup_leaves_no_program_that_hides_dcmtk(tmp_path: Path, programs: set[str]) -> None:
    """An environment that is up to date loses pynetdicom's programs, and nothing else."""
    make = require_program("make", package="make")
    (tmp_path / ".ci").mkdir()
    for name in ("Makefile", "requirements-dev.lock", "pyproject.toml", ".ci/installer.lock"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in (*programs, "firstread", "python"):
        (binaries / name).touch()
    (binaries.parent / "installed").touch()  # newer than what it was made from
    assert {"storescu", "echoscu", "storescp"} <= programs
    done = subprocess.run(
        [make, "setup"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in binaries.iterdir()} == {"firstread", "python"}


def test_the_image_has_none_either(programs: set[str]) -> None:
    """The same names are removed where the image is built."""
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    (removed,) = (line for line in lines if "rm -f" in line and "storescu" in line)
    assert programs <= {*removed.split()}
