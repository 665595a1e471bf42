"""The loss of a training step: known outlines, and whether a slice shows blood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.fit import Loss
from training.head.paste import Bool, erase_bleeding, paste_bleeding
from training.head.slices import UNKNOWN, HeadSlices, Hounsfield, Mask, brain_of
from training.head.vary import to_network_input, vary

_SMOOTH_PIXELS = 30.0
_BLOOD_WEIGHT = 3.0
_SCORE_WEIGHT = 0.6
_PASTED = 0.5  # of slices without blood
_ERASED = 0.4  # of drawn slices


@dataclass(frozen=True)
class Sample:
    """A slice as it goes into a batch."""

    hu: Hounsfield
    mask: Mask
    bleeding: float
    true_hu: bool


class Origin:
    """Slices of one origin, as many of each batch as is asked for."""

    def __init__(self, slices: HeadSlices, per_batch: int) -> None:
        self._slices, self._per_batch = slices, per_batch
        self._parts = [np.flatnonzero(slices.bleeding == label) for label in (0, 1)]
        self._parts = [part for part in self._parts if part.size]
        self._brains: dict[int, Bool] = {}

    def draw(self, random: np.random.Generator) -> list[Sample]:
        """Bleeding and not in equal numbers, some of the latter with blood painted in."""
        return [self._one(place, random) for place in range(self._per_batch)]

    def _one(self, place: int, random: np.random.Generator) -> Sample:
        part = self._parts[int(random.integers(len(self._parts)))]
        index = int(random.choice(part))
        hu, mask = self._slices.hu[index], self._slices.mask[index]
        blood = bool(self._slices.bleeding[index])
        if blood and self._slices.name == "drawn" and random.uniform() < _ERASED:
            hu, mask, blood = erase_bleeding(hu, mask, random), np.zeros_like(mask), False
        if not blood and random.uniform() < _PASTED:
            hu, mask = paste_bleeding(hu, mask, self._brain(index), random)
            blood = bool((mask == 1).any())
        return Sample(hu, mask, float(blood), self._slices.true_hu)

    def _brain(self, index: int) -> Bool:
        if index not in self._brains:
            self._brains[index] = brain_of(self._slices.hu[index])
        return self._brains[index]


def mask_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross entropy and Dice over the pixels of which something is known.

    Parameters
    ----------
    logits, mask : shape (slices, rows, columns); mask 1 blood, 0 none, `UNKNOWN`
    """
    known = (mask != UNKNOWN).float()
    truth = (mask == 1).float()
    weight = known * (1.0 + (_BLOOD_WEIGHT - 1.0) * truth)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight=weight, reduction="sum")
    probability = torch.sigmoid(logits) * known
    overlap = 2.0 * (probability * truth).sum((1, 2)) + _SMOOTH_PIXELS
    dice = 1.0 - overlap / (probability.sum((1, 2)) + truth.sum((1, 2)) + _SMOOTH_PIXELS)
    some = (known.sum((1, 2)) > 0).float()
    mean_dice = (dice * some).sum() / some.sum().clamp(min=1.0)
    return 10.0 * entropy / known.sum().clamp(min=1.0) + mean_dice


class HeadObjective:
    """Draws a batch from every origin, varies it, and takes the loss."""

    def __init__(self, origins: list[Origin]) -> None:
        self._origins = origins

    def __call__(self, network: nn.Module, seed: int) -> Loss:
        """Take one step's loss; the seed decides everything that is drawn."""
        random = np.random.default_rng(seed)
        samples = [sample for origin in self._origins for sample in origin.draw(random)]
        generator = torch.Generator().manual_seed(seed)
        hu, mask = vary(
            torch.from_numpy(np.stack([sample.hu for sample in samples])),
            torch.from_numpy(np.stack([sample.mask for sample in samples])),
            torch.tensor([sample.true_hu for sample in samples]),
            generator,
        )
        inputs = to_network_input(hu).to(memory_format=torch.channels_last)
        logits, score = network(inputs)
        blood = torch.tensor([sample.bleeding for sample in samples])
        outlines = mask_loss(logits[:, 0], mask)
        called = F.binary_cross_entropy_with_logits(score[:, 0], blood * 0.96 + 0.02)
        parts = {"mask": outlines.item(), "score": called.item()}
        return Loss(outlines + _SCORE_WEIGHT * called, parts)
