"""The shape of the phantom's chest: outlines, lungs and lobes as functions of place.

Patient space is LPS in mm; the origin is the carina (z), the middle (x) and the middle of the
chest from front to back (y). Sizes are those of an adult: lungs about 260 mm wide and 250 mm high.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from phantom.grid import Box
from phantom.shapes import Field, circle, ellipsoid, smooth_max, squircle

Point = tuple[Field, Field, Field]


class LobeLabel(IntEnum):
    """Values of the lobe label map."""

    NONE = 0
    RIGHT_UPPER = 1
    RIGHT_MIDDLE = 2
    RIGHT_LOWER = 3
    LEFT_UPPER = 4
    LEFT_LOWER = 5


@dataclass(frozen=True)
class Chest:
    """A body shape. Every method takes patient coordinates and gives distances in mm.

    Attributes
    ----------
    half_width_mm, half_depth_mm : of the thoracic cavity, at its widest
    dome_mm : z of the top of the right half of the diaphragm; the left is 10 mm lower
    heart : scale of the heart, 1 is normal
    fat_mm : thickness of the fat under the skin
    blood_hu : in heart and vessels; contrast medium makes it more
    """

    half_width_mm: float = 130.0
    half_depth_mm: float = 88.0
    dome_mm: float = -90.0
    heart: float = 1.0
    fat_mm: float = 12.0
    blood_hu: float = 42.0

    @classmethod
    def random(cls, seed: int) -> Chest:
        """A chest of an adult, as they differ."""
        random = np.random.default_rng([seed, 1])
        return cls(
            half_width_mm=130.0 * random.uniform(0.95, 1.03),
            half_depth_mm=88.0 * random.uniform(0.94, 1.04),
            dome_mm=-90.0 + random.uniform(-8.0, 8.0),
            heart=random.uniform(0.92, 1.08),
            fat_mm=random.uniform(8.0, 18.0),
        )

    @property
    def lung_box(self) -> Box:
        """A box that holds both lungs."""
        width, depth = self.half_width_mm + 8.0, self.half_depth_mm + 10.0
        return (-width, -depth, self.dome_mm - 100.0), (width, depth, 116.0)

    def body(self, point: Point) -> Field:
        """To the skin."""
        x, y, z = point
        shoulders = np.clip((z - 30.0) / 90.0, 0.0, 1.0) ** 2
        half_x = self.half_width_mm + 22.0 + self.fat_mm + 34.0 * shoulders
        half_y = self.half_depth_mm + 16.0 + self.fat_mm - 16.0 * shoulders
        return squircle(x, y - 7.0, half_x, half_y, 0.30)

    def cavity(self, point: Point) -> Field:
        """To the inside of the ribs; it narrows to the neck like a bell."""
        x, y, z = point
        height = np.clip((z + 50.0) / 160.0, 0.0, 0.999)
        narrow = np.sqrt(1.0 - height * height * height)
        half_x = self.half_width_mm * narrow
        half_y = self.half_depth_mm * narrow
        return squircle(x, y - 22.0 * height * height, half_x, half_y, 0.22)

    def heart_surface(self, point: Point) -> Field:
        """To the heart, which rests on the diaphragm: below its middle it is drawn out."""
        x, y, z = point
        size = self.heart
        up = z + 62.0
        height = np.where(up > 0, np.float32(58.0 * size), np.float32(125.0)).astype(np.float32)
        return ellipsoid((x - 20.0, y + 24.0, up), (60.0 * size, 50.0 * size, height))

    def mediastinum(self, point: Point) -> Field:
        """To everything between the lungs: heart, vessels, spine and what holds them."""
        x, y, z = _wander(point)
        vessels = ellipsoid((x, y + 6.0), (29.0, 58.0))
        spine = circle(x, y - 70.0, 31.0)
        aorta = circle(x - 24.0, y - 48.0, 14.0)
        septum = np.abs(x) - np.where(y < 30.0, 3.0, 13.0).astype(np.float32)
        column = np.minimum(np.minimum(vessels, spine), np.minimum(aorta, septum))
        hila = np.minimum(
            ellipsoid((x + 34.0, y - 4.0, z + 12.0), (17.0, 15.0, 24.0)),
            ellipsoid((x - 36.0, y - 8.0, z + 14.0), (17.0, 15.0, 22.0)),
        )
        found: Field = np.minimum(np.minimum(column, self.heart_surface(point)), hila)
        return found

    def below_diaphragm(self, point: Point) -> Field:
        """Height of the two domes above the point."""
        x, y, _ = point
        top = np.float32(self.dome_mm - 5.0) - 5.0 * np.tanh(x / 40.0)
        aside = np.abs(x) - 68.0
        aside = np.maximum(aside, -0.5 * aside)
        height: Field = top - 0.0135 * aside * aside - 0.0092 * (y + 8.0) ** 2
        return height

    def lungs(self, point: Point) -> Field:
        """To the surface of the lungs, whichever is nearer."""
        wall = self.cavity(point) + np.float32(2.0)
        inside = smooth_max(wall, -self.mediastinum(point), 8.0)
        return smooth_max(inside, self.below_diaphragm(point) - point[2], 6.0)

    def oblique_fissure(self, point: Point) -> Field:
        """Height above the fissure over the lower lobe."""
        x, y, z = point
        height: Field = z + 35.0 - 1.05 * y + 0.0016 * (np.abs(x) - 70.0) ** 2
        return height

    def horizontal_fissure(self, point: Point) -> Field:
        """Height above the fissure between the right upper and middle lobe."""
        x, y, z = point
        height: Field = z + 24.0 - 0.06 * y + 0.0012 * (x + 60.0) ** 2
        return height

    def lobes(self, point: Point) -> NDArray[np.uint8]:
        """Which lobe a place in a lung belongs to; call it with places in lungs only."""
        lower = self.oblique_fissure(point) < 0
        middle = self.horizontal_fissure(point) < 0
        right = np.where(
            lower,
            LobeLabel.RIGHT_LOWER,
            np.where(middle, LobeLabel.RIGHT_MIDDLE, LobeLabel.RIGHT_UPPER),
        )
        left = np.where(lower, LobeLabel.LEFT_LOWER, LobeLabel.LEFT_UPPER)
        return np.where(point[0] < 0, right, left).astype(np.uint8)


def _wander(point: Point) -> Point:
    """Places moved by some millimetres, so that nothing in the chest is a perfect curve."""
    x, y, z = point
    aside = 3.5 * np.sin(0.075 * y + 0.6) + 2.5 * np.sin(0.052 * z + 1.0)
    back = 3.0 * np.sin(0.062 * x + 2.0) + 2.0 * np.sin(0.045 * z)
    return (x + aside).astype(np.float32), (y + back).astype(np.float32), z
