"""The two bundles of schema 3, loaded, and a head whose every voxel is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.declared_bundle import DeclaredBundle, read_declared_bundle
from models.read_volume import JudgedReading, read_volume
from models.run.declared_network import DeclaredNetwork, load_networks
from radiology.algorithm import ExecutionProvider
from radiology.image.volume import Volume
from tests.builders.declared.patch_segmenter import write_patch_segmenter
from tests.builders.declared.slice_scorer import write_slice_scorer

Read = Callable[..., JudgedReading]
Loaded = tuple[DeclaredBundle, dict[str, DeclaredNetwork]]


def _loaded(folder: Path) -> Loaded:
    bundle = read_declared_bundle(folder)
    return bundle, load_networks(bundle, provider=ExecutionProvider.CPU, threads=1)


@pytest.fixture(scope="session")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return _loaded(write_patch_segmenter(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="session")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return _loaded(write_slice_scorer(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="session")
def segment(segmenter: Loaded) -> Read:
    """Give what reads a volume with the 3-D segmenter."""
    bundle, networks = segmenter
    return lambda volume, **given: read_volume(volume, bundle, networks, **given)


@pytest.fixture(scope="session")
def score(scorer: Loaded) -> Read:
    """Give what reads a volume with the 2.5-D scorer."""
    bundle, networks = scorer
    return lambda volume, **given: read_volume(volume, bundle, networks, **given)


def volume_of(hounsfield: np.ndarray, spacing_mm: tuple[float, float, float]) -> Volume:
    """Slices to the head, rows to the back, columns to the left."""
    affine = np.eye(4)
    affine[:3, :3] = np.diag(spacing_mm)[:, ::-1].T
    affine[:3, :3] = [[0, 0, spacing_mm[2]], [0, spacing_mm[1], 0], [spacing_mm[0], 0, 0]]
    return Volume(hounsfield.astype(np.float32), affine)


@pytest.fixture
def head() -> Volume:
    """Brain of 35 HU, two bleedings of 70 and 80 HU in it, a speck, a skull; spacing 3, 1, 1 mm."""
    hounsfield = np.full((20, 48, 40), -100.0)
    hounsfield[2:18, 6:42, 5:35] = 600.0
    hounsfield[3:17, 8:40, 7:33] = 35.0
    hounsfield[6:11, 14:24, 10:20] = 70.0
    hounsfield[12:14, 30:36, 22:30] = 80.0
    hounsfield[9, 12, 28] = 70.0
    return volume_of(hounsfield, (3.0, 1.0, 1.0))
