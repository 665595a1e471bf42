"""The network of scores: an EfficientNet-Lite encoder that sees a slice alone.

Outputs, for each slice: whether a figure of COVID-CT shows COVID-19, then the five signs of
pneumonia.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from training.encoder.efficientnet_lite import Encoder

SIZE: Final = 384  # of a slice: what COVID-CT is stored in at most
SCORES: Final = 6  # COVID-19, and five signs
VIRAL: Final = 0
_FIRST_WEIGHTS: Final = 0.2  # of what they would be: answers begin near even


def _pooled(deep: Tensor) -> Tensor:
    """Mean and maximum of each feature, shape (slices, 640)."""
    return torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)


class ScoreNet(nn.Module):  # type: ignore[misc]  # torch is untyped to `make check`
    """A pretrained encoder and linear answers on its deepest features.

    The sets differ in what stands against COVID-19, so SARS-CoV-2 CT-scan has an answer of its own,
    `other`, which teaches the features and is not shipped.

    Parameters
    ----------
    variant : of EfficientNet-Lite
    with_other : False for a network that only answers
    """

    def __init__(self, variant: int = 0, *, with_other: bool = True) -> None:
        super().__init__()
        self.encoder = Encoder(variant, to_32=True)
        pooled = 2 * self.encoder.channels[-1]
        self.norm = nn.LayerNorm(pooled)
        self.dropout = nn.Dropout(0.3)
        self.answer = nn.Linear(pooled, SCORES)
        self.other = nn.Linear(pooled, 1) if with_other else None
        with torch.no_grad():
            for layer in (self.answer, *([self.other] if self.other is not None else [])):
                layer.weight.mul_(_FIRST_WEIGHTS)

    def features(self, x: Tensor) -> Tensor:
        """What the answers rest on, shape (slices, 640)."""
        pooled: Tensor = self.norm(_pooled(self._deepest(x)))
        return pooled

    def answered(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits as `forward`, and what each cell says of COVID-19, (slices, rows, columns).

        A cell's logit is the answer to a slice whose mean and maximum that cell gives, in the
        norm of the slice: the class activation map of Zhou et al. 2016 (arXiv:1512.04150), with
        the maximum beside the mean.
        """
        deep = self._deepest(x)
        pooled = _pooled(deep)
        logits: Tensor = self.answer(self.norm(pooled))
        middle = pooled.mean(1)[:, None, None, None]
        spread = torch.sqrt(pooled.var(1, unbiased=False) + self.norm.eps)[:, None, None, None]
        scaled = (torch.cat([deep, deep], 1) - middle) / spread
        # One row a cell, so that the layers' own weights are used as they are stored: a site's
        # training finds them in the file by name.
        cells = scaled.permute(0, 2, 3, 1).flatten(0, 2) * self.norm.weight + self.norm.bias
        return logits, self.answer(cells)[:, VIRAL].unflatten(0, (-1, *deep.shape[2:]))

    def _deepest(self, x: Tensor) -> Tensor:
        deep: Tensor = self.encoder(x.expand(-1, 3, -1, -1))[-1]
        return deep

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (slices, 6).

        Parameters
        ----------
        x : shape (slices, 1, 384, 384), 0…1
        """
        logits: Tensor = self.answer(self.features(x))
        return logits
