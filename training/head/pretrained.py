"""A network for heads whose encoder knows photographs."""

from __future__ import annotations

from pathlib import Path

import torch

from training.encoder.published import pretrained
from training.head.network import FROZEN, HeadNet


def new_network(weights: Path | None, seed: int) -> HeadNet:
    """A network that has not been trained; its encoder is pretrained where weights are given."""
    torch.manual_seed(seed)
    network = HeadNet()
    if weights is not None:
        pretrained(network.encoder, weights)
        network.encoder.freeze_first(FROZEN)
    return network
