"""Evaluate the phantom on a grid: voxels in Hounsfield units and the truth about each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from chest.values.regions import LesionLabel, LungLabel
from phantom.chest import Chest
from phantom.grid import Block, PhantomGrid, phantom_grid
from phantom.lesions import TYPICAL_LESIONS, Lesion
from phantom.posture import Posture
from phantom.shapes import Field, capsule, share
from phantom.tissue import (
    AIR_HU,
    GREAT_VESSELS,
    LAYERS,
    lung_attenuation,
    noise,
    paint,
)
from phantom.vessels import AIRWAYS, Branch, grow_vessels
from radiology.image.volume import Volume
from radiology.region import LabelMap

OnProgress = Callable[[int, int], None]

SLAB_VOXELS = 1 << 20
"""Voxels worked on at once: their arrays fit into a processor's cache."""

EDGE_MM = 1.3
"""Width of an edge in a usual reconstruction; on coarse grids it is that of 1.5 voxels."""

LUNG_GRAIN = 1.8
"""Lung looks grainier than muscle: vessels too fine to be drawn. In the normal study of the
shared data the grain is 37 HU in lung and 18 HU in muscle."""


@dataclass(frozen=True)
class Phantom:
    """Voxels and what is true about them.

    Attributes
    ----------
    volume : HU on the grid, without source frames
    lungs, lesions : values of `LungLabel` and `LesionLabel`; a voxel is labelled by its centre
    lobes : values of `phantom.chest.LobeLabel`
    chest, specified_lesions, seed, posture : what it was made from
    """

    volume: Volume
    lungs: LabelMap
    lesions: LabelMap
    lobes: LabelMap
    chest: Chest
    specified_lesions: tuple[Lesion, ...]
    seed: int = field(default=1)
    posture: Posture = field(default_factory=Posture)

    def lesion_ml(self, kind: LesionLabel | None = None) -> float:
        """True volume of the lesions of a kind, or of all, on this grid."""
        inside = self.lesions > 0 if kind is None else self.lesions == kind
        return int(np.count_nonzero(inside)) * self.volume.voxel_ml

    def lung_ml(self, side: LungLabel | None = None) -> float:
        """True volume of a lung, or of both, on this grid."""
        inside = self.lungs > 0 if side is None else self.lungs == side
        return int(np.count_nonzero(inside)) * self.volume.voxel_ml

    def labels_at(self, positions_mm: NDArray[np.float64]) -> tuple[LabelMap, LabelMap]:
        """The truth at any places: lung and lesion labels, whatever the grid.

        Parameters
        ----------
        positions_mm : shape (n, 3), LPS
        """
        points = self.posture.body(np.asarray(positions_mm, dtype=np.float64)).astype(np.float32)
        x, y, z = points[:, 0], points[:, 1], points[:, 2]
        return _labels(self.chest, self.specified_lesions, (x, y, z))


def make_phantom(
    *,
    seed: int = 1,
    grid: PhantomGrid | None = None,
    lesions: Sequence[Lesion] = TYPICAL_LESIONS,
    noise_hu: float = 18.0,
    enhanced_by_hu: float = 0.0,
    twigs: int = 420,
    on_progress: OnProgress | None = None,
) -> Phantom:
    """Make a chest phantom.

    Parameters
    ----------
    seed : of body shape, vessels and noise; the lesions bring their own
    grid : from `phantom_grid`; 150 axial slices of 2 mm when not given
    lesions : none for a healthy chest
    noise_hu : standard deviation in soft tissue; lungs are grainier
    enhanced_by_hu : what contrast medium adds to blood in heart and vessels
    twigs : ends of each of the four trees of vessels; fewer are quicker
    on_progress : called with steps done and steps in all

    Returns
    -------
    Every value at a voxel depends on its place in the body alone, but for the noise and the
    width of edges, which a scanner too adds per voxel.
    """
    grid = grid or phantom_grid()
    chest = Chest.random(seed)
    chest = replace(chest, blood_hu=chest.blood_hu + enhanced_by_hu)
    vessels = grow_vessels(chest, seed, twigs)
    edge = max(EDGE_MM, 1.5 * float(np.sort(grid.spacing_mm)[:2].mean()))
    attenuation = np.full(grid.shape, AIR_HU, dtype=np.float32)
    steps = _Steps(on_progress, total=2 * len(_slabs(grid)) + 2)
    for slab in _slabs(grid):
        _paint_slab(attenuation, grid, slab, chest, edge)
        steps.done()
    _paint_lesions(attenuation, grid, chest, lesions, edge)
    steps.done()
    _paint_branches(attenuation, grid, vessels, edge, chest.blood_hu)
    _paint_airways(attenuation, grid, edge)
    steps.done()
    lungs, lesion_map, lobes = (np.zeros(grid.shape, dtype=np.uint8) for _ in range(3))
    for slab in _slabs(grid):
        _label_slab(grid, slab, chest, lesions, (lungs, lesion_map, lobes))
        grain = noise(attenuation[slab].shape, noise_hu, [seed, 3, slab[0].start])
        np.multiply(grain, LUNG_GRAIN, out=grain, where=lungs[slab] > 0)
        attenuation[slab] += grain
        steps.done()
    np.clip(attenuation, -1024.0, 3071.0, out=attenuation)
    return Phantom(
        volume=Volume(hounsfield=attenuation, affine=grid.affine),
        lungs=lungs,
        lesions=lesion_map,
        lobes=lobes,
        chest=chest,
        specified_lesions=tuple(lesions),
        seed=seed,
        posture=grid.posture,
    )


class _Steps:
    """Counts steps for a progress display."""

    def __init__(self, on_progress: OnProgress | None, total: int) -> None:
        self._on_progress, self._total, self._count = on_progress, total, 0

    def done(self) -> None:
        self._count += 1
        if self._on_progress is not None:
            self._on_progress(self._count, self._total)


def _slabs(grid: PhantomGrid) -> list[Block]:
    return list(grid.slabs(max(1, SLAB_VOXELS // (grid.shape[1] * grid.shape[2]))))


def _paint_slab(
    attenuation: Field, grid: PhantomGrid, slab: Block, chest: Chest, edge: float
) -> None:
    for layer in LAYERS:
        block = grid.block_of(layer.box(chest), within=slab)
        if block is not None:
            layer.paint(attenuation[block], chest, grid.coordinates(block), edge)
    for vessel in GREAT_VESSELS:
        _paint_branch(attenuation, grid, vessel, edge, chest.blood_hu, within=slab)
    block = grid.block_of(chest.lung_box, within=slab)
    if block is not None:
        point = grid.coordinates(block)
        inside = share(chest.lungs(point), edge)
        denser = grid.posture.breath.compression(point[2])
        tissue = AIR_HU + denser * (lung_attenuation(chest, point) - np.float32(AIR_HU))
        paint(attenuation[block], tissue, inside)


def _paint_lesions(
    attenuation: Field, grid: PhantomGrid, chest: Chest, lesions: Iterable[Lesion], edge: float
) -> None:
    for lesion in lesions:
        block = grid.block_of(lesion.box)
        if block is None:
            continue
        point = grid.coordinates(block)
        softness = edge + (4.5 if lesion.kind is LesionLabel.GROUND_GLASS else 2.0)
        part = share(lesion.surface(point), softness) * share(chest.lungs(point), edge)
        paint(attenuation[block], lesion.attenuation_hu(point), part)


def _paint_branches(
    attenuation: Field, grid: PhantomGrid, branches: Iterable[Branch], edge: float, blood_hu: float
) -> None:
    for branch in branches:
        _paint_branch(attenuation, grid, branch, edge, blood_hu)


def _paint_branch(
    attenuation: Field,
    grid: PhantomGrid,
    branch: Branch,
    edge: float,
    blood_hu: float,
    *,
    within: Block | None = None,
) -> None:
    """Blood in a vessel; one thinner than a voxel fills only a part of it."""
    block = grid.block_of(branch.box, within=within)
    if block is None:
        return
    surface = capsule(
        grid.coordinates(block),
        branch.start,
        branch.end,
        branch.start_radius_mm,
        branch.end_radius_mm,
    )
    width = branch.start_radius_mm + branch.end_radius_mm
    filled = np.float32(min(1.0, width / edge) ** 1.5)
    view = attenuation[block]
    np.maximum(view, view + share(surface, edge) * filled * (blood_hu - view), out=view)


def _paint_airways(attenuation: Field, grid: PhantomGrid, edge: float) -> None:
    """Walls first, then air, so that branches open into each other."""
    for wall_mm, value in ((1.3, 0.0), (0.0, -985.0)):
        for airway in AIRWAYS:
            block = grid.block_of(airway.box)
            if block is None:
                continue
            surface = capsule(
                grid.coordinates(block),
                airway.start,
                airway.end,
                airway.start_radius_mm + wall_mm,
                airway.end_radius_mm + wall_mm,
            )
            thin = np.float32(min(1.0, airway.end_radius_mm / edge))
            paint(attenuation[block], value, share(surface, edge) * thin)


def _labels(
    chest: Chest, lesions: Iterable[Lesion], point: tuple[Field, Field, Field]
) -> tuple[LabelMap, LabelMap]:
    inside = chest.lungs(point) <= 0
    lungs = np.where(point[0] < 0, LungLabel.RIGHT, LungLabel.LEFT) * inside
    found = np.zeros(inside.shape, dtype=np.uint8)
    for lesion in sorted(lesions, key=lambda one: one.kind):  # solid parts last: they win
        found[(lesion.surface(point) <= 0) & inside] = lesion.kind
    return lungs.astype(np.uint8), found


def _label_slab(
    grid: PhantomGrid,
    slab: Block,
    chest: Chest,
    lesions: Sequence[Lesion],
    maps: tuple[LabelMap, LabelMap, LabelMap],
) -> None:
    block = grid.block_of(chest.lung_box, within=slab)
    if block is None:
        return
    point = grid.coordinates(block)
    lungs, _ = _labels(chest, (), point)
    maps[0][block] = lungs
    maps[2][block] = chest.lobes(point) * (lungs > 0)
    for lesion in sorted(lesions, key=lambda one: one.kind):
        part = grid.block_of(lesion.box, within=slab)
        if part is not None:
            _, found = _labels(chest, (lesion,), grid.coordinates(part))
            np.copyto(maps[1][part], found, where=found > 0)
