"""What the tests of `models` and `chest` share: the bundles on disk, and one to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.catalogue import UsableBundle, read_catalogue
from models.schema_2.bundle import Bundle, read_bundle
from tests.builders.bundles import write_bundle

_BUNDLES = Path(__file__).resolve().parents[2] / "models" / "bundles"
_NAME = "chest-ct-pneumonia"


@pytest.fixture(scope="session")
def in_use() -> UsableBundle:
    """The newest chest bundle, which a site uses that sets nothing else."""
    return read_catalogue(_BUNDLES).newest(_NAME)


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The last chest bundle of schema 2 that was released."""
    return read_bundle(_BUNDLES / _NAME / "2.0.0")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Bundle:
    """A bundle with untrained networks whose answers can be worked out by hand."""
    return read_bundle(tiny_folder)


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that may be damaged."""
    target = tmp_path / tiny_folder.parent.name / tiny_folder.name
    shutil.copytree(tiny_folder, target)
    return target
