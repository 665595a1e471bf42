"""The loss of the network: lungs by side, lesions, and their kind where it is known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.data.slices import LESION_CONSOLIDATION, LESION_GROUND_GLASS, UNKNOWN

_SMOOTH = 20.0  # pixels; keeps Dice of an almost empty batch calm
_LESION_PIXEL_WEIGHT = 2.0  # lesions are about 4 % of the pixels
_KIND_WEIGHT = 0.5


def _soft_dice(probability: Tensor, truth: Tensor) -> Tensor:
    overlap = 2.0 * (probability * truth).sum() + _SMOOTH
    return 1.0 - overlap / (probability.sum() + truth.sum() + _SMOOTH)


def lung_loss(logits: Tensor, lung: Tensor) -> Tensor:
    """Cross entropy and Dice over background, right and left; unknown pixels do not count."""
    known = lung != UNKNOWN
    if not bool(known.any()):
        return logits.sum() * 0.0
    entropy = F.cross_entropy(logits, torch.where(known, lung, -100), ignore_index=-100)
    probability = torch.softmax(logits, 1) * known[:, None]
    dice = [_soft_dice(probability[:, side], ((lung == side) & known).float()) for side in (1, 2)]
    return entropy + 0.5 * (dice[0] + dice[1])


def lesion_loss(logits: Tensor, lesion: Tensor, trust: Tensor) -> Tensor:
    """Lesion or not everywhere it is known; ground glass or consolidation where it was drawn.

    Parameters
    ----------
    logits : shape (slices, 3, rows, columns)
    lesion : int64, shape (slices, rows, columns), labels of `training.data.slices`
    trust : shape (slices,), 0…1: how much a slice's lesion labels count
    """
    known = lesion != UNKNOWN
    disease = ((lesion > 0) & known).float()
    log_none = torch.log_softmax(logits, 1)[:, 0]
    log_some = torch.logsumexp(logits[:, 1:], 1) - torch.logsumexp(logits, 1)
    entropy = -(disease * log_some * _LESION_PIXEL_WEIGHT + (1 - disease) * log_none)
    weight = trust.view(-1, 1, 1) * known
    entropy = (entropy * weight).sum() / weight.sum().clamp(min=1.0)
    dice = _soft_dice(log_some.exp() * weight, disease * weight)
    drawn = (lesion == LESION_GROUND_GLASS) | (lesion == LESION_CONSOLIDATION)
    kind = torch.where(drawn, lesion - 1, -100)
    kinds = F.cross_entropy(logits[:, 1:], kind, ignore_index=-100, reduction="sum")
    kinds = kinds / drawn.sum().clamp(min=1)
    return entropy * 3.0 + dice + _KIND_WEIGHT * kinds
