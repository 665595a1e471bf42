"""The objective of the classifier: labelled answers, and attention on lesions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.classification.network import ViewNet
from training.classification.vary_views import vary_views
from training.classification.views import ViewSet
from training.fit import Loss
from training.mixed_precision import mixed_precision

_SMOOTHED = 0.05  # no label is quite sure: 0.05 and 0.95 are what is asked for
_SIGN_WEIGHT = 0.5
_ATTENTION_WEIGHT = 0.4


@dataclass(frozen=True)
class Pool:
    """One set's part in every batch.

    Attributes
    ----------
    answer : which of the classifier's answers its labels speak of
    labels : float32, shape (slices,): 1 or 0
    count : slices a batch, half of them of each label
    weight : of its loss
    """

    views: ViewSet
    answer: int
    labels: NDArray[np.float32]
    count: int
    weight: float = 1.0

    def draw(self, random: np.random.Generator) -> NDArray[np.intp]:
        """Places of one batch's slices, as many of either label."""
        half = self.count // 2
        drawn = [
            random.choice(np.flatnonzero(self.labels == label), half, replace=False)
            for label in (1.0, 0.0)
        ]
        return np.concatenate(drawn)


def attention_loss(attention: Tensor, lesion: Tensor) -> Tensor:
    """How far the attention lies from the lesions found, shape (slices, 24, 24)."""
    wanted = F.adaptive_avg_pool2d(lesion, attention.shape[-2:])
    return F.binary_cross_entropy_with_logits(attention, wanted)


def _answer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    asked = labels * (1.0 - 2.0 * _SMOOTHED) + _SMOOTHED
    return F.binary_cross_entropy_with_logits(logits, asked)


def _sign_loss(logits: Tensor, signs: Tensor) -> Tensor:
    known = signs >= 0
    each = F.binary_cross_entropy_with_logits(logits, signs.clamp(min=0).float(), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


@dataclass(frozen=True)
class ClassificationObjective:
    """The loss of a step: every pool's answer, the signs, the attention."""

    pools: Sequence[Pool]

    def __call__(self, network: ViewNet, seed: int) -> Loss:
        """Draw the step's batch, vary it, run the network; the same seed gives the same loss."""
        random = np.random.default_rng(seed)
        chosen = [pool.draw(random) for pool in self.pools]
        parts = [pool.views.views[at] for pool, at in zip(self.pools, chosen, strict=True)]
        views = torch.from_numpy(np.concatenate(parts)).float() / 255.0
        x = vary_views(views, torch.Generator().manual_seed(seed))
        x = x.contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            answers, signs, attention = network(x)
        answers, signs, attention = answers.float(), signs.float(), attention.float()
        total = _ATTENTION_WEIGHT * attention_loss(attention, x[:, network.sight.lesion])
        noted: dict[str, float] = {"attention": float(total.detach())}
        first = 0
        for pool, at in zip(self.pools, chosen, strict=True):
            mine = slice(first, first + at.size)
            loss = _answer_loss(answers[mine, pool.answer], torch.from_numpy(pool.labels[at]))
            total = total + pool.weight * loss
            known = torch.from_numpy(pool.views.signs[at])
            total = total + _SIGN_WEIGHT * _sign_loss(signs[mine], known)
            noted[pool.views.name] = float(loss.detach())
            first += at.size
        return Loss(total, noted)
