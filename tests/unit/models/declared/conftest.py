"""The two bundles of schema 3 that tests read, and copies of them to damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builders.declared.patch_segmenter import write_patch_segmenter
from tests.builders.declared.slice_scorer import write_slice_scorer


@pytest.fixture(scope="session")
def segmenter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patch_segmenter(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="session")
def scorer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slice_scorer(tmp_path_factory.mktemp("bundles"))


@pytest.fixture
def segmenter(segmenter_folder: Path, tmp_path: Path) -> Path:
    """A copy of the 3-D segmenter that may be damaged."""
    return _copied(segmenter_folder, tmp_path)


@pytest.fixture
def scorer(scorer_folder: Path, tmp_path: Path) -> Path:
    """A copy of the 2.5-D scorer that may be damaged."""
    return _copied(scorer_folder, tmp_path)


def _copied(folder: Path, root: Path) -> Path:
    target = root / folder.parent.name / folder.name
    shutil.copytree(folder, target)
    return target
