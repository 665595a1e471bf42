"""Stored values become Hounsfield units by the header of each image; padding becomes air."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.builders.dicom.ct_series import Stack, decode_files, ramp, single_frame, write_files
from worker.series.decode_volume import stored_values_to_hounsfield


def test_each_instance_is_rescaled_by_its_own_values(tmp_path: Path) -> None:
    """PET-style slopes per slice, or a scanner that shifts the intercept, are followed."""
    slopes, intercepts = [1.0, 0.5, 2.0, 1.5, 0.25, 3.0], [0.0, -10.0, -20.0, 5.0, -1024.0, 7.0]
    stack = Stack(ramp(), slope=slopes, intercept=intercepts)
    volume = decode_files(write_files(single_frame(stack), tmp_path))
    expected = stack.stored * np.array(slopes)[:, None, None] + np.array(intercepts)[:, None, None]
    np.testing.assert_allclose(volume.hounsfield, expected)
    assert volume.hounsfield.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
@settings(max_examples=20)
@given(values=st.lists(st.integers(-1000, 3000), min_size=8, max_size=8))
def test_signed_and_unsigned_pixels_give_the_same_hounsfield_units(
    tmp_path_factory: pytest.TempPathFactory, dtype: Any, values: list[int]
) -> None:
    """Pixel Representation says how the bits are meant, and is believed."""
    intercept = 0 if dtype is np.int16 else -1024
    stored = (np.array(values).reshape(2, 2, 2) - intercept).astype(dtype)
    paths = write_files(
        single_frame(Stack(stored, intercept=intercept)), tmp_path_factory.mktemp("series")
    )
    np.testing.assert_array_equal(decode_files(paths).hounsfield.reshape(-1), values)


@pytest.mark.parametrize(
    ("padding", "stored", "intercept", "expected"),
    [
        (-2000, -2000, 0, -1024.0),  # GE: below everything
        (-32768, -32768, -1024, -1024.0),
        (63536, -2000, 0, -1024.0),  # written unsigned beside signed pixels
        (0, 0, 0, 0.0),  # 0 HU is water: it could be tissue, so it stays
        (-1000, -1000, 0, -1000.0),  # air may be air
        (None, -1400, 0, -1400.0),  # noise of a sharp kernel stays
        (None, -2000, 0, -1024.0),  # a corner outside the field of view
        (32767, 32767, 0, -1024.0),
    ],
)
def test_padding_becomes_air(
    tmp_path: Path, padding: int | None, stored: int, intercept: int, expected: float
) -> None:
    """What is no measurement is air; what could be one stays as it is."""

    def change(dataset: Dataset, index: int) -> None:
        if padding is not None:
            dataset.add_new(0x00280120, "US" if padding > 32767 else "SS", padding)

    values = np.full((2, 2, 2), 40, dtype=np.int16)
    values[:, 0, 0] = stored
    stack = Stack(values, intercept=intercept, change=change)
    volume = decode_files(write_files(single_frame(stack), tmp_path))
    assert set(volume.hounsfield[:, 0, 0].tolist()) == {expected}
    assert set(volume.hounsfield[:, 1, 1].tolist()) == {40.0 + intercept}


def test_a_range_of_padding_values_becomes_air() -> None:
    """Pixel Padding Range Limit gives the other end of the range (PS3.3 C.7.6.3)."""
    stored = np.array([[-2100, -2050, -2000, -900]], dtype=np.int16)
    found = stored_values_to_hounsfield(
        stored, rescale_slope=1.0, rescale_intercept=0.0, padding=(-2100, -2000)
    )
    assert found.tolist() == [[-1024.0, -1024.0, -1024.0, -900.0]]


def test_the_stored_values_are_not_changed() -> None:
    """Rescaling gives a new array."""
    stored = np.array([[1, 2]], dtype=np.int16)
    stored_values_to_hounsfield(stored, rescale_slope=2.0, rescale_intercept=1.0)
    assert stored.tolist() == [[1, 2]]
