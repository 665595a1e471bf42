"""What is made of a network's numbers: classes, calibrated scores, boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from chest.chest_codes import LUNG
from models.declared.inputs import Fit, InputChannel, InputKind, Interpolation, NetworkInput
from models.declared.outputs.kinds import (
    Activation,
    Appearance,
    BoxOrder,
    BoxOutput,
    CalibrationKind,
    Combination,
    MaskClass,
    MaskOutput,
    OutputTensor,
    RegionKind,
    ScoreCalibration,
    ScoreOutput,
)
from models.input.grid import Grid
from models.measure.diameter import largest_diameter_mm
from models.output.boxes import Box, best_boxes, fill_boxes, read_boxes
from models.output.masks import decide
from models.output.probability import calibrated
from models.output.scores import column_of, study_score
from radiology.image.volume import Volume

SHOWN = Appearance(RegionKind.FINDING, LUNG, None, None, (1, 2, 3))
ANSWER = OutputTensor("out", "main", "out", Activation.SOFTMAX)


def _mask(*thresholds: float | None) -> MaskOutput:
    classes = [MaskClass(f"c{at}", SHOWN, one) for at, one in enumerate(thresholds)]
    return MaskOutput(ANSWER, (MaskClass("rest", None, None), *classes))


@pytest.mark.parametrize(
    ("thresholds", "probabilities", "label"),
    [
        ((None, None), (0.4, 0.35, 0.25), 0),  # the background is the most probable
        ((None, None), (0.3, 0.3001, 0.3999), 3),
        ((0.3, None), (0.4, 0.35, 0.25), 2),  # above its threshold, if not the most probable
        ((0.3, 0.2), (0.4, 0.35, 0.25), 2),  # of two candidates the more probable
        ((0.6, None), (0.3, 0.45, 0.25), 0),  # the most probable, and below its threshold
    ],
)
def test_class_of_a_voxel(
    thresholds: tuple[float | None, ...], probabilities: tuple[float, ...], label: int
) -> None:
    found = np.array(probabilities, dtype=np.float32)[:, None]
    assert decide(found, _mask(*thresholds)).tolist() == [label]


def test_without_thresholds_the_most_probable_class_wins() -> None:
    """As nnU-Net decides."""
    found = np.random.default_rng(1).dirichlet(np.ones(4), 500).T.astype(np.float32)
    winners = found.argmax(axis=0)
    assert np.array_equal(decide(found, _mask(None, None, None)), np.where(winners, winners + 1, 0))


def test_scores_are_combined_and_calibrated() -> None:
    score = ScoreOutput(ANSWER, 1, None, None, Combination.MEAN_OF_HIGHEST, 2)
    parts = np.array([0.1, 0.9, 0.5, 0.7])
    assert study_score(parts, score) == pytest.approx(0.8)
    assert study_score(parts, replace(score, combination=Combination.MEAN)) == pytest.approx(0.55)
    assert study_score(parts, replace(score, combination=Combination.MAXIMUM)) == pytest.approx(0.9)
    raw = np.array([[0.0, np.log(3.0)]], dtype=np.float32)
    assert column_of(raw, score) == pytest.approx([0.75])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_calibration_keeps_the_order_and_stays_a_probability(scores: list[float]) -> None:
    ordered = np.sort(np.array(scores))
    for one in (
        ScoreCalibration(CalibrationKind.TEMPERATURE, slope=0.5),
        ScoreCalibration(CalibrationKind.PLATT, slope=2.0, intercept=-1.0),
        ScoreCalibration(CalibrationKind.POINTS, given=(0.0, 0.5, 1.0), meant=(0.0, 0.1, 0.9)),
    ):
        found = calibrated(ordered, one)
        assert (np.diff(found) >= -1e-12).all()
        assert ((found >= 0.0) & (found <= 1.0)).all()
    assert calibrated(np.array([0.25]), ScoreCalibration(CalibrationKind.TEMPERATURE, 1.0)) == (
        pytest.approx([0.25])
    )


FED = NetworkInput(
    network="main",
    tensor="image",
    kind=InputKind.SLICES,
    orientation="SPL",
    spacing_mm=(None, None, None),
    size=(32, 32),
    channels=(InputChannel(0.0, 1.0, 0.0, 1.0),),
    interpolation=Interpolation.LINEAR,
    fit=Fit.WHOLE_SLICE,
)
BOXES = BoxOutput(
    answer=replace(ANSWER, activation=Activation.NONE),
    scores="scores",
    order=BoxOrder.COLUMNS_FIRST,
    threshold=0.5,
    most_overlap=0.3,
    appearance=SHOWN,
)


def test_boxes_lie_where_the_detector_saw_them() -> None:
    """On a slice of twice the network's rows: x1 y1 x2 y2 in its pixels, doubled."""
    grid = Grid.of((3, 64, 64), (1.0, 1.0, 1.0), FED)
    edges = np.array([[4, 8, 10, 12], [0, 0, 5, 5]], dtype=np.float32)
    found = read_boxes(edges, np.array([[0.9], [0.4]], dtype=np.float32), BOXES, (1, 0, 0))
    labels = fill_boxes(found, grid, (3, 64, 64))
    expected = np.zeros((3, 64, 64), dtype=np.uint8)
    expected[1, 16:24, 8:20] = 1
    assert np.array_equal(labels, expected)


def test_of_boxes_that_overlap_the_better_one_stays() -> None:
    one = Box((0, 0, 0), (1, 10, 10), 0.7)
    shifted = Box((0, 0, 2), (1, 10, 12), 0.9)
    elsewhere = Box((0, 20, 20), (1, 30, 30), 0.6)
    assert best_boxes([one, shifted, elsewhere], 0.3) == [shifted, elsewhere]
    assert len(best_boxes([one, shifted, elsewhere], 0.7)) == 3


@given(st.integers(0, 10_000))
def test_largest_diameter_is_that_of_all_pairs_of_a_part(seed: int) -> None:
    """Flat parts and lines have one too; two parts are not measured across the gap."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 7, 3))
    mask = np.zeros((16, 7, 7), dtype=bool)
    mask[: shape[0], : shape[1], : shape[2]] = True
    mask[10:12, 2, 3] = True
    affine = np.eye(4)
    affine[:3, :3] = np.diag([3.0, 1.0, 0.5]) + 0.1
    volume = Volume(np.zeros(mask.shape, dtype=np.float32), affine)
    parts = [np.argwhere(mask[:8]), np.argwhere(mask[8:])]
    wanted = max(pdist(volume.positions_mm(part)).max() if len(part) > 1 else 0.0 for part in parts)
    assert largest_diameter_mm(mask, volume) == pytest.approx(wanted)
