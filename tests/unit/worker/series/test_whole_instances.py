"""A part is never taken for the whole: frames and parts that are stated must be there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from radiology.errors import NoSuitableSeries, PixelDataUndecodable
from tests.builders.dicom.ct_series import (
    Stack,
    decode_files,
    multi_frame,
    ramp,
    read_one_series,
    single_frame,
    write_files,
)
from worker.predict.read_slice_file import slice_of_instance
from worker.series.read_series import read_instances
from worker.series.rules import REFUSALS
from worker.series.select_series import SeriesOutcome, select_series

_SHAPE = (12, 16, 16)


def _decision(paths: Sequence[Path]) -> SeriesOutcome:
    """Why the one series is not analysed."""
    series, _ = read_one_series(paths)
    selection = select_series([series], refusals=REFUSALS)
    with pytest.raises(NoSuitableSeries):
        selection.require()
    return selection.decisions[0]


def _all_in_one(frames: int) -> Dataset:
    """A CT Image that holds a whole stack, as some converters write it."""
    first = single_frame(Stack(ramp(_SHAPE), slope=0.5))[0]
    first.NumberOfFrames = frames
    first.PixelData = ramp(_SHAPE)[:frames].tobytes()
    return first


def test_a_ct_image_of_a_hundred_frames_is_refused(tmp_path: Path) -> None:
    """A CT Image has one frame (PS3.3 A.3): of the others nobody knows where they lie."""
    paths = write_files([_all_in_one(12)], tmp_path)
    decision = _decision(paths)
    assert decision.rule == "frames"
    assert decision.seen == "Number of Frames is 12, the place of 1 is described"
    (found,) = read_instances(paths)
    with pytest.raises(NoSuitableSeries, match="another number of frames") as refused:
        slice_of_instance(found)
    assert refused.value.facts["seen"] == decision.seen


def test_one_among_many_slices_that_holds_more_is_refused(tmp_path: Path) -> None:
    """The series is not read as if the instance were one slice of it."""
    datasets = single_frame(Stack(ramp(_SHAPE), slope=0.5))
    datasets[3].NumberOfFrames = 2
    datasets[3].PixelData = ramp(_SHAPE)[3:5].tobytes()
    assert _decision(write_files(datasets, tmp_path)).rule == "frames"


@pytest.mark.parametrize("stated", [11, 13])
def test_an_enhanced_ct_that_describes_other_frames_than_it_states(
    tmp_path: Path, stated: int
) -> None:
    """Each frame has its item of the Per-Frame Functional Groups (PS3.3 C.7.6.16)."""
    dataset = multi_frame(Stack(ramp(_SHAPE), slope=0.5))
    dataset.NumberOfFrames = stated
    assert _decision(write_files([dataset], tmp_path)).rule == "frames"


@pytest.mark.parametrize(
    "transfer_syntax_uid", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless]
)
@pytest.mark.parametrize("has_offsets", [True, False])
def test_pixel_data_of_more_frames_than_are_stated_is_refused(
    tmp_path: Path, transfer_syntax_uid: str, has_offsets: bool
) -> None:
    """A header of one slice over the pixels of two, native or compressed."""

    def change(dataset: Dataset, index: int) -> None:
        dataset.PixelData = dataset.PixelData + dataset.PixelData

    if transfer_syntax_uid == ExplicitVRLittleEndian:
        datasets = single_frame(Stack(ramp((2, 64, 64)), slope=0.125, change=change))
    else:
        datasets = single_frame(
            Stack(ramp((2, 64, 64)), slope=0.125, transfer_syntax_uid=transfer_syntax_uid)
        )
        for dataset in datasets:
            (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
            dataset.PixelData = encapsulate([frame, frame], has_bot=has_offsets)
    with pytest.raises(PixelDataUndecodable, match="not equally many") as refused:
        decode_files(write_files(datasets, tmp_path))
    facts = refused.value.facts
    assert (facts["stated"], facts["described"], facts["there"]) == (1, 1, 2)


@pytest.mark.parametrize("transfer_syntax_uid", [JPEGLSLossless, JPEG2000Lossless])
def test_a_frame_in_several_fragments_is_one_frame(
    tmp_path: Path, transfer_syntax_uid: str
) -> None:
    """PS3.5 A.4 lets a frame be cut into fragments, but for RLE."""
    plain = single_frame(Stack(ramp((3, 64, 64)), slope=0.125))
    expected = decode_files(write_files(plain, tmp_path / "plain")).hounsfield
    datasets = single_frame(
        Stack(ramp((3, 64, 64)), slope=0.125, transfer_syntax_uid=transfer_syntax_uid)
    )
    for dataset in datasets:
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        dataset.PixelData = encapsulate([frame], fragments_per_frame=4)
    volume = decode_files(write_files(datasets, tmp_path / "cut"))
    np.testing.assert_array_equal(volume.hounsfield, expected)


def _concatenated(parts: int, *, total: int | None) -> list[Dataset]:
    """The first parts of a concatenation of four."""
    made = []
    for part in range(parts):
        stack = Stack(ramp((40, 8, 8)), slope=0.5)
        dataset = multi_frame(stack, range(10 * part, 10 * part + 10))
        dataset.SOPInstanceUID += f".{part}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ConcatenationUID = "2.25.77"
        dataset.InConcatenationNumber = part + 1
        if total is not None:
            dataset.InConcatenationTotalNumber = total
        made.append(dataset)
    return made


def test_a_concatenation_without_its_last_part_is_refused(tmp_path: Path) -> None:
    """Three quarters of the chest would be measured as all of it."""
    decision = _decision(write_files(_concatenated(3, total=4), tmp_path))
    assert (decision.rule, decision.seen) == ("concatenation", "3 of 4 parts of a concatenation")


def test_a_concatenation_without_its_first_part_is_refused(tmp_path: Path) -> None:
    """In-concatenation Total Number may be left out (type 3); the parts are numbered."""
    decision = _decision(write_files(_concatenated(4, total=None)[1:], tmp_path))
    assert decision.seen == "3 of 4 parts of a concatenation"


@pytest.mark.parametrize("total", [4, None])
def test_a_whole_concatenation_is_read(tmp_path: Path, total: int | None) -> None:
    """All parts make one volume."""
    paths = write_files(_concatenated(4, total=total), tmp_path)
    series, _ = read_one_series(paths)
    verdicts = select_series([series], refusals=REFUSALS).decisions
    assert "concatenation" not in {one.rule for one in verdicts}
    assert decode_files(paths).shape == (40, 8, 8)
