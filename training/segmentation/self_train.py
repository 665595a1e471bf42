"""Adds lung masks to slices without any: those of the lung network, joined with lesions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.data.lung_sides import dividing_column, split_lung_sides
from training.data.slices import LESION_NONE, LESION_OF_UNKNOWN_KIND, UNKNOWN, SliceSet
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

_SMALLEST_PART_PIXELS = 60
_CLOSING_PIXELS = 5
_NEAR_LUNG_PIXELS = 6
_SHARE_NEAR_LUNG = 0.3
_AERATED_BELOW_HU = -650.0
_GAS_BELOW_HU = -950.0  # bowel, trachea; inflated lung lies at −860


def _large_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keep = sizes >= _SMALLEST_PART_PIXELS
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _without_gas(mask: NDArray[np.bool_], hu: NDArray[np.float16]) -> NDArray[np.bool_]:
    """Drop parts that are pure gas: the first network never saw a belly and takes it for lung."""
    labels, count = ndimage.label(mask)
    medians = np.asarray(ndimage.median(hu.astype(np.float32), labels, np.arange(count + 1)))
    keep = medians >= _GAS_BELOW_HU
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept


def _lesions_at_lungs(lesion: NDArray[np.uint8], lung: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Drop pseudo-labelled parts that lie away from any lung (bone, mostly)."""
    labels, count = ndimage.label(lesion > 0)
    if count == 0:
        return lesion
    near = ndimage.binary_dilation(lung, iterations=_NEAR_LUNG_PIXELS)
    share = np.asarray(ndimage.mean(near, labels, np.arange(count + 1)))
    keep = share >= _SHARE_NEAR_LUNG
    kept: NDArray[np.uint8] = np.where(keep[labels], lesion, LESION_NONE).astype(np.uint8)
    return kept


def lungs_with_lesions(lung: NDArray[np.bool_], lesion: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Join lung and lesion, close the gaps between them, tell the sides apart.

    Dense consolidation belongs to the lung; a network taught on aerated lungs leaves it out.
    """
    joined = lung | lesion
    disc = np.hypot(*np.ogrid[-_CLOSING_PIXELS:6, -_CLOSING_PIXELS:6]) <= _CLOSING_PIXELS
    if lesion.any():
        padded = np.pad(joined, 8, mode="edge")
        joined = ndimage.binary_closing(padded, disc)[8:-8, 8:-8] & (
            ndimage.binary_dilation(lesion, iterations=_CLOSING_PIXELS) | joined
        )
    column = dividing_column(joined)
    halves = np.arange(joined.shape[1])[None, :] < column
    for half in (halves, ~halves):
        filled = ndimage.binary_fill_holes(joined & half) & half
        holes = filled & ~joined & half
        # Small holes are vessels; a large one is something that the network left out knowingly.
        small = holes & ~_large_parts(holes)
        joined = joined | small
    return split_lung_sides(_large_parts(joined))


def with_own_lungs(network: ChestNet, slices: SliceSet, *, cropped: bool) -> SliceSet:
    """Return the set with lungs as the network sees them, and its lesion labels tidied.

    Parameters
    ----------
    cropped : whether these are figures cropped to the lungs
        There the first network misses parts at the border, so unlabelled air is called unknown
        instead of background. Where the whole body is shown, parts of pure gas are not lung.
    """
    probability, _ = predict(network, slices)
    seen = probability[:, 1:].sum(axis=1) > 0.5
    lungs, lesions = [], []
    for hu, mask, lesion in zip(slices.hu, seen, slices.lesion, strict=True):
        tidied = _large_parts(mask) if cropped else _without_gas(_large_parts(mask), hu)
        if (lesion == LESION_OF_UNKNOWN_KIND).any():
            lesion = _lesions_at_lungs(lesion, tidied)
        lung = lungs_with_lesions(tidied, lesion > 0)
        if cropped:
            lung[(lung == 0) & (hu < _AERATED_BELOW_HU)] = UNKNOWN
        lungs.append(lung)
        lesions.append(lesion)
    return replace(slices, lung=np.stack(lungs), lesion=np.stack(lesions))
