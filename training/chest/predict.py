"""Runs a trained chest network on a set of slices, without any variation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from chest.lungs.peaks import by_peak
from training.chest.network import LESION_CLASSES, LUNG_CLASSES, MaskNet
from training.data.augment import to_network_input
from training.data.slices import SliceSet

_AT_ONCE = 16

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Predicted:
    """Answers for each slice.

    Attributes
    ----------
    lung, lesion : probabilities, shape (slices, 3, rows, columns), float16
    """

    lung: NDArray[np.float16]
    lesion: NDArray[np.float16]

    @property
    def any_lesion(self) -> NDArray[np.float16]:
        """Probability of a lesion of either kind, shape (slices, rows, columns)."""
        return self.lesion[:, 1] + self.lesion[:, 2]


@dataclass(frozen=True, slots=True)
class LesionLimits:
    """From probabilities to lesions; see `chest.lungs.peaks`.

    Attributes
    ----------
    outline : probability from which on a pixel is inside
    peak : that an outline must reach somewhere in its slice to count
    """

    outline: float
    peak: float


EVEN_ODDS = LesionLimits(0.5, 0.5)


def lesions_of(found: Predicted, limits: LesionLimits) -> NDArray[np.bool_]:
    """What counts as a lesion of either kind, shape (slices, rows, columns)."""
    probability = np.rint(found.any_lesion.astype(np.float32) * 255.0).clip(0, 255)
    outlined = found.any_lesion >= limits.outline
    return by_peak(outlined, probability.astype(np.uint8), limits.peak, limits.peak)[0]


def predict(network: MaskNet, slices: SliceSet, *, with_neighbours: bool = True) -> Predicted:
    """Answer for each slice of a set."""
    lung, lesion = [], []
    network.eval()
    if not len(slices):
        return _nothing(slices)
    with torch.inference_mode():
        for first in range(0, len(slices), _AT_ONCE):
            at = slice(first, first + _AT_ONCE)
            hu = torch.from_numpy(channels_of(slices, at, with_neighbours=with_neighbours))
            x = to_network_input(hu).contiguous(memory_format=torch.channels_last)
            lungs, lesions = network(x)
            lung.append(torch.softmax(lungs, 1).half().numpy())
            lesion.append(torch.softmax(lesions, 1).half().numpy())
    return Predicted(np.concatenate(lung), np.concatenate(lesion))


def _nothing(slices: SliceSet) -> Predicted:
    rows, columns = slices.hu.shape[1:]
    return Predicted(
        np.zeros((0, LUNG_CLASSES, rows, columns), dtype=np.float16),
        np.zeros((0, LESION_CLASSES, rows, columns), dtype=np.float16),
    )


def channels_of(slices: SliceSet, at: slice, *, with_neighbours: bool) -> Floats:
    """Slices between their neighbours in HU, shape (slices, 3, rows, columns)."""
    middle: Floats = slices.hu[at].astype(np.float32)
    if slices.around is None or not with_neighbours:
        return np.stack([middle, middle, middle], 1)
    around = slices.around[at].astype(np.float32)
    return np.stack([around[:, 0], middle, around[:, 1]], 1)


def slabs_of(slices: SliceSet) -> Floats:
    """Slices between their neighbours as the network is fed them, 0…1; shape as `channels_of`."""
    hu = torch.from_numpy(channels_of(slices, slice(None), with_neighbours=True))
    inputs: Floats = to_network_input(hu).numpy()
    return inputs
