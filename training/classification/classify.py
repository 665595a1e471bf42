"""Runs classifiers on views: each slice with its mirror image, each member separately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.classification.network import VIRAL, ViewNet
from training.classification.views import ViewSet, middle

_AT_ONCE = 32


@dataclass(frozen=True)
class Logits:
    """What the members say, before any calibration.

    Attributes
    ----------
    viral : float64, shape (members, slices)
    signs : float64, shape (slices, 5), mean of the members
    """

    viral: NDArray[np.float64]
    signs: NDArray[np.float64]


def logits_of(members: Sequence[ViewNet], views: ViewSet, answer: int = VIRAL) -> Logits:
    """Mean logits of each view and its mirror image."""
    viral = np.empty((len(members), len(views)))
    signs = np.zeros((len(views), views.signs.shape[1]))
    with torch.inference_mode():
        for first in range(0, len(views), _AT_ONCE):
            at = slice(first, first + _AT_ONCE)
            x = middle(torch.from_numpy(views.views[at]).float() / 255.0)
            for index, member in enumerate(members):
                member.eval()
                straight, mirrored = member(x), member(x.flip(3))
                answers = (straight[0][:, answer] + mirrored[0][:, answer]) / 2.0
                viral[index, at] = answers.numpy()
                signs[at] += ((straight[1] + mirrored[1]) / 2.0).numpy() / len(members)
    return Logits(viral, signs)
