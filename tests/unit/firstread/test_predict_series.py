"""`firstread predict` on studies whose headers and pixels do not agree: right, or refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from firstread.predict.predictions import PredictOptions, predict_paths
from phantom import Phantom
from phantom.study import write_phantom_study
from radiology.algorithm import ExecutionProvider
from radiology.identity import derived_uid
from settings.environment import Settings
from tests.peers.programs import require_program


@pytest.fixture(scope="module")
def settings(bundles: Path) -> Settings:
    return Settings(
        execution_provider=ExecutionProvider.CPU, inference_threads=1, bundles_folder=bundles
    )


def _answer(settings: Settings, folder: Path) -> dict[str, Any]:
    found, complete = predict_paths([folder], PredictOptions(), settings)
    (entry,) = found["predictions"]
    assert complete, entry.get("error")
    answer: dict[str, Any] = entry["answer"]
    return answer


def _write_overlay(image: Dataset) -> None:
    """A cross in the four bits above the twelve that are stored."""
    image.BitsStored, image.HighBit = 12, 11
    pixels = np.frombuffer(image.PixelData, dtype="<u2").reshape(image.Rows, image.Columns).copy()
    assert pixels.max() < 1 << 12
    pixels[image.Rows // 4 : image.Rows // 2] |= 0x1000
    pixels[:, image.Columns // 3 : image.Columns // 2] |= 0x8000
    image.PixelData = pixels.tobytes()


def test_an_overlay_below_jpeg_ls_changes_no_answer(
    settings: Settings, phantom: Phantom, tmp_path: Path
) -> None:
    """Compressed by dcmtk with the overlay in it, the chest is the same chest."""
    plain = _answer(settings, write_phantom_study(phantom, tmp_path / "plain")[0].parent)
    program = require_program("dcmcjpls", package="dcmtk")
    for path in write_phantom_study(phantom, tmp_path / "packed"):
        image = dcmread(path)
        _write_overlay(image)
        image.save_as(path)
        subprocess.run([program, path, path], check=True, capture_output=True)
    packed = _answer(settings, tmp_path / "packed")
    assert packed["figures"] == plain["figures"]
    assert packed["outcome"] == plain["outcome"] == "findings"


def test_the_next_best_series_is_read_and_the_first_says_why_not(
    settings: Settings, phantom: Phantom, tmp_path: Path
) -> None:
    """One slice of the preferred series is damaged; a sharper series of the same scan is whole."""
    paths = write_phantom_study(phantom, tmp_path)
    for path in paths:
        image = dcmread(path)
        first = str(image.SeriesInstanceUID)
        image.SeriesInstanceUID = derived_uid("sharper", first)
        image.SOPInstanceUID = derived_uid("sharper", str(image.SOPInstanceUID))
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.ConvolutionKernel = "B70f"
        image.save_as(path.with_name(f"sharper-{path.name}"))
    damaged = dcmread(paths[16])
    damaged.PixelData = damaged.PixelData[: len(damaged.PixelData) // 4 * 2]
    damaged.save_as(paths[16])
    answer = _answer(settings, tmp_path)
    assert answer["series_instance_uid"] == derived_uid("sharper", first)
    rows = {one["series_instance_uid"]: one for one in answer["series"]}
    assert (rows[first]["rule"], rows[first]["chosen"]) == ("decoding", False)
    assert rows[first]["seen"] == "PixelDataUndecodable"


def test_slices_that_have_each_a_frame_of_reference_are_read_with_a_warning(
    settings: Settings, phantom: Phantom, tmp_path: Path
) -> None:
    """As an anonymiser left them; the positions are those of one scan."""
    for path in write_phantom_study(phantom, tmp_path):
        image = dcmread(path)
        image.FrameOfReferenceUID = derived_uid("own", str(image.SOPInstanceUID))
        image.save_as(path)
    answer = _answer(settings, tmp_path)
    (row,) = answer["series"]
    assert row["chosen"]
    assert any("no frame of reference in common" in one for one in row["warnings"])
