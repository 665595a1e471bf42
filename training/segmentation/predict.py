"""Run a trained network on a set of slices, without any variation."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.augment import to_network_input
from training.data.slices import SliceSet
from training.segmentation.network import ChestNet

_AT_ONCE = 16


def predict(network: ChestNet, slices: SliceSet) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities of lung and lesion classes, each (slices, 3, 256, 256)."""
    lung, lesion = [], []
    network.eval()
    with torch.inference_mode():
        for first in range(0, len(slices), _AT_ONCE):
            hu = torch.from_numpy(slices.hu[first : first + _AT_ONCE].astype(np.float32))
            x = to_network_input(hu[:, None]).contiguous(memory_format=torch.channels_last)
            lung_logits, lesion_logits = network(x)
            lung.append(torch.softmax(lung_logits, 1).numpy())
            lesion.append(torch.softmax(lesion_logits, 1).numpy())
    return np.concatenate(lung), np.concatenate(lesion)
