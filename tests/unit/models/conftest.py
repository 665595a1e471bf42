"""What the tests of `models` share: a tiny bundle to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

BUNDLES = Path(__file__).resolve().parents[3] / "models" / "bundles"


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    target = tmp_path / tiny_folder.parent.name / tiny_folder.name
    shutil.copytree(tiny_folder, target)
    return target
