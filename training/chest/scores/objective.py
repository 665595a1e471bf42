"""What the score network is fitted to: figures with answers of whole slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.chest.scores.network import ScoreNet
from training.data.augment import Batch, augment, to_network_input
from training.data.figures import FigureSet
from training.fit import Loss
from training.mixed_precision import mixed_precision

_SMOOTHED = 0.05  # no label is quite sure: 0.05 and 0.95 are what is asked for
_SIGN_WEIGHT = 0.5


@dataclass(frozen=True)
class FigureShare:
    """A set's part in every batch, half of either label."""

    figures: FigureSet
    count: int

    def draw(self, seed: int) -> NDArray[np.intp]:
        """Places of one batch's slices; the same seed draws the same ones."""
        random = np.random.default_rng(seed)
        return np.concatenate(
            [
                random.choice(
                    np.flatnonzero(self.figures.viral == label), self.count // 2, replace=False
                )
                for label in (1, 0)
            ]
        )


@dataclass(frozen=True)
class ScoreObjective:
    """The loss of a step.

    Attributes
    ----------
    asked : sets whose labels mean what the network answers: COVID-19 as COVID-CT names it
    others : sets whose labels teach the features alone
    """

    asked: tuple[FigureShare, ...]
    others: tuple[FigureShare, ...] = ()

    def __call__(self, network: ScoreNet, seed: int) -> Loss:
        """Draw the step's batch, vary it, run the network; the same seed gives the same loss."""
        asked = [share.figures.at(share.draw(seed)) for share in self.asked]
        others = [share.figures.at(share.draw(seed)) for share in self.others]
        x = to_network_input(_varied([*asked, *others], seed))
        with mixed_precision():
            features = network.features(x)
        features = network.dropout(features.float())
        count = sum(len(one) for one in asked)
        losses = {"score": _answer_loss(network.answer(features[:count]), asked)}
        if others and network.other is not None:
            other = network.other(features[count:])[:, 0]
            losses["other"] = F.binary_cross_entropy_with_logits(other, _softened(others))
        total = torch.stack(list(losses.values())).sum()
        return Loss(total, {name: float(one.detach()) for name, one in losses.items()})


def _varied(figures: list[FigureSet], seed: int) -> Tensor:
    """Slices in HU, varied, in their order, shape (slices, 1, rows, columns)."""
    hu = np.concatenate([one.slices.hu for one in figures]).astype(np.float32)
    nothing = torch.zeros(hu.shape, dtype=torch.int64)
    true_hu = [one.slices.true_hu for one in figures for _ in range(len(one))]
    batch = Batch(
        hu=torch.from_numpy(hu)[:, None],
        lung=nothing,
        lesion=nothing,
        true_hu=torch.tensor(true_hu),
        paste=torch.zeros(len(hu), dtype=torch.bool),
    )
    return augment(batch, torch.Generator().manual_seed(seed)).hu


def _softened(figures: list[FigureSet]) -> Tensor:
    viral = torch.from_numpy(np.concatenate([one.viral for one in figures])).float()
    return viral * (1.0 - 2.0 * _SMOOTHED) + _SMOOTHED


def _answer_loss(logits: Tensor, figures: list[FigureSet]) -> Tensor:
    signs = torch.from_numpy(np.concatenate([one.signs for one in figures]))
    viral = F.binary_cross_entropy_with_logits(logits[:, 0], _softened(figures))
    known = signs >= 0
    each = F.binary_cross_entropy_with_logits(
        logits[:, 1:], signs.clamp(min=0).float(), reduction="none"
    )
    return viral + _SIGN_WEIGHT * (each * known).sum() / known.sum().clamp(min=1)
