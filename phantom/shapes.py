"""Distances to simple bodies, and how edges are softened.

All distances are in mm, negative inside. They are exact for circles, slabs and capsules and near
the surface good to some percent for the rest, which is all that edges and walls need.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]


def share(distance: Field, width_mm: float) -> Field:
    """How much of a voxel lies inside: 1 inside, 0 outside, linear across an edge `width_mm`."""
    inside: Field = np.clip(0.5 - distance * np.float32(1.0 / width_mm), 0.0, 1.0)
    return inside


def smooth_max(first: Field, second: Field, radius_mm: float) -> Field:
    """The larger of two distances (the intersection), with the corner rounded."""
    near = np.maximum(np.float32(radius_mm) - np.abs(first - second), 0.0)
    rounded: Field = np.maximum(first, second) + near * near * np.float32(0.25 / radius_mm)
    return rounded


def circle(u: Field, v: Field, radius_mm: float) -> Field:
    """Distance to a circle (a cylinder) around the origin of `u`, `v`."""
    distance: Field = np.sqrt(u * u + v * v) - np.float32(radius_mm)
    return distance


def ellipsoid(offsets: tuple[Field, ...], radii: tuple[float | Field, ...]) -> Field:
    """Distance to an ellipsoid (or ellipse) along the ray from its centre.

    Parameters
    ----------
    offsets : from the centre, along each axis, mm
    radii : along each axis, mm
    """
    squared = sum((offset / radius) ** 2 for offset, radius in zip(offsets, radii, strict=True))
    relative = np.sqrt(np.asarray(squared, dtype=np.float32)) + np.float32(1e-6)
    length = np.sqrt(np.asarray(sum(offset * offset for offset in offsets), dtype=np.float32))
    distance: Field = length - length / relative
    return distance


def squircle(u: Field, v: Field, half_u: Field, half_v: Field, squareness: float) -> Field:
    """Distance, along the ray, to an ellipse with fuller corners: the outline of a trunk.

    The curve is a² + b² − s a² b² = 1 with a = u / half_u, b = v / half_v (Fernandez-Guasti).
    """
    most = np.float32(1.6)  # past this the curve would turn inwards again
    a2 = np.minimum((u / half_u) ** 2, most)
    b2 = np.minimum((v / half_v) ** 2, most)
    relative = np.sqrt(np.maximum(a2 + b2 - np.float32(squareness) * a2 * b2, 1e-6))
    length = np.sqrt(u * u + v * v)
    distance: Field = length - length / relative
    return distance


def capsule(
    point: tuple[Field, Field, Field],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    start_radius_mm: float,
    end_radius_mm: float,
) -> Field:
    """Distance to a rod with round ends whose radius changes evenly from end to end."""
    along = (end - start).astype(np.float32)
    squared = float(along @ along) or 1.0
    offsets = [point[axis] - np.float32(start[axis]) for axis in range(3)]
    place = sum(offsets[axis] * along[axis] for axis in range(3)) * np.float32(1.0 / squared)
    place = np.clip(place, 0.0, 1.0)
    gaps = [offsets[axis] - place * along[axis] for axis in range(3)]
    length = np.sqrt(gaps[0] * gaps[0] + gaps[1] * gaps[1] + gaps[2] * gaps[2])
    radius = np.float32(start_radius_mm) + place * np.float32(end_radius_mm - start_radius_mm)
    distance: Field = length - radius
    return distance


def plane_waves(
    point: tuple[Field, Field, Field], *, wavelength_mm: float, count: int, seed: int
) -> Field:
    """A smooth random field of about -1 to 1: a sum of waves in random directions.

    It has a value at every place, so that every grid samples the same field.
    """
    random = np.random.default_rng(seed)
    total = np.zeros((), dtype=np.float32)
    for _ in range(count):
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        frequency = 2 * np.pi / (wavelength_mm * random.uniform(0.7, 1.4))
        phase = random.uniform(0, 2 * np.pi)
        angle = sum(
            point[axis] * np.float32(frequency * direction[axis]) for axis in range(3)
        ) + np.float32(phase)
        total = np.asarray(total + np.sin(angle), dtype=np.float32)
    waves: Field = total * np.float32(1.0 / np.sqrt(count))
    return waves
