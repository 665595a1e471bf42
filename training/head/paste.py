"""Paints bleedings into slices without any, and removes those of drawn slices.

What the public set lacks, masks on real slices and HU slices without blood, is made up for this
way; both are crude, and only trained on, never scored.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.head.slices import BRAIN_HU, Hounsfield, Mask

Bool = NDArray[np.bool_]
_KINDS = ("inside", "lens", "crescent")


def paste_bleeding(
    hu: Hounsfield, mask: Mask, brain: Bool, random: np.random.Generator
) -> tuple[Hounsfield, Mask]:
    """Paint one to three bleedings into a slice.

    Parameters
    ----------
    brain : where the brain is; with too little of it the slice is returned as it is
    """
    if np.count_nonzero(brain) < 2000:
        return hu, mask
    depth = ndimage.distance_transform_edt(brain)
    painted, labels = hu.copy(), mask.copy()
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        shape = _shape(str(random.choice(_KINDS, p=[0.5, 0.25, 0.25])), brain, depth, random)
        if np.count_nonzero(shape) >= 12:
            _paint(painted, shape, brain, random)
            labels[shape] = 1
    return painted, labels


def _shape(kind: str, brain: Bool, depth: NDArray[np.float64], random: np.random.Generator) -> Bool:
    rows, columns = np.mgrid[: brain.shape[0], : brain.shape[1]].astype(np.float32)
    if kind == "inside":
        at = _any_place(depth > 6.0, random)
        return _blob(rows - at[0], columns - at[1], brain, random)
    at = _any_place((depth > 0.5) & (depth < 2.5), random)
    if kind == "lens":
        return _lens(rows, columns, at, brain, random)
    reach = random.uniform(25.0, 90.0)
    away = (rows - at[0]) ** 2 + (columns - at[1]) ** 2
    crescent: Bool = brain & (depth < random.uniform(3.0, 13.0) * (1.0 - away / reach**2))
    return crescent


def _any_place(where: Bool, random: np.random.Generator) -> NDArray[np.int64]:
    places = np.argwhere(where)
    place: NDArray[np.int64] = places[int(random.integers(len(places)))]
    return place


def _blob(down: Hounsfield, aside: Hounsfield, brain: Bool, random: np.random.Generator) -> Bool:
    radius = float(np.exp(random.uniform(np.log(3.0), np.log(30.0))))
    turn, longer = random.uniform(0.0, np.pi), np.exp(random.uniform(-0.4, 0.4))
    along = np.cos(turn) * down + np.sin(turn) * aside
    across = -np.sin(turn) * down + np.cos(turn) * aside
    ragged = ndimage.gaussian_filter(random.normal(size=brain.shape), max(radius / 4.0, 1.5))
    ragged *= random.uniform(0.05, 0.3) * radius / max(float(ragged.std()), 1e-9)
    distance = np.sqrt((along / longer) ** 2 + (across * longer) ** 2)
    blob: Bool = brain & (distance + ragged < radius)
    return blob


def _lens(
    rows: Hounsfield,
    columns: Hounsfield,
    at: NDArray[np.int64],
    brain: Bool,
    random: np.random.Generator,
) -> Bool:
    outward = at - np.argwhere(brain).mean(axis=0)
    outward /= max(float(np.linalg.norm(outward)), 1e-9)
    radius = random.uniform(14.0, 55.0)
    middle = at + outward * radius * random.uniform(0.45, 0.85)
    lens: Bool = brain & (np.hypot(rows - middle[0], columns - middle[1]) < radius)
    return lens


def _paint(hu: Hounsfield, shape: Bool, brain: Bool, random: np.random.Generator) -> None:
    """Blood over the slice's own tissue: 15 to 45 HU denser, softened, not even."""
    tissue = float(np.median(hu[brain]))
    grain = ndimage.gaussian_filter(random.normal(size=hu.shape), 2.5)
    grain *= random.uniform(0.0, 5.0) / max(float(grain.std()), 1e-9)
    blood = tissue + random.uniform(14.0, 46.0) + grain + 0.5 * (hu - tissue)
    part = ndimage.gaussian_filter(shape.astype(np.float32), random.uniform(0.4, 1.1))
    if random.uniform() < 0.4:
        around = ndimage.gaussian_filter(shape.astype(np.float32), 4.0) * brain
        hu -= (around * (1.0 - part) * random.uniform(3.0, 14.0)).astype(np.float32)
    hu += (part * brain * (np.maximum(blood, hu) - hu)).astype(np.float32)


def erase_bleeding(hu: Hounsfield, mask: Mask, random: np.random.Generator) -> Hounsfield:
    """Replace drawn blood and its rim by tissue with the grain of the slice."""
    rim = ndimage.binary_dilation(mask > 0, iterations=3)
    tissue = (hu > 5.0) & (hu < 58.0) & ~rim
    values = hu[tissue]
    grain = ndimage.gaussian_filter(random.normal(size=hu.shape), 0.7)
    grain *= float(values.std()) / max(float(grain.std()), 1e-9)
    fill = np.float32(min(float(np.median(values)), BRAIN_HU + 6.0)) + grain.astype(np.float32)
    part = ndimage.gaussian_filter(rim.astype(np.float32), 0.8) * ((hu < 130.0) & (hu > -20.0))
    erased: Hounsfield = hu + part.astype(np.float32) * (fill - hu)
    return erased
