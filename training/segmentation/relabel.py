"""Lets a trained network outline lesions in unlabelled slices, and doubts outlines by others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.data.slices import LESION_NONE, LESION_OF_UNKNOWN_KIND, UNKNOWN, SliceSet
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

_SURE = 0.55  # probability from which the teacher's lesion is taken as one
_SURELY_NONE = 0.25
_CONFIRMED = 0.5  # another network's lesion, and from here on its kind is taken too
_NOT_DENIED = 0.2
_SURE_LUNG = 0.8


def _both_ways(network: ChestNet, slices: SliceSet) -> tuple[NDArray[np.float32], ...]:
    """Lung and lesion probabilities, the mean over a slice and its mirror image."""
    lung, lesion = predict(network, slices)
    mirrored = replace(slices, hu=np.ascontiguousarray(slices.hu[:, :, ::-1]))
    lung_back, lesion_back = (maps[..., ::-1] for maps in predict(network, mirrored))
    # Mirrored, the right lung is a left one.
    return (lung + lung_back[:, [0, 2, 1]]) / 2.0, (lesion + lesion_back) / 2.0


def relabel(teacher: ChestNet, slices: SliceSet) -> SliceSet:
    """Return the slices with the teacher's lungs and lesions; what it is unsure of is unknown.

    Lesions that somebody's network drew already (of unknown kind) are kept where the teacher does
    not deny them; where the two disagree nothing is said.
    """
    lung, lesion = _both_ways(teacher, slices)
    sides = lung.argmax(axis=1).astype(np.uint8)
    sides[lung.max(axis=1) < _SURE_LUNG] = UNKNOWN
    some = lesion[:, 1:].sum(axis=1)
    kind = (lesion[:, 1:].argmax(axis=1) + 1).astype(np.uint8)
    labels = np.full(slices.lesion.shape, UNKNOWN, dtype=np.uint8)
    drawn = slices.lesion == LESION_OF_UNKNOWN_KIND
    if drawn.any():
        labels[drawn & (some > _NOT_DENIED)] = LESION_OF_UNKNOWN_KIND
        sure = drawn & (some > _CONFIRMED)
        labels[~drawn & (some <= _CONFIRMED)] = LESION_NONE
    else:
        sure = some > _SURE
        labels[some < _SURELY_NONE] = LESION_NONE
    labels[sure] = kind[sure]
    return replace(slices, lung=sides, lesion=labels)


def joined(name: str, sets: list[SliceSet]) -> SliceSet:
    """Several sets as one."""
    return SliceSet(
        name,
        np.concatenate([one.hu for one in sets]),
        np.concatenate([one.lung for one in sets]),
        np.concatenate([one.lesion for one in sets]),
        sum((one.sources for one in sets), ()),
        true_hu=False,
    )
