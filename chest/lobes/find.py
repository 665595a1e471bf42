"""Divide both lungs: into lobes where their fissures can be seen, into zones where they cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from chest.lobes.by_shape import LobesByShape, LobeShapes, lobe_shapes
from chest.lobes.divide import paint_lobes, paint_zones
from chest.lobes.fissure import find_fissure
from chest.lobes.priors import LEFT_OBLIQUE, RIGHT_HORIZONTAL, RIGHT_OBLIQUE, FissurePrior
from chest.lobes.reduced_lung import ReducedLung, reduce_lung
from chest.lobes.surface import Surface
from chest.values.regions import ChestRegions, LungLabel
from chest.values.territory import Boundary, Territories, Territory
from radiology.image.volume import Volume
from radiology.region import LabelMap

VALUES: Mapping[Territory, int] = {one: index for index, one in enumerate(Territory, start=1)}
"""The label value of each territory, the same in every study."""

THICKEST_SLICES_MM = 5.0
"""With thicker slices a fissure is smeared over more than a centimetre where it slants."""

_FISSURES: Mapping[LungLabel, tuple[FissurePrior, ...]] = {
    LungLabel.RIGHT: (RIGHT_OBLIQUE, RIGHT_HORIZONTAL),
    LungLabel.LEFT: (LEFT_OBLIQUE,),
}
_LOBES: Mapping[LungLabel, tuple[Territory, ...]] = {
    LungLabel.RIGHT: (
        Territory.RIGHT_LOWER_LOBE,
        Territory.RIGHT_MIDDLE_LOBE,
        Territory.RIGHT_UPPER_LOBE,
    ),
    LungLabel.LEFT: (Territory.LEFT_LOWER_LOBE, Territory.LEFT_UPPER_LOBE),
}
"""From below, with the fissures of `_FISSURES` between them."""
_CLEAR_OF_OBLIQUE_MM = 4.0


@dataclass(frozen=True)
class _Division:
    """How one lung is divided: territories from below, and the surfaces between lobes."""

    side: LungLabel
    boundaries: tuple[Boundary, ...]
    territories: tuple[Territory, ...]
    lung: ReducedLung | None = None
    surfaces: tuple[Surface, ...] = ()


def find_territories(
    volume: Volume, regions: ChestRegions, by_shape: LobesByShape | None = None
) -> Territories:
    """Find the lobes of both lungs, and say how sure each border between them is.

    Where a fissure is not seen, the shape of the lungs says where the border is likely. Without
    that, a lung whose oblique fissure is not seen is divided into zones, thirds of its height; and
    where only the horizontal fissure is not seen, the right upper and middle lobe are one
    territory.

    Parameters
    ----------
    volume, regions : on the same grid, in any orientation
    by_shape : of a bundle that has such a network

    Returns
    -------
    Labels on the grid of `volume`. A lung that was not found gives no territory.
    """
    canonical, order = volume.canonical()
    turned = ChestRegions(order.apply(regions.lungs), order.apply(regions.lesions))
    sides = (LungLabel.RIGHT, LungLabel.LEFT)
    with ThreadPoolExecutor(len(sides)) as pool:
        divisions = list(pool.map(lambda side: _divide(canonical, turned, side), sides))
    labels = np.zeros(canonical.shape, dtype=np.uint8)
    shapes = None
    if by_shape is not None and any(_lacks_lobes(one) for one in divisions):
        shapes = lobe_shapes(turned.lungs, by_shape)
    if shapes is not None:
        divisions = [_with_all_lobes(one) for one in divisions]
    for division in divisions:
        _paint(labels, turned.lungs, division, shapes)
    found = [one for division in divisions for one in division.territories]
    return Territories(
        labels=order.undo(labels),
        names={VALUES[one]: one for one in Territory if one in found},
        boundaries=tuple(one for division in divisions for one in division.boundaries),
    )


def _divide(volume: Volume, regions: ChestRegions, side: LungLabel) -> _Division:
    """Look for the fissures of one lung."""
    priors = _FISSURES[side]
    slice_mm = volume.spacing_mm[0]
    if not (regions.lungs == side).any():
        return _Division(side, _not_looked_for(priors, "this lung was not found"), ())
    if slice_mm > THICKEST_SLICES_MM:
        limit = f"at most {THICKEST_SLICES_MM:.0f} mm can be used"
        return _zones(side, _not_looked_for(priors, f"slices of {slice_mm:.1f} mm; {limit}"))
    lung = reduce_lung(volume, regions, side)
    if lung is None:
        return _zones(side, _not_looked_for(priors, "too little of this lung"))
    oblique = find_fissure(lung, priors[0])
    if oblique.surface is None or not oblique.boundary.seen:
        later = _not_looked_for(priors[1:], "the oblique fissure was not seen")
        return _zones(side, (oblique.boundary, *later))
    if side is LungLabel.LEFT:
        return _Division(side, (oblique.boundary,), _LOBES[side], lung, (oblique.surface,))
    return _right_lobes(lung, oblique.boundary, oblique.surface)


def _right_lobes(lung: ReducedLung, boundary: Boundary, oblique: Surface) -> _Division:
    """Divide what lies above the oblique fissure of the right lung."""
    floor = oblique.slice_heights(lung, lung.voxels(1), lung.voxels(2))
    rest = lung.above(floor, _CLEAR_OF_OBLIQUE_MM)
    horizontal = find_fissure(rest, RIGHT_HORIZONTAL)
    boundaries = (boundary, horizontal.boundary)
    lower = Territory.RIGHT_LOWER_LOBE
    if horizontal.surface is None or not horizontal.boundary.seen:
        lobes = (lower, Territory.RIGHT_UPPER_AND_MIDDLE_LOBE)
        return _Division(LungLabel.RIGHT, boundaries, lobes, lung, (oblique,))
    return _Division(
        LungLabel.RIGHT,
        boundaries,
        _LOBES[LungLabel.RIGHT],
        lung,
        (oblique, horizontal.surface),
    )


def _not_looked_for(priors: Sequence[FissurePrior], reason: str) -> tuple[Boundary, ...]:
    return tuple(Boundary(prior.name, 0.0, False, reason) for prior in priors)


def _zones(side: LungLabel, boundaries: tuple[Boundary, ...]) -> _Division:
    """Thirds of a lung's height."""
    if side is LungLabel.RIGHT:
        zones = (
            Territory.RIGHT_LOWER_ZONE,
            Territory.RIGHT_MIDDLE_ZONE,
            Territory.RIGHT_UPPER_ZONE,
        )
    else:
        zones = (Territory.LEFT_LOWER_ZONE, Territory.LEFT_MIDDLE_ZONE, Territory.LEFT_UPPER_ZONE)
    return _Division(side, boundaries, zones)


def _lacks_lobes(division: _Division) -> bool:
    """Whether a lung that is there could not be divided into all of its lobes."""
    return bool(division.territories) and len(division.surfaces) < len(_FISSURES[division.side])


def _with_all_lobes(division: _Division) -> _Division:
    """The division with every lobe, the borders between some of them by shape."""
    if not _lacks_lobes(division):
        return division
    return replace(
        division,
        territories=_LOBES[division.side],
        boundaries=tuple(replace(one, by_shape=not one.seen) for one in division.boundaries),
    )


def _paint(
    labels: LabelMap, lungs: LabelMap, division: _Division, shapes: LobeShapes | None
) -> None:
    values = [VALUES[one] for one in division.territories]
    if division.lung is not None and not _lacks_lobes(division):
        paint_lobes(labels, lungs, division.side, division.lung, division.surfaces, values)
    elif shapes is not None:
        _paint_by_shape(labels, lungs, division, shapes)
    elif division.lung is not None:
        paint_lobes(labels, lungs, division.side, division.lung, division.surfaces, values)
    elif len(values) == 3:
        paint_zones(labels, lungs, division.side, (values[0], values[1], values[2]))


def _paint_by_shape(
    labels: LabelMap, lungs: LabelMap, division: _Division, shapes: LobeShapes
) -> None:
    """The lobes of a lung by shape, on either side of the fissures that were seen."""
    side = division.side
    here = lungs == side
    lobes = {one: VALUES[one] for one in division.territories}
    if division.lung is None:
        shapes.paint(labels, here, side, lobes)
        return
    # Only the right lung has a second fissure: what lies above the first one is still to divide.
    above = VALUES[Territory.RIGHT_UPPER_LOBE]
    lower = lobes.pop(Territory.RIGHT_LOWER_LOBE)
    paint_lobes(labels, lungs, side, division.lung, division.surfaces, (lower, above))
    shapes.paint(labels, here & (labels == above), side, lobes)
