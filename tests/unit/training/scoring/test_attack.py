"""A step is as long as it may be, and points where it does most harm."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from training.scoring.attack import Attack, against, logits_of

_WEIGHTS = np.linspace(-1.0, 1.0, 8 * 8, dtype=np.float32).reshape(8, 8)
_TRUTH = np.array([1, 0, 1, 0, 1], dtype=np.int8)
_SLICES = np.random.default_rng(1).normal(0.0, 1.0, (5, 8, 8)).astype(np.float32)


def _linear(hu: Tensor) -> Tensor:
    return (hu[:, 0] * torch.from_numpy(_WEIGHTS)).sum((1, 2))


@pytest.mark.parametrize("steps", [1, 10])
def test_a_linear_answer_loses_all_that_so_many_hu_can_take(steps: int) -> None:
    """Of a linear answer that is the sum of the weights' sizes, times the HU (by arithmetic)."""
    moved = Attack(0.1, steps).moved(against(_linear, _TRUTH), _SLICES)
    assert np.abs(moved - _SLICES).max() <= 0.1 + 1e-5
    change = logits_of(_linear, moved) - logits_of(_linear, _SLICES)
    most = 0.1 * np.abs(_WEIGHTS).sum()
    assert change == pytest.approx(np.where(_TRUTH == 1, -most, most), rel=1e-3)


def test_several_steps_find_what_one_misses() -> None:
    """A narrow hump: one long step goes over it."""

    def bent(hu: Tensor) -> Tensor:
        distance = (hu - 0.2).abs()
        return (10.0 * distance - 40.0 * (distance - 0.5).clamp(min=0.0)).sum((1, 2, 3))

    slices, truth = np.zeros((1, 4, 4), dtype=np.float32), np.array([0], dtype=np.int8)
    one, many = (
        logits_of(bent, Attack(1.0, steps).moved(against(bent, truth), slices))[0]
        for steps in (1, 20)
    )
    assert many > 0.0 > one


def test_it_is_named_by_its_length() -> None:
    assert (str(Attack(10.0)), str(Attack(2.0, 10))) == ("10 HU, 1 step", "2 HU, 10 steps")
