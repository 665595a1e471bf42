"""What the tests of `models` share: the shipped bundle, and copies of it to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.bundle import Bundle, read_bundle

BUNDLES = Path(__file__).resolve().parents[3] / "models" / "bundles"
SHIPPED = BUNDLES / "chest-ct-pneumonia" / "1.0.0"


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    return read_bundle(SHIPPED)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped bundle that may be damaged."""
    target = tmp_path / SHIPPED.parent.name / SHIPPED.name
    shutil.copytree(SHIPPED, target)
    return target
