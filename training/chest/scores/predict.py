"""Runs a score network on slices, without any variation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.chest.scores.network import VIRAL, ScoreNet
from training.data.augment import to_network_input
from training.data.slices import SliceSet
from training.scoring.attack import Logit

_AT_ONCE = 16

Floats = NDArray[np.float32]


def score(network: ScoreNet, slices: SliceSet) -> Floats:
    """Logits of each slice, shape (slices, 6)."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for first in range(0, len(slices), _AT_ONCE):
            hu = torch.from_numpy(slices.hu[first : first + _AT_ONCE].astype(np.float32))
            parts.append(network(to_network_input(hu[:, None])).numpy())
    return np.concatenate(parts)


def viral_logit(network: ScoreNet) -> Logit:
    """The logit of COVID-19 of slices in HU, with a gradient back to them."""

    def logit(hu: Tensor) -> Tensor:
        said: Tensor = network(to_network_input(hu))[:, VIRAL]
        return said

    network.eval()
    return logit


def patches_of(slices: SliceSet) -> Floats:
    """Slices as the network is fed them, shape (slices, 1, rows, columns), 0…1."""
    hu = torch.from_numpy(slices.hu.astype(np.float32))
    patches: Floats = to_network_input(hu[:, None]).numpy()
    return patches
