"""A 2.5-D network scores slices and the study as numbers worked out without it say."""

from __future__ import annotations

import numpy as np
import pytest

from radiology.answer.finding import Presence
from radiology.image.volume import Volume
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.declared.slice_scorer import OFFSET, SLOPE, WEIGHTS
from tests.unit.models.reading.conftest import Read, volume_of


@pytest.fixture
def belly() -> Volume:
    """Twelve square slices; fluid of 60 HU covers more and more of the middle ones."""
    hounsfield = np.full((12, 64, 64), -100.0)
    for index, share in enumerate([0, 0, 0, 16, 32, 64, 64, 32, 16, 8, 0, 0]):
        hounsfield[index, :, :share] = 60.0
    return volume_of(hounsfield, (3.0, 1.0, 1.0))


def _logits(volume: Volume) -> np.ndarray:
    """SLOPE · weighted mean level of three slices − OFFSET; the edge slices repeat themselves."""
    level = np.clip(volume.hounsfield / 100.0, 0.0, 1.0).mean(axis=(1, 2))
    padded = np.concatenate([level[:1], level, level[-1:]])
    lower, middle, upper = padded[:-2], padded[1:-1], padded[2:]
    mixed: np.ndarray = WEIGHTS[0] * lower + WEIGHTS[1] * middle + WEIGHTS[2] * upper
    return np.asarray(SLOPE * mixed - OFFSET)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logits))


def test_scores_are_those_worked_out_by_hand(score: Read, belly: Volume) -> None:
    """The network's input is half as large, and averages over it stay what they were."""
    by_slice = _sigmoid(_logits(belly) / 2.0)
    values = score(belly).values
    assert values == pytest.approx(
        {
            "fluid": by_slice.max(),
            "fluid_score": by_slice.max(),
            "highest": by_slice.max(),
            "slices_with_fluid": np.count_nonzero(by_slice >= 0.5),
        },
        abs=1e-4,
    )
    assert values["slices_with_fluid"] == 4


def test_finding_has_its_probability_and_its_best_slices(score: Read, belly: Volume) -> None:
    judged = score(belly)
    finding = judged.reading.finding("free_fluid")
    assert finding is not None
    assert finding.presence is Presence.SUSPECTED
    assert finding.probability == judged.values["fluid"]
    assert finding.threshold == 0.5
    assert set(finding.key_slices[:2]) == {5, 6}
    assert judged.reading.suspicion is not None
    assert judged.triage is not None
    assert (judged.triage.urgency, judged.triage.rule) == (Urgency.URGENT, "fluid on many slices")


def test_feet_first_the_same_slices_are_shown(score: Read, belly: Volume) -> None:
    affine = belly.affine.copy()
    affine[:3, 3] += affine[:3, 0] * 11
    affine[:3, 0] *= -1.0
    finding = score(Volume(belly.hounsfield[::-1].copy(), affine)).reading.finding("free_fluid")
    assert finding is not None
    assert set(finding.key_slices[:2]) == {5, 6}  # 11 − 5 and 11 − 6


def test_heat_lies_where_the_fluid_is(score: Read, belly: Volume) -> None:
    heat = score(belly).reading.heat_maps[4].on_slice((64, 64))
    assert heat[:, 4:22].min() > 0.55
    assert heat[:, 44:].max() == 0.0


def test_slices_are_turned_for_the_network_and_heat_is_turned_back(
    score: Read, belly: Volume
) -> None:
    """A volume whose columns run to the right has its heat on the other side."""
    affine = belly.affine.copy()
    affine[:3, 3] += affine[:3, 2] * 63
    affine[:3, 2] *= -1.0
    mirrored = Volume(belly.hounsfield[:, :, ::-1].copy(), affine)
    heat = score(mirrored).reading.heat_maps[4].on_slice((64, 64))
    assert heat[:, 42:60].min() > 0.55
    assert heat[:, :20].max() == 0.0


def test_slice_that_is_no_square_is_fitted_whole(score: Read) -> None:
    """Half of the network's square is padding, which is 0 to it."""
    hounsfield = np.full((6, 64, 32), 60.0)
    narrow = volume_of(hounsfield, (3.0, 1.0, 1.0))
    expected = _sigmoid(np.array([(SLOPE * 0.3 - OFFSET) / 2.0]))[0]
    assert score(narrow).values["fluid"] == pytest.approx(expected, abs=1e-4)


def test_child_is_not_assessable_and_an_unstated_age_is_read(score: Read, belly: Volume) -> None:
    assert score(belly, age_years=17.9).reading.outcome is Outcome.NOT_ASSESSABLE
    assert score(belly, age_years=18.0).reading.outcome is Outcome.FINDINGS
    assert score(belly).reading.outcome is Outcome.FINDINGS
