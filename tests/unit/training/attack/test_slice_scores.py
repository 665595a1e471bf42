"""What is attacked answers as the bundles' own files do, and has a gradient back to the slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import onnxruntime
from numpy.typing import NDArray

from models.catalogue import read_any_bundle
from models.schema_2.view import lung_view
from phantom.grid import phantom_grid
from phantom.synthesis import make_phantom
from tests.peers.programs import REPOSITORY
from training.attack.slice_scores import slice_scores
from training.scoring.attack import Attack, against, logits_of

_BUNDLES = REPOSITORY / "models/bundles/chest-ct-pneumonia"
_FIELD_MM = 360.0


def _slices(size: int) -> NDArray[np.float32]:
    """The middle of a phantom with lesions, four slices."""
    side = _FIELD_MM / size
    phantom = make_phantom(seed=11, grid=phantom_grid((4, size, size), (12.0, side, side)))
    return phantom.volume.hounsfield.astype(np.float32)


def _shown(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """HU from -1250 to 250 as 0…1, shape (slices, 1, rows, columns)."""
    shown: NDArray[np.float32] = ((hu + 1250.0) / 1500.0).clip(0.0, 1.0)[:, None]
    return shown


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def _run(session: onnxruntime.InferenceSession, fed: NDArray[np.float32]) -> list[NDArray]:
    return list(session.run(None, {session.get_inputs()[0].name: fed.astype(np.float32)}))


def _of_2_0_0(hu: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean logit of each slice and its mirror image, of the files alone; see `lung_view`."""
    folder = _BUNDLES / "2.0.0"
    lung, lesion = _run(_session(folder / "segmentation.onnx"), _shown(hu))
    views = [
        lung_view(*one)[0]
        for one in zip(_shown(hu)[:, 0], lung[:, 1:].sum(1), lesion[:, 1:].sum(1), strict=True)
    ]
    classifier = _session(folder / "classification.onnx")
    straight, mirrored = (
        _run(classifier, fed)[0] for fed in (np.stack(views), np.stack(views)[..., ::-1])
    )
    said = np.stack([straight, mirrored]).astype(np.float64)
    return np.log(said / (1.0 - said)).mean((0, 2))


def _of_3_1_0(hu: NDArray[np.float32]) -> NDArray[np.float64]:
    said = _run(_session(_BUNDLES / "3.1.0/scores.onnx"), _shown(hu))[0][:, 0].astype(np.float64)
    return np.log(said / (1.0 - said))


@pytest.mark.parametrize("version", ["2.0.0", "3.1.0"])
def test_it_answers_as_the_files_do_and_a_step_goes_against_it(version: str) -> None:
    """ONNX Runtime runs the files, before and after; in 2.0.0 a temperature divides the logits."""
    scores = slice_scores(read_any_bundle(_BUNDLES / version))
    of_files = _of_2_0_0 if version == "2.0.0" else _of_3_1_0
    hu = _slices(scores.size)
    before, ours = of_files(hu), logits_of(scores.logit, hu)
    temperature = float((ours @ before) / (before @ before))
    assert ours == pytest.approx(temperature * before, abs=0.1)
    assert version == "2.0.0" or temperature == pytest.approx(1.0, abs=0.02)
    truth = np.array([1, 0, 1, 0], dtype=np.int8)
    moved = Attack(10.0).moved(against(scores.logit, truth), hu)
    change = of_files(moved) - before
    assert (change[truth == 1] < -0.2).all()
    assert (change[truth == 0] > 0.2).all()
