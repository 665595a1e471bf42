"""A site that a test sends the images of several patients to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.schema_2.bundle import Bundle, read_bundle
from phantom import EXTENSIVE_LESIONS, Phantom, make_phantom, phantom_grid
from tests.builders.bundles import write_bundle
from tests.builders.dicom.patient_site import SHAPE, PatientSite, patient_site


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Give a bundle that names itself; its networks are not asked."""
    return read_bundle(write_bundle(tmp_path_factory.mktemp("bundles")))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Give a coarse chest with many lesions."""
    grid = phantom_grid(SHAPE, (288.0 / SHAPE[0], 358.0 / SHAPE[1], 358.0 / SHAPE[2]))
    return make_phantom(grid=grid, lesions=EXTENSIVE_LESIONS, twigs=20)


@pytest.fixture
def site(tmp_path: Path, bundle: Bundle, phantom: Phantom) -> Iterator[PatientSite]:
    """Give a site of its own to each test."""
    with patient_site(tmp_path, bundle, phantom) as running:
        yield running
