"""Bleedings of the phantom: where they are, how much blood they hold, and where they end.

The size of each follows from the volume that was asked for: every kind is a family of bodies, one
inside the other, so that the size is a quantile over the places that blood of this kind can fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from firstread.phantom.shapes import Field, plane_waves
from phantom.head.anatomy import Head, Point

SOLVE_MM = 1.25
"""Spacing of the grid on which sizes are solved."""

_OUTWARD = 0.55
"""How far outside the skull, in radii, the ball lies that bounds an extradural bleeding."""

_SPREAD_MM = 72.0
"""How far a subdural bleeding reaches from its thickest place."""

_THINNEST = 0.02  # share of the greatest thickness at which a crescent ends
_RAGGED = 0.14
_DURA_MM = 2.0
_NOWHERE = np.float32(1e6)


class BleedingLabel(IntEnum):
    """Values of the truth map."""

    NONE = 0
    EXTRADURAL = 1
    SUBDURAL = 2
    INTRAPARENCHYMAL = 3
    INTRAVENTRICULAR = 4


@dataclass(frozen=True, slots=True)
class Bleeding:
    """A bleeding as it is asked for.

    Attributes
    ----------
    volume_ml : of blood, exact on a fine grid
    at_mm : LPS. Its middle in the brain; for the extradural and subdural kinds the place on the
        skull in this direction from the origin; for the intraventricular kind of no effect
    attenuation_hu : 55 to 75 HU when it is fresh
    seed : of the edge and the texture
    """

    kind: BleedingLabel
    volume_ml: float
    at_mm: tuple[float, float, float] = (40.0, 0.0, 20.0)
    attenuation_hu: float = 65.0
    seed: int = 0


@dataclass(frozen=True)
class PlacedBleeding:
    """A bleeding in a head, with the size that gives its volume.

    Attributes
    ----------
    size : radius (extradural), greatest thickness (subdural), mean radius (intraparenchymal) or
        the height of the fluid level along the patient's back (intraventricular), mm
    """

    bleeding: Bleeding
    head: Head
    anchor_mm: NDArray[np.float64]
    size: float

    def surface(self, point: Point, cavity: Field) -> Field:
        """Distance to the edge in mm, negative inside.

        Parameters
        ----------
        cavity : `Head.cavity` at the same places
        """
        size = _size_at(self.bleeding, self.head, self.anchor_mm, point, cavity)
        container = _container(self.bleeding, self.head, point, cavity)
        distance: Field = np.maximum((size - self.size) * self._stretch(point), container)
        return distance

    def attenuation(self, point: Point) -> Field:
        """HU inside: clotted blood is not even."""
        grain = plane_waves(point, wavelength_mm=9.0, count=6, seed=self.bleeding.seed + 1)
        return np.float32(self.bleeding.attenuation_hu) + np.float32(3.0) * grain

    def _stretch(self, point: Point) -> np.float32 | Field:
        """From a difference in size to a distance in mm, near the surface."""
        if self.bleeding.kind is BleedingLabel.SUBDURAL:
            return np.maximum(_taper(self.anchor_mm, point), np.float32(_THINNEST))
        if self.bleeding.kind is BleedingLabel.EXTRADURAL:
            return np.float32(1.0 - _OUTWARD)
        return np.float32(1.0)


def place_bleeding(bleeding: Bleeding, head: Head) -> PlacedBleeding:
    """Find the size that gives the volume.

    Raises
    ------
    ValueError
        There is no room for so much blood.
    """
    anchor = _anchor(bleeding, head)
    point = _solving_grid(head)
    cavity = head.cavity(point)
    inside = _container(bleeding, head, point, cavity) <= 0
    sizes = _size_at(bleeding, head, anchor, point, cavity)[inside]
    count = round(bleeding.volume_ml * 1000.0 / SOLVE_MM**3)
    if not 0 < count < np.count_nonzero(sizes < 0.5 * _NOWHERE):
        raise ValueError(f"no room for {bleeding.volume_ml:g} ml {bleeding.kind.name.lower()}")
    size = float(np.partition(sizes, count)[count])
    return PlacedBleeding(bleeding, head, anchor, size)


def _solving_grid(head: Head) -> Point:
    low, high = head.cavity_box
    axes = [np.arange(a, b, SOLVE_MM, dtype=np.float32) for a, b in zip(low, high, strict=True)]
    return axes[0][None, None, :], axes[1][None, :, None], axes[2][:, None, None]


def _anchor(bleeding: Bleeding, head: Head) -> NDArray[np.float64]:
    """The middle of a bleeding: on the inner table where it lies along the skull."""
    at = np.array(bleeding.at_mm, dtype=np.float64)
    if bleeding.kind not in (BleedingLabel.EXTRADURAL, BleedingLabel.SUBDURAL):
        return at
    ray = at / np.linalg.norm(at)
    steps = np.arange(10.0, 140.0, 0.25)
    x, y, z = ((ray[:, None] * steps).astype(np.float32)[axis] for axis in range(3))
    outside = head.cavity((x, y, z)) > 0
    anchor: NDArray[np.float64] = ray * steps[int(np.argmax(outside))]
    return anchor


def _container(bleeding: Bleeding, head: Head, point: Point, cavity: Field) -> Field:
    """Distance to the places that blood of this kind can fill."""
    if bleeding.kind is BleedingLabel.INTRAVENTRICULAR:
        return head.ventricles(point)
    if bleeding.kind is BleedingLabel.SUBDURAL:
        side = np.sign(bleeding.at_mm[0]) or 1.0
        beside = np.float32(_DURA_MM) - np.float32(side) * head.settled(point)[0]
        above: Field = np.maximum(np.maximum(cavity, beside), np.float32(-24.0) - point[2])
        return above
    if bleeding.kind is BleedingLabel.INTRAPARENCHYMAL:
        return cavity + np.float32(_DURA_MM)
    return cavity


def _size_at(
    bleeding: Bleeding, head: Head, anchor: NDArray[np.float64], point: Point, cavity: Field
) -> Field:
    """The size at which a bleeding would just reach each place."""
    if bleeding.kind is BleedingLabel.EXTRADURAL:
        return _ball(anchor, point)
    if bleeding.kind is BleedingLabel.SUBDURAL:
        taper = _taper(anchor, point)
        return np.where(taper > _THINNEST, -cavity / np.maximum(taper, _THINNEST), _NOWHERE)
    if bleeding.kind is BleedingLabel.INTRAPARENCHYMAL:
        return _ragged_ellipsoid(bleeding, anchor, point)
    _, y, z = point
    level: Field = np.float32(100.0) - y + 0.05 * z  # blood settles towards the back
    return np.broadcast_to(level, np.broadcast_shapes(level.shape, cavity.shape))


def _offsets(anchor: NDArray[np.float64], point: Point) -> tuple[Field, Field, Field]:
    x, y, z = (point[axis] - np.float32(anchor[axis]) for axis in range(3))
    return x, y, z


def _ball(anchor: NDArray[np.float64], point: Point) -> Field:
    """Radius of the ball that reaches a place; its middle moves outwards as it grows.

    Solves |v − k s n| = s for s, with v from the anchor, n outwards, k = `_OUTWARD`.
    """
    x, y, z = _offsets(anchor, point)
    outward = (anchor / np.linalg.norm(anchor)).astype(np.float32)
    along = _OUTWARD * (x * outward[0] + y * outward[1] + z * outward[2])
    rest = np.float32(1.0 - _OUTWARD**2)
    radius: Field = (np.sqrt(along * along + rest * (x * x + y * y + z * z)) - along) / rest
    return radius


def _taper(anchor: NDArray[np.float64], point: Point) -> Field:
    """Thickness of a crescent, as a share of its greatest."""
    x, y, z = _offsets(anchor, point)
    taper: Field = 1.0 - (x * x + y * y + z * z) * np.float32(1.0 / _SPREAD_MM**2)
    return taper


def _ragged_ellipsoid(bleeding: Bleeding, anchor: NDArray[np.float64], point: Point) -> Field:
    random = np.random.default_rng([bleeding.seed, 7])
    radii = np.exp(random.uniform(-0.3, 0.3, 3))
    radii /= np.cbrt(np.prod(radii))
    mean = np.cbrt(bleeding.volume_ml * 1000.0 * 0.75 / np.pi)
    x, y, z = _offsets(anchor, point)
    distance = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)
    edge = plane_waves(point, wavelength_mm=1.1 * float(mean), count=5, seed=bleeding.seed)
    return np.asarray(distance + edge * np.float32(_RAGGED * mean), dtype=np.float32)


_IN_BRAIN_MM = (
    (26.0, -2.0, 4.0),  # lentiform nucleus
    (12.0, 8.0, 4.0),  # thalamus
    (38.0, -42.0, 16.0),  # frontal lobe
    (42.0, 30.0, 26.0),  # parietal lobe
    (46.0, 4.0, -20.0),  # temporal lobe
    (28.0, 60.0, 10.0),  # occipital lobe
    (24.0, 48.0, -46.0),  # cerebellum
)


def random_bleedings(seed: int) -> tuple[Bleeding, ...]:
    """One or two bleedings of an adult, as they differ, of 1 to about 60 ml."""
    random = np.random.default_rng([seed, 2])
    kinds = random.choice(
        [label for label in BleedingLabel if label is not BleedingLabel.NONE],
        size=1 + int(random.uniform() < 0.3),
        replace=False,
        p=[0.2, 0.3, 0.35, 0.15],
    )
    return tuple(_random_bleeding(BleedingLabel(kind), random) for kind in kinds)


def _random_bleeding(kind: BleedingLabel, random: np.random.Generator) -> Bleeding:
    side = -1.0 if random.uniform() < 0.5 else 1.0
    if kind is BleedingLabel.INTRAPARENCHYMAL:
        x, y, z = _IN_BRAIN_MM[int(random.integers(len(_IN_BRAIN_MM)))]
        place = np.array([side * x, y, z]) + random.normal(0.0, 4.0, 3)
    else:
        about, up = random.uniform(-1.2, 1.9), random.uniform(-0.1, 0.8)
        place = 60.0 * np.array([side * np.cos(about), np.sin(about), np.sin(up)])
    most_ml = 4.0 if kind is BleedingLabel.INTRAVENTRICULAR else 60.0
    return Bleeding(
        kind=kind,
        volume_ml=float(np.exp(random.uniform(np.log(1.0), np.log(most_ml)))),
        at_mm=(float(place[0]), float(place[1]), float(place[2])),
        attenuation_hu=float(random.uniform(55.0, 75.0)),
        seed=int(random.integers(1 << 30)),
    )
