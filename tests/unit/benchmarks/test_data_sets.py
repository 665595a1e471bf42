"""Two instances compare equal unless an element, a content item or a voxel says something else."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest
from pydicom import Dataset

from benchmarks.same_answers.data_sets import compare_instances
from benchmarks.same_answers.values import UidPairs
from tests.builders.dicom.result_objects import (
    OTHER_SLICE,
    OURS,
    OURS_AFTER,
    SLICE,
    STUDY,
    capture,
    report,
    segmentation,
)

Change = Callable[[Dataset], object]


def _differences(before: Dataset, after: Dataset) -> list[str]:
    ours = {str(one.SOPInstanceUID) for one in (before, after)}
    source = {STUDY, SLICE, OTHER_SLICE}
    uids = UidPairs(source | (ours & {OURS}), source | (ours & {OURS_AFTER}))
    return list(compare_instances(before, after, uids))


def _changed(before: Dataset, change: Change) -> list[str]:
    after = deepcopy(before)
    change(after)
    return _differences(before, after)


def test_a_second_run_is_equal() -> None:
    """Another time, another version of the program and other UIDs of our own say nothing else."""
    after = report(OURS_AFTER)
    after.ContentTime = "130000"
    after.SoftwareVersions = ["Bundle 2.0.0", "Firstread 0.2.0.dev1"]
    assert _differences(report(), after) == []


def _refer_elsewhere(after: Dataset) -> None:
    after.PredecessorDocumentsSequence[0].ReferencedSOPInstanceUID = OURS_AFTER


def _swap_slices(after: Dataset) -> None:
    first, second = after.SourceImageSequence
    first.ReferencedSOPInstanceUID, second.ReferencedSOPInstanceUID = OTHER_SLICE, SLICE


def _set_volume(after: Dataset) -> None:
    after.ContentSequence[0].MeasuredValueSequence[0].NumericValue = "12.6"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            _set_volume,
            ["ContentSequence[Volume (99X 1, CONTAINS NUM) 1]/MeasuredValueSequence[1]"
             "/NumericValue: '12.5' → '12.6'"],
        ),
        (
            lambda after: after.ContentSequence.pop(0),
            ["ContentSequence[Volume (99X 1, CONTAINS NUM) 1]: only before"],
        ),
        (
            lambda after: after.ContentSequence.reverse(),
            ["ContentSequence: the items stand in another order"],
        ),
        (
            _refer_elsewhere,
            [f"PredecessorDocumentsSequence[1]/ReferencedSOPInstanceUID: '{OURS}' → "
             f"'{OURS_AFTER}'"],
        ),
        (
            _swap_slices,
            [f"SourceImageSequence[1]/ReferencedSOPInstanceUID: '{SLICE}' → '{OTHER_SLICE}'",
             f"SourceImageSequence[2]/ReferencedSOPInstanceUID: '{OTHER_SLICE}' → '{SLICE}'"],
        ),
        (
            lambda after: setattr(after, "SoftwareVersions", ["Bundle 2.0.1", "Firstread 0.1.0"]),
            ["""SoftwareVersions: "['Bundle 2.0.0', 'Firstread 0.1.0']" → """
             """"['Bundle 2.0.1', 'Firstread 0.1.0']\""""],
        ),
        (lambda after: delattr(after, "ContentTime"), ["ContentTime: only before: '120000'"]),
        (lambda after: setattr(after, "StudyID", "1"), ["StudyID: only after: '1'"]),
    ],
)  # fmt: skip
def test_a_change_of_a_report_is_named(change: Change, found: list[str]) -> None:
    """One change gives one line that leads to it."""
    assert _changed(report(), change) == found


def _flip(position: int, bits: int = 1) -> Change:
    def change(after: Dataset) -> None:
        content = bytearray(after.PixelData)
        content[position] ^= bits
        after.PixelData = bytes(content)

    return change


def test_a_pixel_of_a_picture_is_found() -> None:
    """How many, where and what."""
    found = _changed(capture(), _flip(5))
    assert found == ["pixels: 1 values differ, the first at (1, 1): 5 → 4"]


def test_a_voxel_of_a_binary_segmentation_is_found() -> None:
    """The last bit of the first byte belongs to the first frame: row 1, column 3."""
    (found,) = _changed(segmentation(label_map=False), _flip(0, 0x80))
    assert found.startswith("segment 1 (Segment 1), slice at 0.0\\0.0\\0.0: pixels: 1 values")
    assert "(1, 3): 0 → 1" in found


def test_a_voxel_of_a_label_map_is_found() -> None:
    """A voxel that goes from one segment to the other differs in both."""
    found = _changed(segmentation(label_map=True), _flip(12, 0b11))
    assert [one.split(",")[0] for one in found] == [
        "segment 1 (Segment 1)", "segment 2 (Segment 2)"
    ]  # fmt: skip
    assert all("slice at 0.0\\0.0\\2.5: pixels: 1 values" in one for one in found)


def test_the_form_of_a_segmentation_changes_no_voxel() -> None:
    """Frames of each segment and a label map say the same; only the elements differ."""
    found = _differences(segmentation(label_map=False), segmentation(label_map=True))
    assert found
    assert not any("slice at" in one for one in found)
