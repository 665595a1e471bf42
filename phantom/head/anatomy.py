"""The shape of the phantom's head: skin, skull, brain and ventricles as functions of place.

Patient space is LPS in mm. The origin is the middle of the cranial cavity at the level of the
foramina of Monro. Sizes are those of an adult: the cavity is about 135 mm wide, 170 mm long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstread.phantom.grid import Box
from firstread.phantom.shapes import (
    Field,
    capsule,
    ellipsoid,
    plane_waves,
    smooth_max,
    squircle,
)

Point = tuple[Field, Field, Field]

FOLD_MM = 26.0
"""Wavelength of the folds of the cortex: a sulcus about every 13 mm."""

_HORNS = (
    # start, end (mm, for the left side), radius at either (mm)
    ((5.0, -38.0, 8.0), (8.0, -6.0, 13.0), 4.5, 4.0),  # frontal horn
    ((8.0, -6.0, 13.0), (16.0, 25.0, 16.0), 4.2, 5.5),  # body
    ((16.0, 25.0, 16.0), (26.0, 38.0, 4.0), 5.5, 6.5),  # atrium
    ((26.0, 38.0, 4.0), (22.0, 60.0, 2.0), 5.0, 2.0),  # occipital horn
    ((26.0, 38.0, 4.0), (32.0, 2.0, -18.0), 4.0, 1.6),  # temporal horn
)


@dataclass(frozen=True)
class Head:
    """The shape of a head. Every method takes patient coordinates and gives distances in mm.

    Attributes
    ----------
    half_width_mm, half_length_mm, height_mm : of the cranial cavity, from the origin
    skull_mm, scalp_mm : thickness of the vault and of what covers it
    ventricle_scale : of the radii of the ventricles; 1 is a middle-aged adult
    sulcus_mm : half the width of a sulcus, and the gap between brain and skull; grows with age
    shift_mm : how far the midline is pushed to the left at its middle
    fold_seed : of the folds of the cortex
    """

    half_width_mm: float = 66.0
    half_length_mm: float = 84.0
    height_mm: float = 80.0
    skull_mm: float = 6.5
    scalp_mm: float = 6.0
    ventricle_scale: float = 1.0
    sulcus_mm: float = 0.6
    shift_mm: float = 0.0
    fold_seed: int = 1

    @classmethod
    def random(cls, seed: int) -> Head:
        """A head of an adult, as they differ."""
        random = np.random.default_rng([seed, 1])
        age = random.uniform(0.0, 1.0)
        return cls(
            half_width_mm=66.0 * random.uniform(0.94, 1.07),
            half_length_mm=84.0 * random.uniform(0.94, 1.06),
            height_mm=80.0 * random.uniform(0.95, 1.04),
            skull_mm=random.uniform(4.5, 8.5),
            scalp_mm=random.uniform(4.0, 8.0),
            ventricle_scale=0.65 + 0.8 * age * random.uniform(0.6, 1.2),
            sulcus_mm=0.2 + 0.9 * age * random.uniform(0.6, 1.2),
            fold_seed=int(random.integers(1 << 30)),
        )

    @property
    def cavity_box(self) -> Box:
        """A box that holds the cranial cavity."""
        width, length = self.half_width_mm + 8.0, self.half_length_mm + 2.0
        return (-width, -length, -80.0), (width, length, self.height_mm + 2.0)

    def base(self, point: Point) -> Field:
        """Height of the skull base: three steps from front to back, and the sella between."""
        x, y, _ = point
        middle = 0.5 + 0.5 * np.tanh((y + 28.0) / 6.0)
        back = 0.5 + 0.5 * np.tanh((y - 20.0) / 8.0)
        sella = np.exp(-((x / 13.0) ** 2) - ((y + 4.0) / 20.0) ** 2)
        orbits = 4.0 * np.cos(0.1 * x) * np.cos(0.07 * (y + 60.0)) * (1.0 - middle)
        height: Field = -20.0 - 20.0 * middle - 28.0 * back + 22.0 * sella - orbits
        return height

    def cavity(self, point: Point) -> Field:
        """To the inner table of the skull; the cavity is widest behind its middle."""
        x, y, z = point
        wide = self.half_width_mm * (1.0 + 0.09 * np.clip(y / self.half_length_mm, -1.0, 1.0))
        high = np.where(z > 0, np.float32(self.height_mm), np.float32(100.0)).astype(np.float32)
        vault = ellipsoid((x, y, z), (wide, self.half_length_mm, high))
        return smooth_max(vault, self.base(point) - z, 10.0)

    def skin(self, point: Point, cavity: Field) -> Field:
        """To the skin of the vault and, below the brain, of face and neck."""
        x, y, z = point
        vault = cavity - np.float32(self.skull_mm + self.scalp_mm)
        face = squircle(x, y + 3.0, np.array(68.0, np.float32), np.array(92.0, np.float32), 0.15)
        skin: Field = np.minimum(vault, np.maximum(face, z + 22.0))
        return skin

    def settled(self, point: Point) -> Point:
        """Where a place of the brain was before a bleeding pushed the midline."""
        x, y, z = point
        if self.shift_mm == 0.0:
            return point
        pushed = x - np.float32(self.shift_mm) * np.exp(-((x / 42.0) ** 2))
        return pushed.astype(np.float32), y, z

    def folds(self, point: Point) -> Field:
        """Distance to the middle of the nearest sulcus, as if sulci ran through the whole brain."""
        waves = plane_waves(point, wavelength_mm=FOLD_MM, count=7, seed=self.fold_seed)
        distance: Field = np.abs(waves) * np.float32(FOLD_MM / (2.0 * np.pi))
        return distance

    def brain(self, point: Point, cavity: Field) -> Field:
        """To the surface of the brain, down into its sulci and into the fissure between halves."""
        x, _, z = self.settled(point)
        gap = np.float32(self.sulcus_mm)
        width = plane_waves(point, wavelength_mm=60.0, count=4, seed=self.fold_seed + 1)
        sulcus = np.maximum(self.folds(point), 0.5 * (-cavity - 14.0 - 6.0 * width))
        outside = np.maximum(cavity + 1.2 * gap + 0.4, gap * (1.0 + 0.6 * width) - sulcus)
        fissure = np.maximum(np.abs(x) - 0.8 * gap - 0.5, np.float32(18.0) - z)
        return np.asarray(np.maximum(outside, -fissure), dtype=np.float32)

    def ventricles(self, point: Point) -> Field:
        """To the nearest of the four ventricles."""
        x, y, z = self.settled(point)
        size = self.ventricle_scale
        aside = (np.abs(x), y, z)
        third = ellipsoid((x, y - 2.0, z + 4.0), (1.9 * size, 13.0, 9.0))
        fourth = ellipsoid((x, y - 36.0, z + 42.0), (7.0 * size, 5.0 * size, 9.0))
        nearest = np.minimum(third, fourth)
        for start, end, first_mm, last_mm in _HORNS:
            horn = capsule(aside, np.array(start), np.array(end), first_mm * size, last_mm * size)
            nearest = np.minimum(nearest, horn)
        return np.asarray(nearest, dtype=np.float32)

    def tentorium(self, point: Point) -> Field:
        """Height above the sheet between the cerebrum and the cerebellum."""
        x, y, z = point
        height: Field = z + 26.0 - 20.0 * np.exp(-((x / 26.0) ** 2)) - 0.12 * (y - 40.0)
        return height
