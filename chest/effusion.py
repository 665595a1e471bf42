"""Finds plain pleural effusion: a thick, even body of the density of water behind a lung.

What gives it away is all of this together: water's attenuation, which blood, muscle, liver and lung
that is enhanced do not have; evenness, which fat beside muscle lacks though its mean may be that of
water; a surface that touches lung; and a place at the back, where fluid runs in a patient who lies
on it. Little fluid, blood, pus in chambers, and fluid of a patient who lies prone are not found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.effusion import Effusion
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from models.connected import parts
from models.shifts import grown_by_ball
from radiology.image.blocks import joined_blocks
from radiology.image.volume import Volume

LEAST_ML = 50.0
_CELL_MM = 3.0
_SMOOTHED_MM = 2.4
_FLUID_HU = (-10.0, 35.0)
_RIM_HU = (-40.0, 45.0)
_HALF_AS_THICK_MM = 6.0
# Ours, from the nine series of docs/case-level.md: the one effusion has 8.1 HU and 0.19 and lies
# 90 mm behind; every other body of 50 ml and more at least 10.6 HU and at most 0.06.
_MOST_UNEVEN_HU = 9.5  # standard deviation; of grey levels spread evenly over the range it is 13
_MOST_MEAN_HU = 22.0
_LEAST_TOUCHING = 0.12  # of its surface
_TOUCHES_WITHIN_MM = 8.0
_LEAST_BEHIND_MM = 20.0  # the middle of the lungs, slice by slice

Masks = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FoundEffusion:
    """What was found.

    Attributes
    ----------
    effusion : its volumes
    mask : shape of the volume
    """

    effusion: Effusion
    mask: Masks


def find_effusion(volume: Volume, regions: ChestRegions) -> FoundEffusion | None:
    """Find plain effusion; None where there is none.

    Parameters
    ----------
    volume, regions : canonical, on the same grid. Consolidation may be fluid that was taken for it
    """
    step = np.maximum(1, np.rint(_CELL_MM / np.array(volume.spacing_mm))).astype(np.int64)
    cells = np.array(volume.shape) // step
    cell_mm = step * np.array(volume.spacing_mm)
    centres = tuple(
        slice(int(one) // 2, int(one * n), int(one)) for one, n in zip(step, cells, strict=True)
    )
    lungs, dense = regions.lungs[centres], regions.lesions[centres] == LesionLabel.CONSOLIDATION
    aerated = (lungs > 0) & ~dense
    if not aerated.any():
        return None
    means = _means(volume.hounsfield, step)
    attenuation = _even(means, cell_mm)
    fluid = (attenuation > _FLUID_HU[0]) & (attenuation < _FLUID_HU[1]) & ~aerated
    plain = _plain_bodies(_thick(fluid, cell_mm), attenuation, aerated, cell_mm)
    if not plain.any():
        return None
    # Evening took the rim, where lung or muscle is near.
    at_rim = (means > _RIM_HU[0]) & (means < _RIM_HU[1]) & ~aerated
    plain |= ndimage.binary_dilation(plain) & at_rim
    mask = np.zeros(volume.shape, dtype=bool)
    spread = plain.repeat(step[0], 0).repeat(step[1], 1).repeat(step[2], 2)
    mask[: spread.shape[0], : spread.shape[1], : spread.shape[2]] = spread
    mask &= (regions.lungs == LungLabel.NONE) | (regions.lesions == LesionLabel.CONSOLIDATION)
    return FoundEffusion(_measured(plain, means, lungs, cell_mm), mask)


def without_effusion(regions: ChestRegions, found: FoundEffusion) -> ChestRegions:
    """Fluid is no lung, and nothing in it is consolidation."""
    lungs, lesions = regions.lungs.copy(), regions.lesions.copy()
    lungs[found.mask], lesions[found.mask] = LungLabel.NONE, LesionLabel.NONE
    return replace(regions, lungs=lungs, lesions=lesions)


def _means(hounsfield: Floats, step: NDArray[np.int64]) -> Floats:
    """Mean of each cell, bone and air held to what leaves its neighbours alone."""
    slices, rows, columns = step.tolist()
    means: Floats = joined_blocks(hounsfield, (slices, rows, columns), np.float32)
    means /= np.float32(slices * rows * columns)
    return means.clip(-200.0, 200.0)


def _even(means: Floats, cell_mm: NDArray[np.float64]) -> Floats:
    smooth: Floats = ndimage.gaussian_filter(means, list(_SMOOTHED_MM / cell_mm))
    return smooth


def _thick(fluid: Masks, cell_mm: NDArray[np.float64]) -> Masks:
    """What a ball fits in, grown back to where it was."""
    core = ~grown_by_ball(~fluid, _HALF_AS_THICK_MM, cell_mm)
    if not core.any():
        return core
    thick: Masks = fluid & grown_by_ball(core, _HALF_AS_THICK_MM, cell_mm)
    return thick


def _plain_bodies(
    fluid: Masks, attenuation: Floats, aerated: Masks, cell_mm: NDArray[np.float64]
) -> Masks:
    """The bodies that are effusion for sure."""
    labels, sizes = parts(fluid, 6)
    plain = np.zeros_like(fluid)
    large = np.flatnonzero(sizes >= LEAST_ML * 1000.0 / float(np.prod(cell_mm)))
    boxes = ndimage.find_objects(labels) if large.size else []
    watery = []
    for number in large.tolist():
        box = boxes[number - 1]
        body = labels[box] == number
        values = attenuation[box][body]
        if values.std() <= _MOST_UNEVEN_HU and values.mean() <= _MOST_MEAN_HU:
            watery.append((box, body))
    if not watery:
        return plain
    from_lung = ndimage.distance_transform_edt(~aerated, sampling=cell_mm)
    for box, body in watery:
        surface = body & ~ndimage.binary_erosion(body)
        touching = float(np.mean(from_lung[box][surface] <= _TOUCHES_WITHIN_MM))
        behind_mm = _behind(body, box, aerated) * cell_mm[1]
        if touching >= _LEAST_TOUCHING and behind_mm >= _LEAST_BEHIND_MM:
            plain[box] |= body
    return plain


def _behind(body: Masks, box: tuple[slice, ...], aerated: Masks) -> float:
    """How many rows a body lies behind the middle of the lungs, in the slices that have lung."""
    lung_rows = np.count_nonzero(aerated[box[0]], axis=2) > 0
    rows = np.arange(aerated.shape[1])
    middle = (lung_rows * rows).sum(axis=1) / np.maximum(lung_rows.sum(axis=1), 1)
    at = np.argwhere(body)
    beside = lung_rows.any(axis=1)[at[:, 0]]
    if not beside.any():
        return 0.0
    return float(np.mean(at[beside, 1] + box[1].start - middle[at[beside, 0]]))


def _measured(
    plain: Masks, means: Floats, lungs: NDArray[np.uint8], cell_mm: NDArray[np.float64]
) -> Effusion:
    """The patient's left lies at higher columns; the lungs say where the middle is."""
    right, left = (
        float(np.argwhere(lungs == side)[:, 2].mean()) if (lungs == side).any() else None
        for side in (LungLabel.RIGHT, LungLabel.LEFT)
    )
    middle = (plain.shape[2] - 1) / 2.0
    if right is not None and left is not None:
        middle = (right + left) / 2.0
    at_left = np.argwhere(plain)[:, 2] > middle
    ml = float(np.prod(cell_mm)) / 1000.0
    return Effusion(
        right_ml=float(np.count_nonzero(~at_left)) * ml,
        left_ml=float(np.count_nonzero(at_left)) * ml,
        mean_hu=float(means[plain].mean()),
    )
