"""Brings what was found on the network's square to the rows and columns of the slices.

Probabilities are interpolated, so that outlines are smooth; and only where something was found,
which is a quarter of a slice.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chest.model.probability_maps import ByteMaps, ProbabilityMaps
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from models.connected import Masks
from models.schema_2.preprocess import SquareFit, Window
from models.side_by_side import side_by_side
from radiology.region import LabelMap

EVEN = 128  # probability 0.5 as a byte

_LEFT_FOR_RIGHT = np.uint8(LungLabel.LEFT - LungLabel.RIGHT)
_DENSE_FOR_LIGHT = np.uint8(LesionLabel.CONSOLIDATION - LesionLabel.GROUND_GLASS)


def on_volume_grid(
    maps: ProbabilityMaps, shape: tuple[int, int, int], fit: SquareFit
) -> ChestRegions:
    """Interpolate cleaned probabilities on every slice's own rows and columns."""
    lungs = np.zeros(shape, dtype=np.uint8)
    lesions = np.zeros(shape, dtype=np.uint8)

    def fill(index: int) -> None:
        _fill_lungs(lungs[index], maps, index, fit)
        _fill_lesions(lesions[index], lungs[index], maps, index, fit)

    side_by_side(fill, shape[0])
    return ChestRegions(lungs=lungs, lesions=lesions)


def _fill_lungs(lungs: LabelMap, maps: ProbabilityMaps, index: int, fit: SquareFit) -> None:
    window = fit.around(np.maximum(maps.right[index], maps.left[index]) >= EVEN)
    if window is None:
        return
    right, left = (fit.from_square_within(one[index], window) for one in (maps.right, maps.left))
    # Where the lungs touch, both fall below one half between them; the larger takes it.
    seen = np.maximum(right, left) >= EVEN
    side = np.uint8(LungLabel.RIGHT) + (left > right).view(np.uint8) * _LEFT_FOR_RIGHT
    np.multiply(seen, side, out=lungs[window])


def _fill_lesions(
    lesions: LabelMap, lungs: LabelMap, maps: ProbabilityMaps, index: int, fit: SquareFit
) -> None:
    window = fit.around(maps.lesion[index] >= EVEN)
    if window is None:
        return
    seen = fit.from_square_within(maps.lesion[index], window) >= EVEN
    lesion = seen & (lungs[window] > 0)
    dense = _dense(maps, index, fit, window).view(np.uint8)
    kind = np.uint8(LesionLabel.GROUND_GLASS) + dense * _DENSE_FOR_LIGHT
    np.multiply(lesion, kind, out=lesions[window])


def _dense(maps: ProbabilityMaps, index: int, fit: SquareFit, window: Window) -> Masks:
    """Where a slice's lesions are more likely consolidation than not, on its own grid.

    What lies beside a lesion has no say: of a wall the network's answer means nothing.
    """
    inside = maps.lesion[index] >= EVEN
    solid = inside & (maps.dense[index] >= EVEN)
    of_all, of_solid = (
        fit.from_square_within(np.where(one, np.uint8(255), np.uint8(0)), window).astype(np.uint16)
        for one in (inside, solid)
    )
    dense: Masks = (of_solid > 0) & (2 * of_solid >= of_all)
    return dense


def sureness_of(probability: ByteMaps, regions: ChestRegions, fit: SquareFit) -> LabelMap:
    """How probable the voxels of lesions are, on every slice's own rows and columns."""
    sureness = np.zeros_like(regions.lesions)
    for index in np.flatnonzero(regions.lesions.any(axis=(1, 2))):
        window = _window(regions.lesions[index])
        lesion = regions.lesions[index][window] > 0
        sure = fit.from_square_within(probability[index], window)
        np.multiply(sure, lesion, out=sureness[index][window])
    return sureness


def possible_of(probability: ByteMaps, regions: ChestRegions, fit: SquareFit) -> LabelMap:
    """What is possible on every slice's own rows and columns, in the lungs beside the lesions."""
    possible = np.zeros_like(regions.lungs)
    for index, window in _windows(probability, fit):
        lungs, lesions = regions.lungs[index][window], regions.lesions[index][window]
        seen = fit.from_square_within(probability[index], window) >= EVEN
        possible[index][window] = seen & (lungs > 0) & (lesions == LesionLabel.NONE)
    return possible


def _window(lesions: LabelMap) -> Window:
    """Where on a slice lesions lie."""
    rows, columns = (np.flatnonzero(lesions.any(axis=axis))[[0, -1]].tolist() for axis in (1, 0))
    return slice(rows[0], rows[1] + 1), slice(columns[0], columns[1] + 1)


def _windows(probability: ByteMaps, fit: SquareFit) -> Iterator[tuple[int, Window]]:
    """The slices on which something is more likely than not, and where on them it can be."""
    for index, one in enumerate(probability):
        window = fit.around(one >= EVEN)
        if window is not None:
            yield index, window
