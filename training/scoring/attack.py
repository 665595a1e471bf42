"""Moves slices by a few HU in the direction that is worst for a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_AT_ONCE: Final = 8
_STRIDE: Final = 2.5  # several steps together could go so many times as far as they may

Floats = NDArray[np.float32]
Logit = Callable[[Tensor], Tensor]
"""Of slices in HU, shape (slices, 1, rows, columns); one for each slice."""
LossOf = Callable[[Tensor, slice], Tensor]
"""Summed over slices in HU, as for `Logit`, which stand at these places of their set."""


def logits_of(logit: Logit, slices: Floats) -> NDArray[np.float64]:
    """Logits of slices in HU, shape (slices, rows, columns); one for each."""
    with torch.inference_mode():
        parts = [
            logit(torch.from_numpy(slices[first : first + _AT_ONCE])[:, None]).numpy()
            for first in range(0, len(slices), _AT_ONCE)
        ]
    return np.concatenate(parts).astype(np.float64)


def against(logit: Logit, truth: NDArray[np.int8]) -> LossOf:
    """The loss of an answer whose logit is that of yes; truth is 1 where yes is right, else 0."""

    def loss(hu: Tensor, at: slice) -> Tensor:
        right = torch.from_numpy(truth[at].astype(np.float32))
        return F.binary_cross_entropy_with_logits(logit(hu), right, reduction="sum")

    return loss


@dataclass(frozen=True, slots=True)
class Attack:
    """How slices are moved.

    Attributes
    ----------
    hu : by how much any pixel is moved at most
    steps : one is a step of the gradient's sign from the slice itself (Goodfellow et al.,
        arXiv:1412.6572); several are projected steps from a random place around it (Madry et al.,
        arXiv:1706.06083)
    """

    hu: float
    steps: int = 1

    def __str__(self) -> str:
        """As a table calls it."""
        return f"{self.hu:g} HU, {self.steps} step{'s' if self.steps > 1 else ''}"

    def moved(self, loss_of: LossOf, slices: NDArray[Any]) -> Floats:
        """Move each slice up its loss; the same slices are moved alike every time.

        Parameters
        ----------
        slices : shape (slices, rows, columns), HU

        Returns
        -------
        float32, shape as `slices`
        """
        random = torch.Generator().manual_seed(0)
        moved = np.empty(slices.shape, dtype=np.float32)
        for first in range(0, len(slices), _AT_ONCE):
            at = slice(first, first + _AT_ONCE)
            x = torch.from_numpy(slices[at].astype(np.float32))[:, None]
            away = torch.zeros_like(x)
            if self.steps > 1:
                away = (2.0 * torch.rand(x.shape, generator=random) - 1.0) * self.hu
            for _ in range(self.steps):
                away = self._further(away, x, loss_of, at)
            moved[at] = (x + away)[:, 0].numpy()
        return moved

    def _further(self, away: Tensor, x: Tensor, loss_of: LossOf, at: slice) -> Tensor:
        length = self.hu if self.steps == 1 else self.hu * _STRIDE / self.steps
        away = away.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(x + away, at), away)
        return (away.detach() + length * gradient.sign()).clamp(-self.hu, self.hu)
