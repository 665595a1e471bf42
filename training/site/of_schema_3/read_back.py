"""Reads the chest network back from the float32 file of a bundle, and renews that file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.schema_2.golden import make_patches
from radiology.errors import BundleRejected
from training.chest.export import ChestProbabilities, largest_difference
from training.chest.network import ChestSlabNet
from training.encoder.efficientnet_lite import VARIANTS, Encoder
from training.release.export import ExportDiffers
from training.release.golden import recipe
from training.release.onnx_weights import OnnxWeights, fill, frozen, renew

_TRIAL_SEED, _TRIAL_SLABS = 108, 8


def read_chest(path: Path) -> ChestSlabNet:
    """The network of a file, ready to be trained on, its batch normalisations frozen.

    Parameters
    ----------
    path : float32, as `training.chest.export` writes it

    Raises
    ------
    BundleRejected
        It has other layers, or does not answer as the file does.
    """
    weights = OnnxWeights(path)
    network = fill(ChestProbabilities(_empty(weights)), weights).network.eval()
    try:
        largest_difference(network, path, _trial())
    except ExportDiffers as error:
        raise BundleRejected(f"The chest network cannot be read back: {error}") from error
    recovered: ChestSlabNet = frozen(network)
    return recovered


def renew_chest(network: ChestSlabNet, released: Path, path: Path) -> None:
    """Write a network in the graph of the released file that it was trained from."""
    renew(ChestProbabilities(network), released, path)


def _empty(weights: OnnxWeights) -> ChestSlabNet:
    """A network with as many blocks and channels as the weights have."""
    half, quarter, eighth, sixteenth = (
        int(weights.take(f"network.join_{at}.0.weight").shape[0]) for at in (2, 4, 8, 16)
    )
    return ChestSlabNet(_variant(weights), (half, quarter, eighth, sixteenth))


def _variant(weights: OnnxWeights) -> int:
    """Which EfficientNet-Lite the encoder is."""
    there = {
        name: array.shape
        for name, array in weights.arrays.items()
        if name.startswith("network.encoder.") and name.endswith(".weight")
    }
    for variant in VARIANTS:
        if dict(_convolutions_of(variant)) == there:
            return variant
    raise BundleRejected("The encoder is none of those of today's training")


def _convolutions_of(variant: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of what is left of an encoder whose normalisations are folded."""
    for name, parameter in Encoder(variant, to_32=True).named_parameters():
        if parameter.dim() > 1:
            yield f"network.encoder.{name}", tuple(parameter.shape)


def _trial() -> NDArray[np.float32]:
    """Crude chests, each between two others, shape (slices, 3, 256, 256), 0…1."""
    chests = make_patches(recipe(seed=_TRIAL_SEED, count=_TRIAL_SLABS + 2))
    return np.concatenate([chests[:-2], chests[1:-1], chests[2:]], axis=1)
