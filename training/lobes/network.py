"""A small three-dimensional U-Net: from the shape of both lungs to their five lobes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.lobes.maps import LEFT, LOBES, RIGHT

_WIDTHS = (12, 24, 48, 64)
_NEVER = -1e4


def _twice(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm3d(outputs),
        nn.ReLU(),
        nn.Conv3d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm3d(outputs),
        nn.ReLU(),
    )


class LobeNet(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """Five channels in: left lung, right lung, and where in the box a voxel lies."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _twice(before, after) for before, after in pairwise((5, *_WIDTHS))
        )
        self.up = nn.ModuleList(
            _twice(deep + shallow, shallow) for shallow, deep in pairwise(_WIDTHS)
        )
        self.lobes = nn.Conv3d(_WIDTHS[0], len(LOBES), 1)

    def forward(self, sides: Tensor) -> Tensor:
        """Return logits (n, 5, slices, rows, columns); lobes of the other lung are impossible.

        Parameters
        ----------
        sides : int64, shape (n, slices, rows, columns), as `training.lobes.maps.sides_of`
        """
        masks = torch.stack([sides == 1, sides == 2], 1).float()
        # Added to the masks' zeros: the exporter would otherwise store the whole grid, thrice.
        nothing = 0.0 * masks[:, :1]
        places = [
            nothing + torch.linspace(-1.0, 1.0, length).view(_along(axis))
            for axis, length in enumerate(sides.shape[1:])
        ]
        y = torch.cat([masks, *places], 1)
        kept = []
        for step, block in enumerate(self.down):
            y = block(y if step == 0 else F.max_pool3d(y, 2))
            kept.append(y)
        for step in reversed(range(len(self.up))):
            y = F.interpolate(y, scale_factor=2.0, mode="nearest")
            y = self.up[step](torch.cat([y, kept[step]], 1))
        logits: Tensor = self.lobes(y)
        possible = torch.stack([sides == (1 if lobe in LEFT else 2) for lobe in (*LEFT, *RIGHT)], 1)
        return logits.masked_fill(~possible, _NEVER)


def _along(axis: int) -> tuple[int, ...]:
    """The shape of a line along an axis of the grid, to be spread over the others."""
    return (1, 1, *(-1 if one == axis else 1 for one in range(3)))
