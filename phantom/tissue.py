"""Attenuation of the phantom: what each part of the body looks like, painted from the skin in.

Every layer paints one block of voxels, softened at its edge as a scanner's kernel softens it.
Values are usual ones at 120 kV; those of blood are the chest's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantom.chest import Chest, Point
from phantom.grid import Box
from phantom.shapes import Field, circle, ellipsoid, share, smooth_max
from phantom.vessels import Branch

AIR_HU, FAT_HU, MUSCLE_HU, LIVER_HU = -1000.0, -100.0, 50.0, 58.0
MARROW_HU, CORTEX_HU, CARTILAGE_HU, DISC_HU, CANAL_HU = 190.0, 820.0, 95.0, 80.0, 25.0
LUNG_HU = -872.0
FAR_MM = 1000.0

Paint = Callable[[Field, Chest, Point, float], None]


@dataclass(frozen=True)
class Layer:
    """A part of the body: a box that holds it and the function that paints it."""

    box: Callable[[Chest], Box]
    paint: Paint


def paint(attenuation: Field, value: float | Field, part: Field) -> None:
    """Mix `value` into the voxels by the share of each that it fills, in place."""
    attenuation += part * (value - attenuation)


def _everywhere(chest: Chest) -> Box:
    return (-FAR_MM, -FAR_MM, -FAR_MM), (FAR_MM, FAR_MM, FAR_MM)


def _paint_table(attenuation: Field, chest: Chest, point: Point, edge: float) -> None:
    """A curved table top of two thin shells with foam between."""
    x, y, _ = point
    depth = y - np.float32(chest.half_depth_mm + chest.fat_mm + 28.0) + 0.0011 * x * x
    aside = np.abs(x) - 225.0
    foam = np.maximum(np.maximum(-depth, depth - 22.0), aside)
    paint(attenuation, -945.0, share(foam, edge))
    for top in (0.0, 20.0):
        shell = np.maximum(np.abs(depth - np.float32(top + 1.0)) - 1.0, aside)
        paint(attenuation, -150.0, share(shell, edge))


def _paint_trunk(attenuation: Field, chest: Chest, point: Point, edge: float) -> None:
    """Skin, fat, the muscles of the wall, ribs and shoulder blades."""
    x, y, z = point
    body = chest.body(point)
    paint(attenuation, 20.0, share(body, edge))
    paint(attenuation, FAT_HU, share(body + 2.0, edge))
    muscle = body + np.float32(chest.fat_mm)
    paint(attenuation, MUSCLE_HU, share(muscle, edge))
    cavity = chest.cavity(point)
    # A seam of fat between the muscles of the wall and those on the ribs
    seam = np.abs(cavity - 13.0) - 1.2
    paint(attenuation, -60.0, share(np.maximum(seam, muscle + 3.0), edge) * 0.8)
    _paint_ribs(attenuation, cavity, point, edge)
    blade = np.maximum(np.abs(cavity - 20.0 - 0.05 * (z - 50.0)) - 2.6, np.abs(z - 55.0) - 55.0)
    blade = np.maximum(blade, np.maximum(np.abs(y - 58.0) - 34.0, 74.0 - np.abs(x)))
    paint(attenuation, _bone(blade, 2.6), share(np.maximum(blade, muscle + 4.0), edge))


def _bone(surface: Field, half_mm: float) -> Field:
    """Bone is dense at its surface and spongy inside."""
    depth = np.clip(-surface / np.float32(half_mm), 0.0, 1.0)
    dense: Field = np.float32(CORTEX_HU) - depth * np.float32(CORTEX_HU - MARROW_HU)
    return dense


def _paint_ribs(attenuation: Field, cavity: Field, point: Point, edge: float) -> None:
    """Ribs run round the cavity and down to the front, every 25 mm; their ends are cartilage."""
    x, y, z = point
    pitch = 25.0
    level: Field = (z - 0.42 * y) * np.float32(1.0 / pitch)
    level = (level - np.round(level)) * np.float32(pitch)
    rib = ellipsoid((cavity - 6.0, level), (3.4, 6.8))
    in_front = np.maximum(y + 62.0, np.abs(x) - 74.0)
    rib = np.maximum(rib, 26.0 - np.abs(x))
    rib = np.maximum(rib, z - 92.0)
    value = _bone(rib, 3.4)
    value += share(in_front, 6.0) * (CARTILAGE_HU - value)
    paint(attenuation, value, share(rib, edge))


def _breastbone_box(chest: Chest) -> Box:
    front = -chest.half_depth_mm - 24.0
    return (-36.0, front, -90.0), (36.0, front + 40.0, 100.0)


def _paint_breastbone(attenuation: Field, chest: Chest, point: Point, edge: float) -> None:
    x, y, z = point
    depth = y + np.float32(chest.half_depth_mm + 7.0) - 0.00085 * np.maximum(z, 0.0) ** 2
    bone = ellipsoid((x, depth), (19.0, 6.0))
    bone = smooth_max(bone, np.abs(z - 2.0) - 74.0, 4.0)
    paint(attenuation, _bone(bone, 3.5), share(bone, edge))


def _inside_box(chest: Chest) -> Box:
    (x, y, _), (x_end, y_end, _) = chest.lung_box
    return (x, y, -FAR_MM), (x_end, y_end, 130.0)


def _paint_inside(attenuation: Field, chest: Chest, point: Point, edge: float) -> None:
    """What fills the cavity but for the lungs: fat, heart, liver, spleen and stomach."""
    x, y, z = point
    cavity = chest.cavity(point) + 3.0
    paint(attenuation, FAT_HU + 12.0, share(cavity, edge))
    paint(
        attenuation,
        chest.blood_hu,
        share(np.maximum(chest.heart_surface(point) + 2.5, cavity), edge),
    )
    under = np.maximum(cavity, z - chest.below_diaphragm(point))
    paint(attenuation, MUSCLE_HU, share(under, edge) * share(-under - 3.0, edge))
    liver = smooth_max(under + 2.0, x - 28.0 + 0.18 * (y + 20.0), 10.0)
    paint(attenuation, LIVER_HU, share(liver, edge))
    base = np.float32(chest.dome_mm)
    spleen = ellipsoid((x - 92.0, y - 38.0, z - base + 36.0), (33.0, 40.0, 46.0))
    paint(attenuation, 52.0, share(np.maximum(spleen, under + 2.0), edge))
    stomach = ellipsoid((x - 58.0, y + 28.0, z - base + 44.0), (42.0, 36.0, 34.0))
    paint(attenuation, 35.0, share(np.maximum(stomach, under + 2.0), edge))
    gas = ellipsoid((x - 58.0, y + 40.0, z - base + 38.0), (26.0, 14.0, 16.0))
    paint(attenuation, -960.0, share(np.maximum(gas, under + 4.0), edge))


def _spine_box(chest: Chest) -> Box:
    return (-48.0, 36.0, -FAR_MM), (48.0, 130.0, FAR_MM)


def _paint_spine(attenuation: Field, chest: Chest, point: Point, edge: float) -> None:
    """Vertebrae every 25 mm with discs between, the canal, and the processes behind."""
    x, y, z = point
    phase = np.cos(z * np.float32(2 * np.pi / 25.0))
    paint(attenuation, MUSCLE_HU, share(circle(x, y - 66.0, 26.0), edge))
    body = ellipsoid((x, y - 62.0), (17.5, 14.0)) + np.maximum(phase - 0.8, 0.0) * 8.0
    vertebra = _bone(body, 3.0)
    vertebra += share(np.float32(0.86) - phase, 0.15) * (DISC_HU - vertebra)
    paint(attenuation, vertebra, share(body, edge))
    ring = np.abs(circle(x, y - 84.0, 11.0)) - 2.6
    paint(attenuation, CORTEX_HU * 0.7, share(ring + np.maximum(phase, 0.0) * 3.0, edge))
    paint(attenuation, CANAL_HU, share(circle(x, y - 84.0, 8.0), edge))
    spinous = ellipsoid((x, y - 108.0 - 0.25 * phase), (3.4, 14.0)) + np.maximum(phase, 0.0) * 6.0
    paint(attenuation, _bone(spinous, 2.5), share(spinous, edge))
    across = ellipsoid((np.abs(x) - 24.0, y - 86.0), (13.0, 5.0)) + np.maximum(phase, 0.0) * 8.0
    paint(attenuation, _bone(across, 3.0), share(across, edge))


LAYERS: tuple[Layer, ...] = (
    Layer(_everywhere, _paint_table),
    Layer(_everywhere, _paint_trunk),
    Layer(_breastbone_box, _paint_breastbone),
    Layer(_inside_box, _paint_inside),
    Layer(_spine_box, _paint_spine),
)

GREAT_VESSELS: tuple[Branch, ...] = tuple(
    Branch(np.array(start), np.array(end), radius, end_radius)
    for start, end, radius, end_radius in (
        ((-12.0, -26.0, -40.0), (-14.0, -24.0, 18.0), 16.0, 15.0),  # ascending aorta
        ((-14.0, -24.0, 20.0), (20.0, 24.0, 22.0), 14.0, 12.0),  # arch
        ((22.0, 34.0, 22.0), (24.0, 47.0, -20.0), 12.0, 12.0),
        ((24.0, 48.0, -20.0), (18.0, 44.0, -260.0), 12.0, 11.0),  # descending aorta
        ((-24.0, -12.0, -40.0), (-22.0, -12.0, 60.0), 9.0, 8.0),  # superior vena cava
        ((16.0, -34.0, -36.0), (16.0, -14.0, -8.0), 15.0, 14.0),  # pulmonary trunk
        ((16.0, -14.0, -8.0), (-34.0, 0.0, -12.0), 11.0, 8.0),
        ((16.0, -14.0, -8.0), (38.0, 6.0, -8.0), 11.0, 8.0),
        ((4.0, 36.0, 120.0), (6.0, 38.0, -120.0), 6.0, 6.0),  # oesophagus
        ((-12.0, -8.0, 26.0), (-22.0, 0.0, 110.0), 6.5, 6.0),  # vessels to the head and arms
        ((6.0, 0.0, 28.0), (10.0, 2.0, 120.0), 5.0, 4.5),
        ((20.0, 12.0, 28.0), (26.0, 12.0, 110.0), 6.0, 5.5),
        ((-22.0, -14.0, 58.0), (30.0, -18.0, 66.0), 7.0, 6.0),
    )
)


def lung_attenuation(chest: Chest, point: Point) -> Field:
    """Aerated lung: denser towards the back, where the blood runs; fissures are thin lines."""
    x, y, z = point
    fissure = np.abs(chest.oblique_fissure(point)) * np.float32(0.69)  # it runs at 46°
    level = np.abs(chest.horizontal_fissure(point)) + np.where(x < 0, 0.0, FAR_MM)
    level = level + np.maximum(-chest.oblique_fissure(point), 0.0)
    lines = np.maximum(1.4 - np.minimum(fissure, level), 0.0)
    mottle = np.sin(x * 0.23 + 1.0) * np.sin(y * 0.19) + np.sin(y * 0.31 + z * 0.17)
    value: Field = (
        np.float32(LUNG_HU) + 0.22 * y + 0.05 * (-z) + 70.0 * lines + np.float32(5.0) * mottle
    ).astype(np.float32)
    return value


def noise(shape: tuple[int, ...], sigma_hu: float, seed: list[int]) -> NDArray[np.float32]:
    """Noise with the grain of a soft kernel: neighbours in a slice are alike.

    The grain is that of a Gaussian of 0.7 pixels; slices are independent, as with a thin beam.
    """
    from scipy.ndimage import gaussian_filter1d

    grain = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    for axis in (1, 2):
        grain = gaussian_filter1d(grain, 0.7, axis=axis, mode="wrap", truncate=3.0)
    blurred: NDArray[np.float32] = grain * np.float32(sigma_hu / max(float(grain.std()), 1e-6))
    return blurred
