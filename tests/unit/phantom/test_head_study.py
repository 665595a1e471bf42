"""A head goes out as DICOM and comes back with every voxel at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from firstread.phantom.posture import Posture
from phantom.head import (
    QUICK_HEAD_GRID,
    Bleeding,
    BleedingLabel,
    HeadPhantom,
    head_grid,
    make_head_phantom,
)
from phantom.head.study import write_head_study
from tests.peers.dicom3tools import ConformanceReport


@pytest.fixture(scope="module")
def phantom() -> HeadPhantom:
    return make_head_phantom(
        grid=head_grid(*QUICK_HEAD_GRID, posture=Posture((8.0, 0.0, 4.0))),
        bleedings=[Bleeding(BleedingLabel.SUBDURAL, 40.0)],
    )


def test_the_images_hold_the_voxels(phantom: HeadPhantom, tmp_path: Path) -> None:
    """Each slice has its place and its HU, and says that it shows a head."""
    paths = write_head_study(phantom, tmp_path)
    assert len(paths) == phantom.volume.shape[0]
    for index, path in enumerate(paths):
        dataset = dcmread(path)
        found = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
        np.testing.assert_array_equal(found, np.rint(phantom.volume.hounsfield[index]))
        place = phantom.volume.positions_mm(np.array([[index, 0, 0]]))[0]
        np.testing.assert_allclose(dataset.ImagePositionPatient, place, atol=1e-6)
        assert dataset.BodyPartExamined == "HEAD"
        assert dataset.WindowCenter == [40, 600]
        assert "chest" not in str(dataset).lower()


def test_the_same_head_is_the_same_study(phantom: HeadPhantom, tmp_path: Path) -> None:
    """Written twice, the bytes are the same; numbered at random, the places are the same."""
    first = write_head_study(phantom, tmp_path / "first")
    second = write_head_study(phantom, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    mixed = [dcmread(path) for path in write_head_study(phantom, tmp_path / "mixed", shuffled=True)]
    heights = [float(dataset.ImagePositionPatient[2]) for dataset in mixed]
    assert heights != sorted(heights)
    plain = [float(dcmread(path).ImagePositionPatient[2]) for path in first]
    assert plain == sorted(heights)


def test_the_study_keeps_to_its_definitions(
    phantom: HeadPhantom, tmp_path: Path, dciodvfy: Callable[[Path], ConformanceReport]
) -> None:
    """dciodvfy finds neither errors nor warnings."""
    for path in write_head_study(phantom, tmp_path):
        report = dciodvfy(path)
        assert not report.errors, path.name
        assert not report.warnings, path.name
