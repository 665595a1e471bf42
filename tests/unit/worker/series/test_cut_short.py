"""A slice that was cut short and filled up on its way is refused; rows of one value are not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames

from radiology.errors import PixelDataUndecodable
from tests.builders.dicom.ct_series import (
    Stack,
    decode_files,
    multi_frame,
    single_frame,
    write_files,
)
from tests.peers.programs import require_program
from worker.series.cut_short import slices_cut_short

_LOWEST = -1024.0
_DAMAGED = 11


@pytest.fixture(scope="module")
def chest(shared_ct: Path) -> NDArray[np.float32]:
    """Give a real CT of thirty slices, HU."""
    return decode_files(sorted((shared_ct / "lung-tumour-8mm").rglob("*.dcm"))).hounsfield


def _cut(values: NDArray[np.float32], share: float) -> None:
    """Fill up what comes after a share of a slice, as a decoder does that goes on without data."""
    flat = values.reshape(-1)
    flat[int(share * flat.size) + 7 :] = _LOWEST


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.7])
@pytest.mark.parametrize("damaged", [1, 2])
def test_a_slice_that_was_filled_up(chest: NDArray[np.float32], share: float, damaged: int) -> None:
    """Wherever its data ends within the body, or above it; two neighbours too."""
    filled = chest.copy()
    wanted = list(range(_DAMAGED, _DAMAGED + damaged))
    for index in wanted:
        _cut(filled[index], share)
    assert slices_cut_short(filled) == wanted


def test_what_ends_below_the_body_has_lost_nothing(chest: NDArray[np.float32]) -> None:
    """Of a table without its lower end nobody is the worse."""
    filled = chest.copy()
    _cut(filled[_DAMAGED], 0.97)
    assert slices_cut_short(filled) == []


def test_a_body_that_was_cut_out_is_whole(chest: NDArray[np.float32]) -> None:
    """All that surrounds it has one value, and it ends in another row of each slice."""
    masked = chest.copy()
    for one in masked:
        rows = np.flatnonzero((one > -500).sum(axis=1) > 100)
        one[: rows[0]] = one[rows[-1] :] = _LOWEST
    assert slices_cut_short(masked) == []


@pytest.mark.parametrize("rows_a_slice", [4, 40, 300])
def test_a_stack_that_was_tilted_back_is_whole(
    chest: NDArray[np.float32], rows_a_slice: int
) -> None:
    """Its slices leave the stack that was measured, row by row, at either end of the series."""
    tilted = chest.copy()
    for index, one in enumerate(tilted):
        one[max(512 - rows_a_slice * index, 0) :] = _LOWEST
        one[: max(512 - rows_a_slice * (len(tilted) - 1 - index), 0)] = _LOWEST
    assert slices_cut_short(tilted) == []


def test_empty_slices_at_the_ends_are_no_damage(chest: NDArray[np.float32]) -> None:
    """A series that was brought to the grid of another one."""
    larger = chest.copy()
    larger[:4] = larger[-3:] = _LOWEST
    assert slices_cut_short(larger) == []


def test_the_series_is_refused_with_the_image(chest: NDArray[np.float32], tmp_path: Path) -> None:
    """As it would have been, had the image come as it was cut."""
    stored = (chest - _LOWEST).astype(np.uint16)[:, ::4, ::4].copy()
    stored[_DAMAGED, 60:] = 0
    datasets = single_frame(Stack(stored, intercept=_LOWEST))
    with pytest.raises(PixelDataUndecodable, match="cut short") as refused:
        decode_files(write_files(datasets, tmp_path))
    assert refused.value.facts["slices"] == 1
    assert refused.value.facts["sop_instance_uid"] == datasets[_DAMAGED].SOPInstanceUID


@pytest.mark.parametrize("both_ends", [True, False])
def test_an_instance_without_its_last_frames_is_refused(
    chest: NDArray[np.float32], tmp_path: Path, both_ends: bool
) -> None:
    """Frames of one value at its end alone; at both ends they belong to it."""
    stored = (chest - _LOWEST).astype(np.uint16)[:, ::8, ::8].copy()
    stored[20:] = 0
    if both_ends:
        stored[:2] = 0
    files = write_files([multi_frame(Stack(stored, intercept=_LOWEST), range(30))], tmp_path)
    if both_ends:
        assert len(decode_files(files).hounsfield) == 30
        return
    with pytest.raises(PixelDataUndecodable, match="cut short") as refused:
        decode_files(files)
    assert refused.value.facts["slices"] == 10


@pytest.mark.parametrize("signed", [True, False])
def test_low_bytes_that_dcmtk_lost_are_missed(
    chest: NDArray[np.float32], tmp_path: Path, signed: bool
) -> None:
    """RLE that was cut short among the low bytes, and unpacked by dcmtk: whole by every count."""
    stored = chest.astype(np.int16) if signed else (chest - _LOWEST).astype(np.uint16)
    stack = Stack(stored[10:13], intercept=0.0 if signed else _LOWEST)
    paths = write_files(single_frame(stack), tmp_path)
    assert len(decode_files(paths).hounsfield) == 3
    _dcmtk("dcmcrle", paths[1])
    dataset = dcmread(paths[1])
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    kept = frame[: len(frame) * 3 // 4]
    dataset.PixelData = encapsulate([kept + b"\0" * (len(kept) % 2)])
    dataset.save_as(paths[1])
    with pytest.raises(PixelDataUndecodable):
        decode_files(paths)
    _dcmtk("dcmdrle", paths[1])
    assert not dcmread(paths[1]).file_meta.TransferSyntaxUID.is_encapsulated
    with pytest.raises(PixelDataUndecodable, match="low bytes") as refused:
        decode_files(paths)
    assert refused.value.facts["rows"] > 100  # type: ignore[operator]


def test_a_background_with_equal_bytes_is_whole(tmp_path: Path) -> None:
    """Nothing but 0 in the last rows, or 257 beside it, is a background."""
    stored = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64) % 1000
    stored[:, 50:] = 0
    stored[:, 55:] = 257
    assert len(decode_files(write_files(single_frame(Stack(stored)), tmp_path)).hounsfield) == 3


def _dcmtk(program: str, path: Path) -> None:
    command = [str(require_program(program, package="dcmtk")), str(path), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
