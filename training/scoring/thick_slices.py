"""Score the segmentation on slices of 1, 2 and 5 mm of the same chest.

The drawn slices are pictures and cannot be made thicker. The phantom can: its slices of 1 mm are
averaged, as a scanner averages what lies within a thick one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phantom.grid import phantom_grid
from phantom.synthesis import Phantom, make_phantom
from training.data.slices import GRID, SliceSet
from training.scoring.report import Thickness
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict

_THICKNESSES = (1, 2, 5)  # mm
_SLICES = 300  # of 1 mm
_PIXEL_MM = 1.4
_SEEDS = (11, 12)


def averaged(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Means of `count` slices each; what is left over at the end is dropped."""
    kept = values[: len(values) // count * count]
    mean: NDArray[np.float32] = kept.reshape(-1, count, *kept.shape[1:]).mean(axis=1)
    return mean


def _thick(phantom: Phantom, count: int) -> SliceSet:
    """A phantom of slices `count` times as thick; a voxel is what most of it is."""
    hu = averaged(phantom.volume.hounsfield, count)
    lung, lesion = (
        (averaged((labels > 0).astype(np.float32), count) > 0.5).astype(np.uint8)
        for labels in (phantom.lungs, phantom.lesions)
    )
    sources = tuple(str(index) for index in range(len(hu)))
    return SliceSet("phantom", hu.astype(np.float16), lung, lesion, sources, true_hu=True)


def volume_dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice over all voxels."""
    return 2.0 * float((found & truth).sum()) / max(float(found.sum() + truth.sum()), 1.0)


def measure_thickness(network: ChestNet, threshold: float) -> tuple[Thickness, ...]:
    """Score whole phantoms, the same ones in every thickness."""
    grid = phantom_grid((_SLICES, GRID, GRID), (1.0, _PIXEL_MM, _PIXEL_MM))
    phantoms = [make_phantom(seed=seed, grid=grid) for seed in _SEEDS]
    rows = []
    for slice_mm in _THICKNESSES:
        scores = []
        for phantom in phantoms:
            slices = _thick(phantom, slice_mm)
            lung_maps, lesion_maps = predict(network, slices)
            lung, lesion = lung_maps.argmax(axis=1) > 0, lesion_maps[:, 1:].sum(axis=1) > threshold
            truth = slices.lesion > 0
            scores.append(
                (
                    volume_dice(lung, slices.lung > 0),
                    volume_dice(lesion, truth),
                    float(lesion.sum()) / float(truth.sum()),
                )
            )
        rows.append(Thickness(slice_mm, *np.mean(scores, axis=0).tolist()))
    return tuple(rows)
