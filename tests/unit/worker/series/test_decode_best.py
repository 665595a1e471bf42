"""Where the preferred series cannot be decoded the next best is, and it is said why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from radiology.errors import NoSuitableSeries, PixelDataUndecodable, VolumeRefused
from tests.builders.dicom.ct_series import Change, Stack, ramp, single_frame, write_files
from worker.series.decode_best import UNDECODED, DecodedSeries, decode_best
from worker.series.decode_volume import decode_volume
from worker.series.read_series import group_series, read_instances
from worker.series.rules import REFUSALS
from worker.series.select_series import SeriesSelection

_SHAPE = (60, 8, 8)  # 2 mm apart
PREFERRED, SECOND = "2.25.1.1", "2.25.1.2"


def _as_it_is(dataset: Dataset, index: int) -> None:
    pass


def _preferred(kernel: str, change: Change = _as_it_is) -> Change:
    def both(dataset: Dataset, index: int) -> None:
        dataset.ConvolutionKernel = kernel
        change(dataset, index)

    return both


def two_series(
    folder: Path, first: Change, second: Change = _as_it_is, *, twice: bool = False
) -> list[Path]:
    """A soft series, which is preferred, and a sharper one."""
    datasets = single_frame(Stack(ramp(_SHAPE), slope=0.5, change=_preferred("B30f", first)))
    if twice:
        phase = Stack(ramp(_SHAPE), slope=0.25, series="1", change=_preferred("B30f"))
        for dataset in single_frame(phase):
            dataset.SOPInstanceUID += ".2"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            datasets.append(dataset)
    other = Stack(ramp(_SHAPE), slope=0.5, series="2", change=_preferred("B60f", second))
    return write_files([*datasets, *single_frame(other)], folder)


def _decoded(paths: Sequence[Path], seen: list[SeriesSelection] | None = None) -> DecodedSeries:
    read = read_instances(paths)
    files = {one.instance.sop_instance_uid: one.path for one in read}
    return decode_best(
        group_series(read),
        REFUSALS,
        lambda series: decode_volume(series, files),
        on_selection=None if seen is None else seen.append,
    )


def cut_off(dataset: Dataset, index: int) -> None:
    if index == 30:
        dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]


def test_the_preferred_series_is_decoded_where_it_can_be(tmp_path: Path) -> None:
    decoded = _decoded(two_series(tmp_path, _as_it_is))
    assert decoded.series.series_instance_uid == PREFERRED
    assert {one.rule for one in decoded.selection.decisions} == {"chosen", "kernel"}


def test_one_damaged_slice_sends_to_the_next_best(tmp_path: Path) -> None:
    """The decision about the first says what was wrong with it, those who ask are told of both."""
    seen: list[SeriesSelection] = []
    decoded = _decoded(two_series(tmp_path, cut_off), seen)
    assert decoded.series.series_instance_uid == SECOND
    assert decoded.volume.shape == _SHAPE
    first, second = decoded.selection.decisions
    assert (first.series_instance_uid, first.rule, first.chosen) == (PREFERRED, UNDECODED, False)
    assert first.seen == "PixelDataUndecodable"
    assert "frames" in first.reason
    assert second.chosen
    assert [one.chosen and one.chosen.series_instance_uid for one in seen] == [PREFERRED, SECOND]


def test_two_phases_in_one_series_send_to_the_next_best(tmp_path: Path) -> None:
    """Two images at each position: which one is meant nobody can say."""
    decoded = _decoded(two_series(tmp_path, _as_it_is, twice=True))
    assert decoded.series.series_instance_uid == SECOND
    reason = decoded.selection.decisions[0].reason
    assert reason == "Two different images lie at the same position"


def test_where_none_can_be_decoded_the_error_is_that_of_the_preferred(tmp_path: Path) -> None:
    """The study is refused as it would be with that series alone."""

    def without(dataset: Dataset, index: int) -> None:
        if index == 7:
            del dataset.PixelData

    seen: list[SeriesSelection] = []
    with pytest.raises(VolumeRefused) as refused:
        _decoded(two_series(tmp_path, without, cut_off), seen)
    assert isinstance(refused.value, PixelDataUndecodable)
    assert refused.value.message == "The instance has no pixel data"
    assert seen[-1].chosen is None
    assert {one.rule for one in seen[-1].decisions} == {UNDECODED}


def test_what_is_refused_by_its_header_is_not_tried(tmp_path: Path) -> None:
    """No series is left: each carries its own reason, not that of decoding."""

    def localizer(dataset: Dataset, index: int) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    with pytest.raises(NoSuitableSeries) as refused:
        _decoded(two_series(tmp_path, localizer, localizer))
    assert refused.value.reasons == ("The series is a localizer (LOCALIZER)",)
