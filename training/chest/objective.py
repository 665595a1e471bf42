"""What the chest network is fitted to: lungs and lesions that were drawn, and answers of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.chest.network import ChestSlabNet
from training.data.augment import augment, to_network_input
from training.data.figures import FigureSet
from training.fit import Loss
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.objective import BatchShare, draw_batch

_SMOOTHED = 0.05  # no label is quite sure: 0.05 and 0.95 are what is asked for
_SCORE_WEIGHT = 0.5
_SIGN_WEIGHT = 0.5


@dataclass(frozen=True)
class FigureShare:
    """A set's part in every batch that says something of whole slices, half of either label."""

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
class ChestObjective:
    """The loss of a step.

    Attributes
    ----------
    drawn : sets with lungs or lesions
    figures : sets with answers of whole slices; may be empty
    with_neighbours : whether the network sees the slices below and above
    """

    drawn: Sequence[BatchShare]
    figures: Sequence[FigureShare] = ()
    with_neighbours: bool = True

    def __call__(self, network: ChestSlabNet, seed: int) -> Loss:
        """Draw the step's batch, vary it, run the network; the same seed gives the same loss."""
        chosen = [share.figures.at(share.draw(seed)) for share in self.figures]
        shares = [
            *self.drawn,
            *(BatchShare(one.slices, len(one), trust=0.0, whole=True) for one in chosen),
        ]
        batch, trust = draw_batch(shares, seed, with_neighbours=True)
        if not self.with_neighbours:
            batch = replace(batch, hu=batch.hu[:, 1:2].expand(-1, 3, -1, -1).contiguous())
        varied = augment(batch, torch.Generator().manual_seed(seed))
        x = to_network_input(varied.hu).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            lung_logits, lesion_logits, scores = network(x)
        lung = lung_loss(lung_logits.float(), varied.lung)
        lesion = lesion_loss(lesion_logits.float(), varied.lesion, trust)
        parts = {"lung": lung, "lesion": lesion}
        if chosen:
            of_figures = scores[-sum(len(one) for one in chosen) :].float()
            parts["score"] = _SCORE_WEIGHT * _score_loss(of_figures, chosen)
        total = torch.stack(list(parts.values())).sum()
        return Loss(total, {name: float(part.detach()) for name, part in parts.items()})


def _score_loss(scores: Tensor, chosen: Sequence[FigureSet]) -> Tensor:
    viral = torch.from_numpy(np.concatenate([one.viral for one in chosen])).float()
    signs = torch.from_numpy(np.concatenate([one.signs for one in chosen]))
    asked = viral * (1.0 - 2.0 * _SMOOTHED) + _SMOOTHED
    answer = F.binary_cross_entropy_with_logits(scores[:, 0], asked)
    known = signs >= 0
    each = F.binary_cross_entropy_with_logits(
        scores[:, 1:], signs.clamp(min=0).float(), reduction="none"
    )
    return answer + _SIGN_WEIGHT * (each * known).sum() / known.sum().clamp(min=1)
