"""Lesions of the phantom: where they are, how they look, and where exactly they end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chest.values.regions import LesionLabel
from phantom.chest import Point
from phantom.grid import Box
from phantom.shapes import Field, ellipsoid, plane_waves

RAGGED = 0.16
"""How far, as a share of its radius, the edge of a lesion wanders."""


@dataclass(frozen=True, slots=True)
class Lesion:
    """An opacity with a ragged edge; where it would leave the lung it ends at the pleura.

    Attributes
    ----------
    kind : ground glass is about -550 HU, consolidation about 20 HU
    centre_mm : LPS
    radii_mm : along x, y and z
    seed : of the edge and the texture
    """

    kind: LesionLabel
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    seed: int = 0

    @property
    def box(self) -> Box:
        """A box that holds the lesion and its soft edge."""
        reach = [radius * (1.0 + 2.6 * RAGGED) + 4.0 for radius in self.radii_mm]
        low = [centre - size for centre, size in zip(self.centre_mm, reach, strict=True)]
        high = [centre + size for centre, size in zip(self.centre_mm, reach, strict=True)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def surface(self, point: Point) -> Field:
        """Distance to the edge in mm, negative inside."""
        offsets = tuple(point[axis] - np.float32(self.centre_mm[axis]) for axis in range(3))
        mean = float(np.mean(self.radii_mm))
        edge = plane_waves(point, wavelength_mm=1.1 * mean, count=5, seed=self.seed)
        return ellipsoid(offsets, self.radii_mm) + edge * np.float32(RAGGED * mean)

    def attenuation_hu(self, point: Point) -> Field:
        """What the opacity looks like inside."""
        grain = plane_waves(point, wavelength_mm=7.0, count=14, seed=self.seed + 1)
        if self.kind is LesionLabel.CONSOLIDATION:
            return np.float32(20.0) + np.float32(18.0) * grain
        patches = plane_waves(point, wavelength_mm=22.0, count=4, seed=self.seed + 2)
        return np.float32(-550.0) + np.float32(45.0) * grain + np.float32(40.0) * patches


_GLASS, _SOLID = LesionLabel.GROUND_GLASS, LesionLabel.CONSOLIDATION

TYPICAL_LESIONS: tuple[Lesion, ...] = (
    # Both lungs, at the edge, mostly behind and below, as in a viral pneumonia
    Lesion(_GLASS, (-96.0, 44.0, -62.0), (24.0, 20.0, 26.0), 11),
    Lesion(_GLASS, (-66.0, 70.0, -98.0), (30.0, 16.0, 22.0), 12),
    Lesion(_GLASS, (90.0, 52.0, -72.0), (24.0, 20.0, 24.0), 13),
    Lesion(_GLASS, (112.0, -4.0, -28.0), (15.0, 24.0, 20.0), 14),
    Lesion(_GLASS, (-104.0, -28.0, -4.0), (16.0, 22.0, 18.0), 15),
    Lesion(_GLASS, (66.0, 66.0, 12.0), (22.0, 14.0, 18.0), 16),
    Lesion(_SOLID, (-90.0, 52.0, -72.0), (20.0, 15.0, 18.0), 17),
    Lesion(_SOLID, (84.0, 58.0, -92.0), (22.0, 15.0, 17.0), 18),
)


_LEVELS_MM = (-105.0, -78.0, -51.0, -24.0, 3.0, 30.0, 57.0)
_PLACES_MM = ((66.0, 68.0), (98.0, 40.0), (108.0, -2.0), (92.0, -42.0))  # x of the left lung, y

EXTENSIVE_LESIONS: tuple[Lesion, ...] = tuple(
    Lesion(_GLASS, (side * x, y, z), (25.0, 23.0, 17.0), 100 + 10 * level + place)
    for side in (-1.0, 1.0)
    for level, z in enumerate(_LEVELS_MM)
    for place, (x, y) in enumerate(_PLACES_MM)
) + tuple(lesion for lesion in TYPICAL_LESIONS if lesion.kind is _SOLID)
"""Patches along the whole edge of both lungs: more than a quarter of each, so an urgent study."""
