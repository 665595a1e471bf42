"""Headers and slices that were read before their job: as they were, once, and no other file's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from radiology.image.series import FrameHeader
from tests.builders.dicom.ct_series import Stack, single_frame
from worker.series.kept_ahead import KeptAhead
from worker.series.read_series import read_instances


def _slices(
    folder: Path, slope: Sequence[float], densest: int = 1064
) -> tuple[dict[str, Path], list[FrameHeader]]:
    """One file for each slope, from "0" on, and the frames in them."""
    stored = np.zeros((len(slope), 10, 10), np.uint16)
    stored[:, 0, 0] = densest
    written = single_frame(Stack(stored, slope=slope))
    paths = {}
    for name, one in enumerate(written):
        paths[str(name)] = folder / f"{name}.dcm"
        one.save_as(paths[str(name)], enforce_file_format=True)
    found = read_instances(paths.values())
    return paths, [one.instance.frames[0] for one in found]


def test_slices_are_given_back_as_they_were_and_once(tmp_path: Path) -> None:
    """Whole numbers, fractions, and metal that 16 bits do not hold."""
    kept = KeptAhead()
    paths, frames = _slices(tmp_path, [1.0, 0.3, 60.0])
    decoded = [
        kept.decode_slice(path, frame) for path, frame in zip(paths.values(), frames, strict=True)
    ]
    assert [float(one[0, 0]) for one in decoded] == pytest.approx([40.0, -704.8, 62_816.0])
    for path, hounsfield in zip(paths.values(), decoded, strict=True):
        found = kept.take_slice(path)
        assert found is not None
        assert found.dtype == np.float32
        assert np.array_equal(found, hounsfield)
        assert kept.take_slice(path) is None


def test_the_oldest_slices_go_where_there_is_no_more_room(tmp_path: Path) -> None:
    """Room for three slices of 16 bits; one that is kept again counts once."""
    kept = KeptAhead(most_bytes=3 * 200)
    paths, frames = _slices(tmp_path, [1.0] * 4)
    for name in "01123":
        kept.decode_slice(paths[name], frames[int(name)])
    there = [name for name in paths if kept.take_slice(paths[name]) is not None]
    assert there == ["1", "2", "3"]


def test_what_was_read_of_a_file_is_not_said_of_another_in_its_place(tmp_path: Path) -> None:
    """An instance that was forgotten comes again under its UID, as another patient's."""
    kept = KeptAhead()
    paths, frames = _slices(tmp_path, [1.0])
    first = kept.read_header(paths["0"])
    kept.decode_slice(paths["0"], frames[0])
    (tmp_path / "other").mkdir()
    others, _ = _slices(tmp_path / "other", [1.0], densest=2024)
    _called(others["0"], "OTHER")
    others["0"].replace(paths["0"])
    (header,) = kept.read_instances([paths["0"]])
    assert kept.take_slice(paths["0"]) is None
    assert header.patient != first.patient


def _called(path: Path, patient_id: str) -> None:
    image = dcmread(path)
    image.PatientID = patient_id
    image.save_as(path)
