"""What is no volume that can be measured is refused, with its reason."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from radiology.errors import GeometryMissing, RescaleMissing, SliceMissing, VolumeRefused
from tests.builders.dicom.ct_series import Stack, decode_files, ramp, single_frame, write_files


def test_a_slice_that_came_twice_is_used_once(tmp_path: Path) -> None:
    """An exact copy under another UID, as from a repeated send, is dropped."""
    datasets = single_frame(Stack(ramp()))
    datasets.append(_copy_with_another_uid(datasets[2]))
    volume = decode_files(write_files(datasets, tmp_path))
    np.testing.assert_array_equal(volume.hounsfield, ramp() - 1024.0)


def test_two_different_images_at_one_position_are_refused(tmp_path: Path) -> None:
    """Nobody can know which of two contradicting slices is right."""
    datasets = single_frame(Stack(ramp()))
    other = _copy_with_another_uid(datasets[2])
    other.RescaleIntercept = "-1000"
    with pytest.raises(VolumeRefused, match="same position") as refused:
        decode_files(write_files([*datasets, other], tmp_path))
    assert refused.value.facts["positions"] == 1


def _copy_with_another_uid(dataset: Dataset) -> Dataset:
    other = deepcopy(dataset)
    other.SOPInstanceUID = f"{dataset.SOPInstanceUID[:60]}.9"
    return other


def test_a_missing_slice_is_refused(tmp_path: Path) -> None:
    """A volume with a hole is not measured."""
    datasets = single_frame(Stack(ramp((9, 2, 2))))
    del datasets[4]
    with pytest.raises(SliceMissing) as refused:
        decode_files(write_files(datasets, tmp_path))
    assert refused.value.facts["missing"] == 1


def test_a_single_slice_is_refused(tmp_path: Path) -> None:
    """One slice has no thickness that positions could show."""
    with pytest.raises(GeometryMissing):
        decode_files(write_files(single_frame(Stack(ramp((1, 4, 4)))), tmp_path))


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_an_image_without_rescale_is_refused(tmp_path: Path, keyword: str) -> None:
    """One image of unknown units makes a volume of unknown units."""

    def change(dataset: Dataset, index: int) -> None:
        if index == 3:
            delattr(dataset, keyword)

    with pytest.raises(RescaleMissing):
        decode_files(write_files(single_frame(Stack(ramp(), change=change)), tmp_path))


def test_an_iodine_map_is_refused(tmp_path: Path) -> None:
    """A CT image in mg/ml is no CT image in HU (PS3.3 C.11.1.1.2)."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.RescaleType = "MGML"

    with pytest.raises(RescaleMissing, match="not Hounsfield"):
        decode_files(write_files(single_frame(Stack(ramp(), change=change)), tmp_path))


def test_a_series_of_monstrous_size_is_refused(tmp_path: Path) -> None:
    """A header that claims 65535 x 65535 pixels costs no memory."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.Rows = dataset.Columns = 65535

    with pytest.raises(VolumeRefused, match="larger than any CT of a patient"):
        decode_files(write_files(single_frame(Stack(ramp(), change=change)), tmp_path))
