"""Decoding gives voxels at their place in the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from radiology.image.volume import Volume
from tests.builders.dicom.ct_series import (
    Stack,
    decode_files,
    multi_frame,
    ramp,
    read_one_series,
    single_frame,
    write_files,
)
from worker.series.decode_volume import decode_volume

AXES = [np.eye(3)[:, order] for order in ([2, 1, 0], [2, 0, 1], [1, 2, 0], [0, 2, 1])]


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Stacks of any orientation, obliquity, tilt, spacing and position."""
    shape = draw(st.tuples(st.integers(2, 5), st.integers(2, 4), st.integers(2, 4)))
    signs = np.array(draw(st.tuples(*[st.sampled_from([1.0, -1.0])] * 3)))
    directions = draw(st.sampled_from(AXES)) * signs
    if draw(st.booleans()):
        directions = _turned(*draw(st.tuples(*[st.floats(-0.7, 0.7)] * 3))) @ directions
    normal = np.cross(directions[:, 2], directions[:, 1])
    spacing = draw(st.tuples(st.floats(0.5, 9), st.floats(0.3, 2), st.floats(0.3, 2)))
    steps = directions * np.array(spacing)
    lean = draw(st.floats(-0.5, 0.5))
    steps[:, 0] = (normal + lean * directions[:, 1]) * spacing[0] * draw(st.sampled_from([1, -1]))
    origin = draw(st.tuples(*[st.floats(-200, 200).map(lambda value: round(value, 3))] * 3))
    return Stack(ramp(shape), steps=steps, origin=origin)


def _turned(x: float, y: float, z: float) -> Any:
    def turn(axis: int, angle: float) -> Any:
        matrix = np.eye(3)
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return matrix

    return turn(2, z) @ turn(1, y) @ turn(0, x)


def _assert_each_voxel_at_its_place(volume: Volume, stack: Stack) -> None:
    """Every value of the stack is unique, so it can be asked where it went."""
    indices = np.argwhere(np.ones(stack.stored.shape, dtype=bool))
    places = np.array(stack.origin) + indices @ stack.steps.T
    values = stack.stored.reshape(-1) - 1024.0
    found = volume.positions_mm(np.argwhere(np.ones(volume.shape, dtype=bool)))
    by_value = dict(zip(volume.hounsfield.reshape(-1).tolist(), found, strict=True))
    for value, place in zip(values.tolist(), places, strict=True):
        np.testing.assert_allclose(by_value[value], place, atol=1e-5)


@given(stack=stacks(), seed=st.integers(0, 1000), enhanced=st.booleans())
def test_each_voxel_keeps_its_place_under_any_orientation_and_order(
    tmp_path_factory: pytest.TempPathFactory, stack: Stack, seed: int, enhanced: bool
) -> None:
    """Axial, coronal, sagittal, oblique or tilted, in any order, single-frame or multi-frame."""
    folder = tmp_path_factory.mktemp("stack")
    if enhanced:
        order = np.random.default_rng(seed).permutation(len(stack.stored)).tolist()
        datasets = [multi_frame(stack, order)]
    else:
        datasets = single_frame(stack)
    volume = decode_files(write_files(datasets, folder, seed=seed))
    _assert_each_voxel_at_its_place(volume, stack)


def test_highdicom_places_the_voxels_alike(tmp_path: Path) -> None:
    """Another implementation of PS3.3 C.7.6.2.1.1 gives the same place for every voxel."""
    from highdicom import get_volume_from_series

    directions = _turned(0.3, -0.2, 0.5) @ AXES[0]
    stack = Stack(ramp(), steps=directions * np.array([2.5, 0.9, 0.6]))
    paths = write_files(single_frame(stack), tmp_path)
    ours = decode_files(paths)
    theirs = get_volume_from_series([dcmread(path) for path in paths])
    # highdicom may run through the slices the other way
    theirs_at = (
        theirs.affine[:3, :3]
        @ theirs.map_reference_to_indices(ours.positions_mm(np.array([[0, 0, 0]])))[0]
        + theirs.affine[:3, 3]
    )
    np.testing.assert_allclose(theirs_at, ours.affine[:3, 3], atol=1e-6)
    places = ours.positions_mm(np.argwhere(np.ones(ours.shape, dtype=bool)))
    indices = np.rint(theirs.map_reference_to_indices(places)).astype(int)
    np.testing.assert_allclose(theirs.array[tuple(indices.T)], ours.hounsfield.reshape(-1))


def test_frames_tell_where_each_slice_came_from(tmp_path: Path) -> None:
    """The source frames are in the order of the slices, so that a SEG can refer to them."""
    datasets = single_frame(Stack(ramp()))
    volume = decode_files(write_files(datasets, tmp_path, seed=3))
    expected = [dataset.SOPInstanceUID for dataset in datasets]
    assert [frame.sop_instance_uid for frame in volume.frames] == expected
    assert {frame.frame_number for frame in volume.frames} == {None}


def test_frames_of_a_multi_frame_are_counted_from_one(tmp_path: Path) -> None:
    """A slice of an Enhanced CT points to its frame, wherever that stands in the object."""
    volume = decode_files(write_files([multi_frame(Stack(ramp()), [3, 1, 0, 5, 4, 2])], tmp_path))
    assert [frame.frame_number for frame in volume.frames] == [3, 2, 6, 1, 5, 4]


def test_enhanced_and_single_frame_give_the_same_volume(tmp_path: Path) -> None:
    """The kind of object makes no difference to values and places."""
    stack = Stack(ramp(), slope=[1, 2, 3, 4, 5, 6], intercept=[-1, -2, -3, -4, -5, -6])
    plain = decode_files(write_files(single_frame(stack), tmp_path / "plain"))
    enhanced = decode_files(
        write_files([multi_frame(stack, [5, 3, 4, 1, 2, 0])], tmp_path / "enhanced")
    )
    np.testing.assert_array_equal(plain.hounsfield, enhanced.hounsfield)
    np.testing.assert_allclose(plain.affine, enhanced.affine)


def test_a_concatenation_of_enhanced_instances_is_one_volume(tmp_path: Path) -> None:
    """Frames of one stack may be split over several multi-frame instances (PS3.3 C.7.6.16.2.2)."""
    stack = Stack(ramp())
    first, second = multi_frame(stack, [0, 2, 4]), multi_frame(stack, [1, 3, 5])
    second.SOPInstanceUID += ".1"
    second.file_meta.MediaStorageSOPInstanceUID = second.SOPInstanceUID
    volume = decode_files(write_files([first, second], tmp_path))
    _assert_each_voxel_at_its_place(volume, stack)


def test_progress_is_told_slice_by_slice(tmp_path: Path) -> None:
    """Each slice decoded moves the progress on."""
    seen: list[tuple[int, int]] = []
    series, paths = read_one_series(write_files(single_frame(Stack(ramp())), tmp_path))
    decode_volume(series, paths, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(
    ("folder", "shape", "spacing_mm"),
    [
        ("covid-P001", (148, 512, 512), (2.0, 0.748, 0.748)),
        ("normal-001", (154, 512, 512), (2.0, 0.635, 0.635)),
        ("lung-tumour-8mm", (30, 512, 512), (8.0, 0.646, 0.646)),
        ("tiny-64x64", (79, 64, 64), (3.987, 4.172, 4.172)),
    ],
)
def test_real_series_are_decoded(
    shared_ct: Path,
    folder: str,
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
) -> None:
    """Real chests have air about -1000 HU, lung about -850 HU and muscle about 50 HU."""
    volume = decode_files(sorted((shared_ct / folder).glob("*.dcm")))
    assert volume.shape == shape
    assert volume.spacing_mm == pytest.approx(spacing_mm, abs=0.001)
    assert volume.hounsfield.min() >= -1500
    assert volume.hounsfield.max() < 4000
    middle = volume.hounsfield[volume.shape[0] // 2]
    assert np.median(middle[middle < -950]) == pytest.approx(-1000, abs=50)
    lung, tissue = middle[(middle > -950) & (middle < -700)], middle[(middle > 0) & (middle < 100)]
    assert lung.size > 0.1 * middle.size
    assert np.median(lung) == pytest.approx(-860, abs=60)
    assert np.median(tissue) == pytest.approx(50, abs=20)
