"""Evaluate the head on a grid: voxels in Hounsfield units and the truth about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from firstread.phantom.grid import Block, PhantomGrid
from firstread.phantom.posture import Posture
from firstread.phantom.shapes import Field, share
from firstread.phantom.tissue import AIR_HU, noise, paint
from phantom.head.anatomy import Head
from phantom.head.bleedings import Bleeding, BleedingLabel, PlacedBleeding, place_bleeding
from phantom.head.grid import head_grid
from phantom.head.tissue import (
    OEDEMA_HU,
    paint_brain,
    paint_calcium,
    paint_outside,
    paint_table,
)
from radiology.region import LabelMap
from radiology.volume import Volume

SLAB_VOXELS = 1 << 20
"""Voxels worked on at once: their arrays fit into a processor's cache."""

EDGE_MM = 0.9
"""Width of an edge in a soft reconstruction; on coarse grids it is that of 1.5 voxels."""

_OEDEMA_MM = 5.0
_MOST_SHIFT_MM, _SHIFT_PER_ML = 9.0, 0.12  # a bleeding of 75 ml pushes the midline by 9 mm
_SHIFTING = (BleedingLabel.EXTRADURAL, BleedingLabel.SUBDURAL, BleedingLabel.INTRAPARENCHYMAL)


@dataclass(frozen=True)
class HeadPhantom:
    """Voxels and what is true about them.

    Attributes
    ----------
    volume : HU on the grid, without source frames
    bleedings : values of `BleedingLabel`; a voxel is labelled by its centre
    cavity : True inside the inner table of the skull
    head, specified_lesions, seed, posture : what it was made from
    """

    volume: Volume
    bleedings: LabelMap
    cavity: LabelMap
    head: Head
    specified_lesions: tuple[Bleeding, ...]
    seed: int = 1
    posture: Posture = field(default_factory=Posture)

    def bleeding_ml(self, kind: BleedingLabel | None = None) -> float:
        """True volume of the bleedings of a kind, or of all, on this grid."""
        inside = self.bleedings > 0 if kind is None else self.bleedings == kind
        return int(np.count_nonzero(inside)) * self.volume.voxel_ml

    def cavity_ml(self) -> float:
        """Volume of the cranial cavity on this grid."""
        return int(np.count_nonzero(self.cavity)) * self.volume.voxel_ml


def make_head_phantom(
    *,
    seed: int = 1,
    grid: PhantomGrid | None = None,
    bleedings: Sequence[Bleeding] = (),
    noise_hu: float = 4.0,
    head: Head | None = None,
) -> HeadPhantom:
    """Make a head phantom.

    Parameters
    ----------
    seed : of the shape of the head and of the noise; bleedings bring their own
    grid : from `head_grid`; 36 axial slices of 5 mm when not given
    bleedings : none for a head without bleeding; where two overlap, the later one wins
    noise_hu : standard deviation in the brain
    head : its shape; follows from the seed when not given

    Raises
    ------
    ValueError
        There is no room for a bleeding.
    """
    grid = grid or head_grid()
    head = _pushed(head or Head.random(seed), bleedings)
    placed = [place_bleeding(bleeding, head) for bleeding in bleedings]
    edge = max(EDGE_MM, 1.5 * float(np.sort(grid.spacing_mm)[:2].mean()))
    attenuation = np.full(grid.shape, AIR_HU, dtype=np.float32)
    labels, cavity = (np.zeros(grid.shape, dtype=np.uint8) for _ in range(2))
    for slab in grid.slabs(max(1, SLAB_VOXELS // (grid.shape[1] * grid.shape[2]))):
        _make_slab(grid, slab, head, placed, edge, seed, (attenuation, labels, cavity))
        attenuation[slab] += noise(attenuation[slab].shape, noise_hu, [seed, 3, slab[0].start])
    np.clip(attenuation, -1024.0, 3071.0, out=attenuation)
    return HeadPhantom(
        volume=Volume(hounsfield=attenuation, affine=grid.affine),
        bleedings=labels,
        cavity=cavity,
        head=head,
        specified_lesions=tuple(bleedings),
        seed=seed,
        posture=grid.posture,
    )


def _pushed(head: Head, bleedings: Sequence[Bleeding]) -> Head:
    """The head with its midline pushed away from what bleeds beside it."""
    shift = 0.0
    for bleeding in bleedings:
        if bleeding.kind in _SHIFTING and abs(bleeding.at_mm[0]) > 5.0:
            shift -= float(np.sign(bleeding.at_mm[0])) * _SHIFT_PER_ML * bleeding.volume_ml
    return replace(head, shift_mm=float(np.clip(shift, -_MOST_SHIFT_MM, _MOST_SHIFT_MM)))


def _make_slab(
    grid: PhantomGrid,
    slab: Block,
    head: Head,
    placed: Sequence[PlacedBleeding],
    edge: float,
    seed: int,
    maps: tuple[Field, LabelMap, LabelMap],
) -> None:
    attenuation, labels, inside = maps
    view, point = attenuation[slab], grid.coordinates(slab)
    cavity = np.broadcast_to(head.cavity(point), view.shape)
    paint_table(view, point, edge)
    paint_outside(view, head, point, cavity, edge)
    inside[slab] = cavity <= 0
    block = grid.block_of(head.cavity_box, within=slab)
    if block is None:
        return
    point = grid.coordinates(block)
    part = head.cavity(point)
    paint_brain(attenuation[block], head, point, part, edge)
    paint_calcium(attenuation[block], head, point, edge, np.random.default_rng([seed, 4]))
    for bleeding in placed:
        surface = np.broadcast_to(bleeding.surface(point, part), part.shape)
        _paint_bleeding(attenuation[block], bleeding, surface, (point, part), edge)
        labels[block][surface <= 0] = bleeding.bleeding.kind


def _paint_bleeding(
    attenuation: Field,
    bleeding: PlacedBleeding,
    surface: Field,
    place: tuple[tuple[Field, Field, Field], Field],
    edge: float,
) -> None:
    """Blood, and around blood in the brain the water that it draws."""
    point, cavity = place
    if bleeding.bleeding.kind is BleedingLabel.INTRAPARENCHYMAL:
        swollen = share(surface - _OEDEMA_MM, 5.0) * share(cavity + 3.0, edge) * 0.6
        paint(attenuation, np.minimum(attenuation, OEDEMA_HU), swollen)
    paint(attenuation, bleeding.attenuation(point), share(surface, edge))
