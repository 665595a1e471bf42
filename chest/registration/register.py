"""Find where every place of an earlier chest lies in a later one, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.registration.affine import fit_affine
from chest.registration.deform import Displacements, deform
from chest.registration.scene import VOXEL_MM, Scene, scene_of
from chest.values.change import RegistrationQuality
from chest.values.chest_map import ChestMap

LEAST_OVERLAP = 0.90
"""Ours. Phantoms of another breath reach 0.98; but outlines alone can be laid on any others."""

LEAST_LIKENESS = 0.5
"""Ours: correlation of density deep in the lungs, which vessels decide. Phantoms of one chest that
was moved and breathes differently reach 0.74 to 0.93, those of different chests 0.25 to 0.36."""

MOST_FOLDED_SHARE = 0.001  # ours: a place or two at the edge of a lung

_MARGIN_MM = 30.0  # the later chest may have moved out of the earlier one's frame


@dataclass(frozen=True)
class Registration:
    """A mapping from places of the earlier chest to places of the later one."""

    displacements: Displacements
    quality: RegistrationQuality

    def places(self, earlier_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where places lie in the later chest.

        Parameters
        ----------
        earlier_mm : shape (n, 3), LPS, within the earlier chest

        Returns
        -------
        shape (n, 3), mm, LPS
        """
        affine = self.displacements.affine
        at = np.linalg.solve(affine[:3, :3], earlier_mm.T - affine[:3, 3:])
        return np.stack(
            [
                ndimage.map_coordinates(axis_mm, at, order=1, mode="nearest", output=np.float64)
                for axis_mm in self.displacements.places_mm
            ],
            axis=1,
        )


def register(earlier: ChestMap, later: ChestMap) -> Registration:
    """Register two chests: an affine mapping of the lungs' surfaces first, then what breath bends.

    Both maps must hold lung.
    """
    from_scene, to_scene = scene_of(earlier), scene_of(later, margin_mm=_MARGIN_MM)
    start = fit_affine(from_scene, to_scene)
    displacements = deform(from_scene, to_scene, start)
    return Registration(displacements, _quality(from_scene, to_scene, displacements))


def later_blocks(
    earlier: ChestMap,
    later: ChestMap,
    registration: Registration,
    blocks: tuple[NDArray[np.intp], ...],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the later map's blocks that hold the centres of some of the earlier map's."""
    centres = np.stack(blocks, axis=1) @ earlier.affine[:3, :3].T + earlier.affine[:3, 3]
    placed = registration.places(centres)
    at = np.linalg.solve(later.affine[:3, :3], placed.T - later.affine[:3, 3:])
    last = np.array(later.lungs.shape)[:, None] - 1
    slices, rows, columns = np.clip(np.rint(at), 0, last).astype(np.intp)
    return slices, rows, columns


def _quality(earlier: Scene, later: Scene, displacements: Displacements) -> RegistrationQuality:
    at = (displacements.places_mm - later.affine[:3, 3][:, None, None, None])[::-1] / VOXEL_MM
    overlaps = []
    for side in range(2):
        then = earlier.surfaces[side] < 0
        now = ndimage.map_coordinates(later.surfaces[side], at, order=1, mode="nearest") < 0
        total = int(np.count_nonzero(then)) + int(np.count_nonzero(now))
        if total:
            overlaps.append(2.0 * int(np.count_nonzero(then & now)) / total)
    inside = earlier.lungs > 0.5
    folded = float(np.mean(_volume_change(displacements.places_mm)[inside] <= 0.0))
    overlap = min(overlaps, default=0.0)
    likeness = _likeness(earlier, later, at)
    return RegistrationQuality(overlap, likeness, folded, _reason(overlap, likeness, folded))


def _likeness(earlier: Scene, later: Scene, at: NDArray[np.floating[Any]]) -> float:
    """Correlation of density deep in the lungs, where outlines say nothing, outside lesions."""
    diseased = ndimage.map_coordinates(later.diseased, at, order=0, mode="nearest")
    deep = (earlier.surfaces < -1.5 * VOXEL_MM).any(axis=0) & ~earlier.diseased & ~diseased
    then = earlier.density[deep]
    now = ndimage.map_coordinates(later.density, at[:, deep], order=1, mode="nearest")
    if then.size < 2 or then.std() == 0 or now.std() == 0:
        return 0.0
    return float(np.corrcoef(then, now)[0, 1])


def _volume_change(places: NDArray[np.float32]) -> NDArray[np.float64]:
    """How much larger tissue is in the later chest: the determinant of the mapping's slopes."""
    slopes = np.stack(
        [np.stack(np.gradient(one, VOXEL_MM, axis=(2, 1, 0)), axis=-1) for one in places], axis=-2
    )
    determinant: NDArray[np.float64] = np.linalg.det(slopes)
    return determinant


def _reason(overlap: float, likeness: float, folded: float) -> str:
    if overlap < LEAST_OVERLAP:
        return f"the lungs overlap by {overlap:.2f}, at least {LEAST_OVERLAP:.2f} is needed"
    if likeness < LEAST_LIKENESS:
        return f"vessels agree by {likeness:.2f}, at least {LEAST_LIKENESS:.2f} is needed"
    if folded > MOST_FOLDED_SHARE:
        return f"{100 * folded:.1f} % of the lungs are folded, at most 0.1 % may be"
    return ""
