"""Frames become a stack by position alone, and a stack that is not even is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.errors import GeometryMissing, SliceMissing, SpacingUneven
from radiology.image.frame_stack import stack_frames
from radiology.image.series import SeriesHeader
from tests.builders.dicom.headers import (
    CORONAL,
    joined,
    series_header,
    with_frame,
    without_instances,
)

GOOD = series_header(slices=20)


@given(st.permutations(range(20)))
def test_the_order_of_instances_leaves_no_trace(order: list[int]) -> None:
    """Any order of arrival gives the same stack."""
    shuffled = replace(GOOD, instances=tuple(GOOD.instances[index] for index in order))
    assert stack_frames(shuffled).slices == stack_frames(GOOD).slices


def test_slices_run_along_the_normal() -> None:
    """The normal is rows times columns: for a coronal stack it points to the back."""
    coronal = series_header(
        slices=5, spacing_mm=3.0, normal=(0, 1, 0), image_orientation_patient=CORONAL
    )
    affine = stack_frames(coronal).affine
    np.testing.assert_allclose(affine[:3, 0], [0.0, 3.0, 0.0])
    np.testing.assert_allclose(affine[:3, 1], [0.0, 0.0, -0.7])
    np.testing.assert_allclose(affine[:3, 2], [0.7, 0.0, 0.0])


def test_rows_and_columns_have_their_own_spacing() -> None:
    """The first value of Pixel Spacing is the distance of rows (PS3.3 10.7.1.3)."""
    affine = stack_frames(series_header(pixel_spacing=(0.9, 0.5))).affine
    np.testing.assert_allclose(affine[:3, 1], [0.0, 0.9, 0.0])
    np.testing.assert_allclose(affine[:3, 2], [0.5, 0.0, 0.0])


def test_missing_slices_are_counted_and_located() -> None:
    """A gap is refused with the number of slices that it lacks and where it lies."""
    with pytest.raises(SliceMissing) as refused:
        stack_frames(without_instances(GOOD, 7, 8, 12))
    facts = dict(refused.value.facts)
    assert facts == {
        "missing": 3,
        "gaps": 2,
        "largest_gap_mm": 6.0,
        "first_gap_from_mm": -138.0,
        "first_gap_to_mm": -132.0,
    }


@given(st.sets(st.integers(1, 98), min_size=1, max_size=15), st.floats(0.3, 10.0))
def test_every_gap_is_found(missing: set[int], spacing_mm: float) -> None:
    """Whatever slices are missing inside a series, their number is told."""
    whole = series_header(slices=100, spacing_mm=round(spacing_mm, 3))
    with pytest.raises(SliceMissing) as refused:
        stack_frames(without_instances(whole, *missing))
    assert refused.value.facts["missing"] == len(missing)


def test_missing_ends_are_no_gap() -> None:
    """A series that is shorter at its ends is still an even stack."""
    assert stack_frames(without_instances(GOOD, 0, 1, 19)).shape == (17, 512, 512)


def test_uneven_distances_are_refused() -> None:
    """Slices 2 mm apart, then 3 mm: no even grid, and nothing is missing."""
    upper = series_header("2.25.1.2", slices=10, spacing_mm=3.0, first_mm=-150.0 + 19 * 2.0 + 3.0)
    with pytest.raises(SpacingUneven) as refused:
        stack_frames(joined(GOOD, upper))
    assert refused.value.facts["shortest_mm"] == 2.0
    assert refused.value.facts["longest_mm"] == 3.0


def test_alternating_distances_are_uneven_and_not_missing_slices() -> None:
    """Every second step twice as long is a kind of spacing, not half the slices lost."""
    kept = without_instances(series_header(slices=31), *range(2, 31, 3))
    with pytest.raises(SpacingUneven):
        stack_frames(kept)


@given(st.lists(st.floats(-0.05, 0.05), min_size=20, max_size=20))
def test_rounded_positions_are_even(errors: list[float]) -> None:
    """Positions written with one decimal do not make a stack uneven."""
    series = GOOD
    for index, error in enumerate(errors):
        series = with_frame(series, index, image_position_patient=(0, 0, 2.0 * index + error))
    stack = stack_frames(series)
    assert stack.slice_spacing_mm == pytest.approx(2.0, abs=0.01)


def test_a_slice_beside_the_line_is_refused() -> None:
    """A slice that is shifted sideways would put its voxels in the wrong place."""
    shifted = with_frame(GOOD, 9, image_position_patient=(4.0, 0.0, -132.0))
    with pytest.raises(SpacingUneven) as refused:
        stack_frames(shifted)
    assert refused.value.facts["off_mm"] == 4.0


def test_a_tilted_gantry_shears_the_stack() -> None:
    """The table moves along the body while slices lean: the affine keeps every voxel's place."""
    tilt = np.radians(20.0)
    leaning = (1.0, 0.0, 0.0, 0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    stack = stack_frames(series_header(slices=20, image_orientation_patient=leaning))
    assert stack.tilt_degrees == pytest.approx(20.0)
    assert stack.slice_spacing_mm == pytest.approx(2.0 * np.cos(tilt))
    np.testing.assert_allclose(stack.affine[:3, 0], [0.0, 0.0, 2.0], atol=1e-9)


def test_a_straight_stack_has_no_tilt() -> None:
    """Tilt is measured from the positions, whatever the header says of the gantry."""
    assert stack_frames(GOOD).tilt_degrees == 0.0


def test_the_same_position_twice_is_one_slice_with_a_twin() -> None:
    """A second image of a slice is kept beside it, to be compared when decoded."""
    again = series_header("2.25.1.9", slices=1, first_mm=-140.0)
    stack = stack_frames(joined(GOOD, again))
    assert stack.shape[0] == 20
    assert stack.duplicate_count == 1
    assert stack.slices[5].twins[0].instance == again.instances[0]


def test_two_images_side_by_side_are_refused() -> None:
    """Images beside each other in one plane are no stack."""
    aside = with_frame(
        series_header("2.25.1.9", slices=1), 0, image_position_patient=(300.0, 0.0, -140.0)
    )
    with pytest.raises(GeometryMissing, match="beside each other"):
        stack_frames(joined(GOOD, aside))


@pytest.mark.parametrize(
    ("field", "value", "keyword"),
    [
        ("image_position_patient", None, "ImagePositionPatient"),
        ("image_orientation_patient", None, "ImageOrientationPatient"),
        ("image_orientation_patient", CORONAL, "ImageOrientationPatient"),
        ("pixel_spacing", None, "PixelSpacing"),
        ("pixel_spacing", (0.7, 0.71), "PixelSpacing"),
    ],
)
def test_one_frame_without_the_common_geometry_is_refused(
    field: str, value: object, keyword: str
) -> None:
    """One image whose place is unknown or differs is enough to refuse, by the attribute."""
    with pytest.raises(GeometryMissing) as refused:
        stack_frames(with_frame(GOOD, 3, **{field: value}))
    assert refused.value.facts["keyword"] == keyword


def _one_frame_of_reference_more(series: SeriesHeader) -> SeriesHeader:
    first = replace(series.instances[0], frame_of_reference_uid="2.25.3")
    return replace(series, instances=(first, *series.instances[1:]))


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (series_header(slices=1), "two slices or more"),
        (series_header(slices=0), "no frames"),
        (series_header(pixel_spacing=(0.0, 0.7)), "Position, orientation or pixel spacing"),
        (
            series_header(image_orientation_patient=(1.0, 0.0, 0.0, 0.5, 1.0, 0.0)),
            "right angles",
        ),
        (joined(GOOD, series_header("2.25.1.9", rows=256)), "Rows differs"),
        (_one_frame_of_reference_more(GOOD), "FrameOfReferenceUID differs"),
    ],
    ids=["single slice", "empty", "no spacing", "skewed", "two sizes", "two frames of reference"],
)
def test_what_forms_no_volume_is_refused(series: SeriesHeader, message: str) -> None:
    """A series without one common grid is refused with the reason."""
    with pytest.raises(GeometryMissing, match=message):
        stack_frames(series)
