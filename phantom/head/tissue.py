"""Attenuation of the phantom's head, painted from the skin in.

Values are usual ones at 120 kV without contrast agent.
"""

from __future__ import annotations

import numpy as np

from firstread.phantom.shapes import Field, capsule, circle, ellipsoid, plane_waves, share
from firstread.phantom.tissue import AIR_HU, FAT_HU, MUSCLE_HU, paint
from phantom.head.anatomy import Head, Point

FLUID_HU, WHITE_HU, GREY_HU = 6.0, 28.5, 38.0
DURA_HU, SINUS_HU, OEDEMA_HU = 50.0, 54.0, 20.0
CORTEX_HU, DIPLOE_HU, CALCIUM_HU = 1350.0, 620.0, 190.0

_CORTEX_MM = 3.2
_HARDENED_HU, _HARDENED_MM = 5.0, 6.0  # what beam hardening leaves beside the skull


def paint_table(attenuation: Field, point: Point, edge: float) -> None:
    """The head rest: a curved shell under the head."""
    x, y, _ = point
    shell = np.abs(circle(x, y + 4.0, 118.0)) - 1.2
    paint(attenuation, -80.0, share(np.maximum(shell, 20.0 - y), edge) * 0.9)


def paint_outside(attenuation: Field, head: Head, point: Point, cavity: Field, edge: float) -> None:
    """Skin, fat, the muscles of face and neck, the skull and its base."""
    skin = head.skin(point, cavity)
    paint(attenuation, 25.0, share(skin, edge))
    paint(attenuation, FAT_HU + 15.0, share(skin + 2.0, edge))
    planes = plane_waves(point, wavelength_mm=40.0, count=4, seed=3)
    muscle = np.maximum(skin + np.float32(0.6 * head.scalp_mm), 4.0 * planes - 3.0)
    paint(attenuation, MUSCLE_HU, share(muscle, edge))
    _paint_face(attenuation, point, edge)
    bone = cavity - np.float32(head.skull_mm)
    across = np.abs(cavity - np.float32(0.5 * head.skull_mm)) / np.float32(0.5 * head.skull_mm)
    value = DIPLOE_HU + (CORTEX_HU - DIPLOE_HU) * np.clip(1.6 * across - 0.3, 0.0, 1.0)
    paint(attenuation, value, share(bone, edge))


def _paint_face(attenuation: Field, point: Point, edge: float) -> None:
    """Orbits, nasal cavity and sinuses, the petrous bones with air in their cells, the clivus."""
    x, y, z = point
    aside = (np.abs(x), y, z)
    orbit = ellipsoid((aside[0] - 31.0, y + 62.0, z + 38.0), (19.0, 26.0, 16.0))
    paint(attenuation, 900.0, share(np.abs(orbit - 1.5) - 1.5, edge))
    paint(attenuation, FAT_HU + 15.0, share(orbit, edge))
    globe = ellipsoid((aside[0] - 32.0, y + 72.0, z + 38.0), (12.0, 12.0, 12.0))
    paint(attenuation, 15.0, share(globe, edge))
    nose = ellipsoid((x, y + 58.0, z + 44.0), (11.0, 30.0, 18.0))
    paint(attenuation, 700.0, share(np.abs(nose) - 1.2, edge))
    paint(attenuation, AIR_HU + 60.0, share(nose, edge))
    petrous = capsule(aside, np.array([14.0, 2.0, -40.0]), np.array([58.0, 26.0, -44.0]), 7.0, 14.0)
    paint(attenuation, 1050.0, share(petrous, edge))
    cells = plane_waves(point, wavelength_mm=9.0, count=5, seed=5)
    mastoid = ellipsoid((aside[0] - 56.0, y - 26.0, z + 46.0), (10.0, 12.0, 14.0))
    paint(attenuation, -750.0, share(np.maximum(mastoid, -4.0 * cells), edge))
    clivus = capsule(point, np.array([0.0, 0.0, -28.0]), np.array([0.0, 16.0, -66.0]), 7.0, 5.0)
    paint(attenuation, 650.0, share(clivus, edge))
    sphenoid = ellipsoid((x, y + 14.0, z + 34.0), (12.0, 9.0, 7.0))
    paint(attenuation, AIR_HU + 40.0, share(sphenoid, edge))


def paint_brain(attenuation: Field, head: Head, point: Point, cavity: Field, edge: float) -> None:
    """Fluid, grey and white matter, ventricles, and the sheets of dura between the parts."""
    settled = head.settled(point)
    inside = share(cavity, edge)
    brain = head.brain(point, cavity)
    matter = _matter(point, settled, brain, edge)
    fluid = share(brain, edge)
    value: Field = FLUID_HU + fluid * (matter - FLUID_HU)
    value = _with_cisterns(value, settled, edge)
    ventricles = head.ventricles(point)
    value += share(ventricles, edge) * (FLUID_HU - value)
    value = _with_sheets(value, head, settled, cavity, edge)
    value += _HARDENED_HU * np.exp(np.minimum(cavity, 0.0) / _HARDENED_MM)
    paint(attenuation, value, inside)


def _matter(point: Point, settled: Point, brain: Field, edge: float) -> Field:
    """Grey matter under the surface and in the nuclei, white matter elsewhere."""
    x, y, z = settled
    aside = np.abs(x)
    nuclei = np.minimum(
        ellipsoid((aside - 25.0 - 0.1 * y, y + 1.0, z - 3.0), (8.0, 17.0, 11.0)),  # lentiform
        np.minimum(
            ellipsoid((aside - 11.0, y - 12.0, z - 4.0), (8.5, 14.0, 9.0)),  # thalamus
            ellipsoid((aside - 13.0, y + 22.0, z - 9.0), (4.5, 11.0, 8.0)),  # caudate
        ),
    )
    grey = np.maximum(share(-brain - _CORTEX_MM, 2.0), share(nuclei, 2.5))
    below = share(np.maximum(z + 28.0, 14.0 - y), 6.0)  # cerebellum and brain stem
    matter = WHITE_HU + grey * (GREY_HU - WHITE_HU)
    folia = 35.0 + 2.5 * np.sin(1.1 * z + 0.5 * y)
    matter += below * (folia - matter)
    mottle = plane_waves(point, wavelength_mm=14.0, count=4, seed=9)
    smooth: Field = (matter + np.float32(0.8) * mottle).astype(np.float32)
    return smooth


def _with_cisterns(value: Field, settled: Point, edge: float) -> Field:
    """Fluid around the brain stem, above the sella and in the Sylvian fissures."""
    x, y, z = settled
    stem = capsule((x, y, z), np.array([0.0, 16.0, -8.0]), np.array([0.0, 26.0, -70.0]), 14.0, 11.0)
    around = np.maximum(
        np.abs(stem - 1.5) - 1.2 - 0.8 * np.sin(0.2 * x + 0.15 * y),
        np.maximum(z + 4.0, np.abs(y - 18.0) - 22.0),
    )
    above_sella = ellipsoid((x, y + 9.0, z + 14.0), (13.0, 10.0, 5.0))
    sylvian = ellipsoid((np.abs(x) - 42.0 - 0.15 * y, y + 8.0, z + 2.0), (2.6, 20.0, 11.0))
    fluid = np.minimum(np.minimum(around, above_sella), sylvian)
    mixed: Field = value + share(fluid, edge) * (FLUID_HU - value)
    return mixed


def _with_sheets(value: Field, head: Head, settled: Point, cavity: Field, edge: float) -> Field:
    """Falx, tentorium and the sinuses at their rims: denser than brain, and no bleeding."""
    x, y, z = settled
    falx = np.maximum(np.abs(x) - 0.9, np.maximum(20.0 - z + 0.12 * np.abs(y), cavity))
    thin = min(1.0, 1.8 / edge)
    value = value + thin * share(falx, edge) * (DURA_HU - value)
    sheet = np.maximum(np.abs(head.tentorium((x, y, z))) - 0.9, 18.0 - y)
    value += thin * share(sheet, edge) * (DURA_HU - value)
    rim = np.maximum(np.abs(x) - 0.6 * (cavity + 9.0), np.maximum(-cavity - 9.0, -10.0 - y))
    sinus = np.maximum(rim, -z)
    value += share(sinus, edge) * (SINUS_HU - value)
    return value


def paint_calcium(
    attenuation: Field, head: Head, point: Point, edge: float, random: np.random.Generator
) -> None:
    """Calcium of the choroid plexus, the pineal and sometimes the falx: dense, and no bleeding."""
    x, y, z = head.settled(point)
    for side in (-1.0, 1.0):
        radius = random.uniform(0.0, 4.0)
        away = (x - side * 25.0, y - 40.0, z - 4.0)
        spot = ellipsoid(away, (radius + 0.1, 1.5 * radius + 0.1, radius + 2.0))
        paint(attenuation, random.uniform(90.0, 260.0), share(spot, edge) * min(1.0, radius))
    pineal = ellipsoid((x, y - 24.0, z + 1.0), (2.2, 2.8, 3.0))
    paint(attenuation, CALCIUM_HU, share(pineal, edge) * random.uniform(0.0, 1.0))
    falx = ellipsoid((x, y + random.uniform(-10.0, 50.0), z - 48.0), (1.6, 9.0, 6.0))
    paint(attenuation, CALCIUM_HU, share(falx, edge) * float(random.uniform() < 0.2))
