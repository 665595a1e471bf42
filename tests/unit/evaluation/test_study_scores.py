"""Studies are pooled over slices and lobes, and scored case by case."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.statistics.receiver_operating import auc
from evaluation.statistics.study_scores import StudyEvidence, score_studies, slice_area


def _study(name: str, seed: int, *, ill: bool = True) -> StudyEvidence:
    random = np.random.default_rng(seed)
    truth = (random.random(30) < 0.5) & ill
    scores = random.random(30) + truth
    lobes = {"right upper lobe": ill, "left lower lobe": False}
    shares = {"right upper lobe": 4.0 if ill else 0.5, "left lower lobe": 0.1}
    return StudyEvidence(name, truth, scores, lobes, shares, infected=ill, suspected=ill)


def test_slices_and_lobes_are_pooled_over_patients() -> None:
    studies = [_study("a", 1), _study("b", 2), _study("c", 3, ill=False)]
    found = score_studies(studies)
    truth = np.concatenate([one.slice_truth for one in studies])
    scores = np.concatenate([one.slice_score for one in studies])
    assert found.slices == auc(truth, scores)
    assert (found.lobes.value, found.lobes.count, found.lobes_apart) == (1.0, 6, True)
    assert (found.sensitivity.value, found.sensitivity.count) == (1.0, 2)
    assert (found.specificity.value, found.specificity.count) == (1.0, 1)
    assert "too narrow" in found.interval


def test_many_patients_get_an_interval_that_knows_of_them() -> None:
    found = score_studies([_study(str(seed), seed, ill=seed % 2 == 0) for seed in range(12)])
    assert "Obuchowski" in found.interval
    assert found.slices.interval is not None


def test_what_is_not_labelled_is_not_scored() -> None:
    nothing = StudyEvidence("a", np.zeros(0, bool), np.zeros(0), {}, {}, None, suspected=True)
    found = score_studies([nothing])
    assert (found.slices.value, found.lobes.value, found.lobes_apart) == (None, None, None)
    assert found.sensitivity.value is None
    assert slice_area(nothing) is None
    assert score_studies([]).slices.count == 0


def test_one_infected_lobe_below_another_that_is_not_is_seen() -> None:
    study = StudyEvidence(
        "a", np.zeros(0, bool), np.zeros(0),
        {"x": True, "y": False, "z": True}, {"x": 1.0, "y": 2.0, "z": 3.0}, True, True,
    )  # fmt: skip
    found = score_studies([study])
    assert found.lobes.value == pytest.approx(0.5)
    assert found.lobes_apart is False
