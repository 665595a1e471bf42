"""What the lobe network is fitted to: maps, turned and bent as patients are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.fit import Loss
from training.lobes.maps import LOBES, Labels, sides_of
from training.lobes.network import LobeNet
from training.mixed_precision import mixed_precision

_OUTSIDE = -100
_BEND = 0.06  # of the box
_CELLS = 5  # of a bend along each axis


@dataclass(frozen=True)
class LobeObjective:
    """The loss of a step.

    Attributes
    ----------
    maps : on the network's grid
    count : maps a batch
    """

    maps: Sequence[Labels]
    count: int = 4

    def __call__(self, network: LobeNet, seed: int) -> Loss:
        """Draw a batch, vary it, run the network; the same seed gives the same loss."""
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self.maps), self.count, replace=False)
        labels = torch.from_numpy(np.stack([self.maps[int(at)] for at in chosen]).astype(np.int64))
        labels = vary(labels, torch.Generator().manual_seed(seed))
        with mixed_precision():
            logits = network(sides(labels))
        logits = logits.float()
        target = torch.where(labels > 0, labels - 1, _OUTSIDE)
        entropy = F.cross_entropy(logits, target, ignore_index=_OUTSIDE)
        inside = (labels > 0)[:, None]
        likely = torch.softmax(logits, 1) * inside
        truth = torch.stack([labels == lobe for lobe in range(1, len(LOBES) + 1)], 1).float()
        axes = (0, 2, 3, 4)
        dice = 1.0 - 2.0 * (likely * truth).sum(axes) / (likely.sum(axes) + truth.sum(axes) + 1.0)
        total = entropy + dice.mean()
        return Loss(
            total, {"entropy": float(entropy.detach()), "dice": float(dice.mean().detach())}
        )


def sides(labels: Tensor) -> Tensor:
    """1 where the left lung is, 2 where the right one is."""
    return torch.from_numpy(sides_of(labels.numpy()))


def vary(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Turn by up to 12°, stretch by up to 15 %, shift and bend each map."""
    count, shape = len(labels), labels.shape[1:]

    def uniform(*size: int) -> Tensor:
        return 2.0 * torch.rand(*size, generator=generator) - 1.0

    angles = torch.deg2rad(12.0 * uniform(count, 3))
    turned = torch.linalg.matrix_exp(_generators(angles))
    theta = torch.cat(
        [
            turned * torch.exp(0.15 * uniform(count, 1, 3)),
            0.08 * uniform(count, 3, 1),
        ],
        2,
    )
    grid = F.affine_grid(theta, [count, 1, *shape], align_corners=False)
    bend = F.interpolate(
        uniform(count, 3, _CELLS, _CELLS, _CELLS), size=list(shape), mode="trilinear"
    )
    grid = grid + _BEND * bend.permute(0, 2, 3, 4, 1)
    moved = F.grid_sample(labels[:, None].float(), grid, mode="nearest", align_corners=False)
    return moved[:, 0].round().long()


def _generators(angles: Tensor) -> Tensor:
    """Skew matrices whose exponentials are turns about the three axes."""
    skew = torch.zeros(len(angles), 3, 3)
    for at, (row, column) in enumerate(((0, 1), (0, 2), (1, 2))):
        skew[:, row, column], skew[:, column, row] = angles[:, at], -angles[:, at]
    return skew
