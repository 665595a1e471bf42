"""Reads the networks of a chest back from the files of a bundle, and renews those files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.schema_2.golden import make_patches
from radiology.errors import BundleRejected
from training.chest.network import SIZE, MaskNet
from training.chest.release.export import (
    MaskProbabilities,
    ScoreProbabilities,
    compare_masks,
    compare_scores,
)
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.chest.scores.network import ScoreNet
from training.encoder.efficientnet_lite import VARIANTS, Encoder
from training.release.export import ExportDiffers
from training.release.golden import recipe
from training.release.onnx_weights import OnnxWeights, fill, frozen, renew

_TRIAL_SEED, _TRIAL_SLABS = 108, 8


def read_masks(path: Path) -> MaskNet:
    """The network of masks of a file, ready to be trained on, its batch normalisations frozen.

    Parameters
    ----------
    path : as `training.chest.release.export` writes it

    Raises
    ------
    BundleRejected
        It has other layers, or does not answer as the file does.
    """
    weights = OnnxWeights(path)
    network = fill(MaskProbabilities(_empty_masks(weights)), weights).network.eval()
    try:
        compare_masks(network, path, _trial(SIZE))
    except ExportDiffers as error:
        raise BundleRejected(f"The network of masks cannot be read back: {error}") from error
    recovered: MaskNet = frozen(network)
    return recovered


def read_scores(path: Path) -> ScoreNet:
    """The same as `read_masks`, for the network of scores."""
    weights = OnnxWeights(path)
    network = fill(ScoreProbabilities(_empty_scores(weights)), weights).network.eval()
    try:
        compare_scores(network, path, _trial(SCORE_SIZE)[:, 1:2])
    except ExportDiffers as error:
        raise BundleRejected(f"The network of scores cannot be read back: {error}") from error
    recovered: ScoreNet = frozen(network)
    return recovered


def renew_masks(network: MaskNet, released: Path, path: Path) -> None:
    """Write a network in the graph of the released file that it was trained from; compare.

    Raises
    ------
    ExportDiffers
        The new file does not answer as the network does.
    """
    renew(MaskProbabilities(network), released, path)
    compare_masks(network, path, _trial(SIZE))


def renew_scores(network: ScoreNet, released: Path, path: Path) -> None:
    """The same as `renew_masks`, for the network of scores."""
    renew(ScoreProbabilities(network), released, path)
    compare_scores(network, path, _trial(SCORE_SIZE)[:, 1:2])


def _empty_masks(weights: OnnxWeights) -> MaskNet:
    """A network with as many blocks and channels as the weights have."""
    half, quarter, eighth, sixteenth = (
        int(weights.take(f"network.join_{at}.0.weight").shape[0]) for at in (2, 4, 8, 16)
    )
    return MaskNet(_variant(weights, "network.encoder."), (half, quarter, eighth, sixteenth))


def _empty_scores(weights: OnnxWeights) -> ScoreNet:
    """A network with as many blocks as the weights have."""
    return ScoreNet(_variant(weights, "network.encoder."), with_other=False)


def _variant(weights: OnnxWeights, prefix: str) -> int:
    """Which EfficientNet-Lite an encoder is."""
    there = {
        name.removeprefix(prefix): array.shape
        for name, array in weights.arrays.items()
        if name.startswith(prefix) and name.endswith(".weight")
    }
    for variant in VARIANTS:
        if dict(_convolutions_of(variant)) == there:
            return variant
    raise BundleRejected("The encoder is none of those of today's training")


def _convolutions_of(variant: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of what is left of an encoder whose normalisations are folded."""
    for name, parameter in Encoder(variant, to_32=True).named_parameters():
        if parameter.dim() > 1:
            yield name, tuple(parameter.shape)


def _trial(size: int) -> NDArray[np.float32]:
    """Crude chests, each between two others, shape (slices, 3, size, size), 0…1."""
    chests = make_patches(recipe(seed=_TRIAL_SEED, count=_TRIAL_SLABS + 2, size=size))
    return np.concatenate([chests[:-2], chests[1:-1], chests[2:]], axis=1)
