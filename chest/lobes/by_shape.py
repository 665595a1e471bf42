"""Where the lobes are likely from the shape of both lungs alone.

A small network learnt it from maps of lobes that people drew or checked (`training/lobes`). It
knows nothing of this patient's fissures, and stands in where these are not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.values.regions import LungLabel
from chest.values.territory import Territory
from radiology.region import LabelMap

GRID: Final = (48, 48, 64)
"""Slices from the head down, rows to the back, columns to the left of the box around both lungs."""
ORDER: Final = (
    Territory.LEFT_UPPER_LOBE,
    Territory.LEFT_LOWER_LOBE,
    Territory.RIGHT_UPPER_LOBE,
    Territory.RIGHT_MIDDLE_LOBE,
    Territory.RIGHT_LOWER_LOBE,
)
"""Of the network's answers."""
_LOBES_OF: Final = {LungLabel.LEFT: (0, 1), LungLabel.RIGHT: (2, 3, 4)}

LEAST_SHARE = 0.2
"""Of both lungs that each must have: the network has seen no patient with one lung."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LobeShapes:
    """The lobes of one patient, likely by shape.

    Attributes
    ----------
    likely : probabilities on `GRID` turned to the axes of the volume, shape (5, 48, 48, 64)
    box : of both lungs, on the volume
    """

    likely: Floats
    box: tuple[slice, ...]

    def paint(
        self,
        labels: LabelMap,
        where: NDArray[np.bool_],
        side: LungLabel,
        values: Mapping[Territory, int],
    ) -> None:
        """Divide a part of a lung among its lobes, in place.

        Parameters
        ----------
        labels, where : on the volume's grid, canonical
        values : of the lobes that it may be; each voxel gets the likeliest of them
        """
        found = ndimage.find_objects(where.view(np.uint8))
        if not found:
            return
        wanted = [at for at in _LOBES_OF[side] if ORDER[at] in values]
        named = np.array([values[ORDER[at]] for at in wanted], dtype=np.uint8)
        slices, rows, columns = found[0]
        up, down, across = (
            _linear(part, whole, count)
            for part, whole, count in zip(found[0], self.box, GRID, strict=True)
        )
        some = self.likely[wanted] @ across  # (lobes, 48, 48, columns)
        for place, weights in enumerate(up.T):
            here = where[slices.start + place, rows, columns]
            if not here.any():
                continue
            plane = down.T @ np.tensordot(weights, some, axes=(0, 1))
            np.copyto(
                labels[slices.start + place, rows, columns], named[plane.argmax(axis=0)], where=here
            )


def _linear(part: slice, whole: slice, count: int) -> Floats:
    """Weights (count, places) that interpolate from the cells of a box to the voxels of a part."""
    cell = (whole.stop - whole.start) / count
    at = (np.arange(part.start, part.stop) + 0.5 - whole.start) / cell - 0.5
    weights = [np.interp(at, np.arange(count), unit) for unit in np.eye(count)]
    return np.stack(weights).astype(np.float32)


class LobesByShape(Protocol):
    """A loaded network of lobes; `chest.model.lobe_network.LobeNetwork` is one."""

    def likely(self, lungs: Floats) -> Floats:
        """Probabilities (5, slices, rows, columns) of `ORDER`, of masks (2, …) on `GRID`.

        Parameters
        ----------
        lungs : 1 where the left lung is, then where the right one is
        """
        ...


def lobe_shapes(lungs: LabelMap, network: LobesByShape) -> LobeShapes | None:
    """Say where the lobes are likely.

    Parameters
    ----------
    lungs : values of `LungLabel`, canonical: slices to the head

    Returns
    -------
    None where one lung is missing or much too small.
    """
    counts = np.array([np.count_nonzero(lungs == side) for side in _LOBES_OF])
    if counts.min() < LEAST_SHARE * counts.sum() or not counts.any():
        return None
    (box,) = ndimage.find_objects((lungs > 0).view(np.uint8))
    nearest = [
        part.start + ((np.arange(count) + 0.5) * (part.stop - part.start) / count).astype(int)
        for part, count in zip(box, GRID, strict=True)
    ]
    coarse = lungs[np.ix_(*nearest)][::-1]  # from the head down
    fed = np.stack([coarse == side for side in _LOBES_OF]).astype(np.float32)
    return LobeShapes(np.ascontiguousarray(network.likely(fed)[:, ::-1]), box)
