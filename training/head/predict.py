"""Runs a trained network over whole slices in turn, as the worker does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.head.network import HeadNet
from training.head.slices import Hounsfield
from training.head.vary import to_network_input

_AT_ONCE = 4


@dataclass(frozen=True)
class Answers:
    """What a network says of slices.

    Attributes
    ----------
    mask : float32, shape (slices, 256, 256), probability of blood
    logit : float64, shape (slices,), the score before its calibration
    """

    mask: NDArray[np.float32]
    logit: NDArray[np.float64]


def answer(network: HeadNet, hu: Hounsfield) -> Answers:
    """Answer slices in HU on the network's grid."""
    masks, logits = [], []
    network.eval()
    with torch.inference_mode():
        for first in range(0, len(hu), _AT_ONCE):
            inputs = to_network_input(torch.from_numpy(hu[first : first + _AT_ONCE]))
            mask, logit = network(inputs.contiguous(memory_format=torch.channels_last))
            masks.append(torch.sigmoid(mask[:, 0]).numpy())
            logits.append(logit[:, 0].double().numpy())
    return Answers(np.concatenate(masks), np.concatenate(logits))


def answer_folds(networks: list[HeadNet], hu: Hounsfield, folds: NDArray[np.int64]) -> Answers:
    """Each slice is answered by the network that did not see its group."""
    mask = np.zeros(hu.shape, dtype=np.float32)
    logit = np.zeros(len(hu))
    for fold, network in enumerate(networks):
        held_out = np.flatnonzero(folds == fold)
        found = answer(network, hu[held_out])
        mask[held_out], logit[held_out] = found.mask, found.logit
    return Answers(mask, logit)
