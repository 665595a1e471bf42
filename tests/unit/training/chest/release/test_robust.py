"""The networks of a chest on degraded slices: each change is scored, the attack makes it worse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from tests.unit.training.chest_slices import figures_of, slices_of
from training.chest.network import MaskNet
from training.chest.predict import EVEN_ODDS
from training.chest.release.robust import measure_robustness
from training.chest.scores.network import ScoreNet
from training.chest.stages import ChestCorpus
from training.data.figures import CovidCt
from training.data.split import Parts
from training.scoring.perturb import CHANGES, changed, turned


def test_every_change_has_a_row_and_the_first_is_without() -> None:
    torch.manual_seed(1)
    slices = slices_of(("a", "b"))
    figures, _ = figures_of(np.random.default_rng(1))
    val = figures.at(np.arange(4))
    parts = Parts(slices, slices, slices)
    corpus = cast(
        "ChestCorpus",
        SimpleNamespace(lungs2d=parts, doctors=parts, covid_ct=CovidCt(train=val, val=val)),
    )
    rows = measure_robustness(MaskNet(), ScoreNet(), EVEN_ODDS, corpus)
    assert [one.name for one in rows[: len(CHANGES)]] == list(CHANGES)
    assert rows[-1].name == "adversarial step, 10 HU"
    assert rows[-1].lung_dice <= rows[0].lung_dice
    for one in rows:
        assert min(one.lung_dice, one.lesion_dice, one.auc) >= 0.0
        assert max(one.lung_dice, one.lesion_dice, one.auc) <= 1.0


def test_what_is_turned_keeps_what_was_drawn_with_it() -> None:
    slices = slices_of(("a",))
    other = turned(slices, 15.0)
    drawn, moved = slices.lesion > 0, other.lesion > 0
    assert moved.sum() == pytest.approx(drawn.sum(), rel=0.1)
    assert not np.array_equal(drawn, moved)
    shifted = changed(slices, CHANGES["window shifted by 80 HU"])
    assert float(shifted.hu.mean() - slices.hu.mean()) == pytest.approx(80.0, abs=1.0)
