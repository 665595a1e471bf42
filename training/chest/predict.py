"""Runs a trained chest network on a set of slices, without any variation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from chest.lungs.peaks import by_peak, outline
from chest.lungs.segment import evened
from training.chest.network import LESION_CLASSES, LUNG_CLASSES, MaskNet
from training.data.augment import to_network_input
from training.data.slices import SliceSet

_AT_ONCE = 16
_EVEN: Final = 0.5

POSSIBLE_PEAK: Final = 0.5
"""Of a lesion that does not count by itself: likelier than not."""

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

    @property
    def lungs(self) -> NDArray[np.bool_]:
        """Where a lung is likelier than none, shape (slices, rows, columns)."""
        found: NDArray[np.bool_] = self.lung[:, 0] < _EVEN
        return found


@dataclass(frozen=True, slots=True)
class LesionLimits:
    """From probabilities to lesions; see `chest.lungs.peaks`.

    Attributes
    ----------
    outline : probability from which on a pixel is inside
    faint : from which on it is inside if it is dense
    peak : that an outline must reach somewhere in its slice to count
    """

    outline: float
    faint: float
    peak: float


EVEN_ODDS = LesionLimits(0.5, 0.5, 0.5)


@dataclass(frozen=True)
class OutlinedSlices:
    """What is outlined in the slices of a set, and how sure the network is of each pixel.

    Attributes
    ----------
    stacks : slices that follow each other; each alone where nobody knows its neighbours
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.uint8]
    stacks: tuple[slice, ...]

    def counting(self, peak: float) -> NDArray[np.bool_]:
        """What counts as a lesion of either kind, shape (slices, rows, columns)."""
        parts = [
            by_peak(self.mask[at], self.probability[at], peak, min(POSSIBLE_PEAK, peak))[0]
            for at in self.stacks
        ]
        return np.concatenate(parts) if parts else np.zeros_like(self.mask)


def outlined_in(
    slices: SliceSet, found: Predicted, threshold: float, faint: float
) -> OutlinedSlices:
    """Outline as the product does, before anything is cleaned."""
    level = np.rint(found.any_lesion.astype(np.float32) * 255.0).clip(0, 255).astype(np.uint8)
    even = evened(slices.hu.astype(np.float32), level >= np.rint(faint * 255.0))
    return OutlinedSlices(outline(level, even, threshold, faint), level, _stacks(slices))


def _stacks(slices: SliceSet) -> tuple[slice, ...]:
    """Slices of one scan follow each other where they were read with their neighbours."""
    alone = slices.around is None
    ends = [
        at for at in range(1, len(slices)) if alone or slices.sources[at] != slices.sources[at - 1]
    ]
    return tuple(slice(first, last) for first, last in pairwise([0, *ends, len(slices)]))


def lesions_of(slices: SliceSet, found: Predicted, limits: LesionLimits) -> NDArray[np.bool_]:
    """What counts as a lesion of either kind, shape (slices, rows, columns).

    As in the product no lesion reaches beyond the lungs that the network sees.
    """
    outlined = outlined_in(slices, found, limits.outline, limits.faint)
    return outlined.counting(limits.peak) & found.lungs


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
