"""Vessels that fill the lungs: trees grown to random places, thinner with every division."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantom.chest import Chest
from phantom.grid import Box

Points = NDArray[np.float64]

TWIG_RADIUS_MM = 0.55
GROWTH = 0.36
"""Radius grows with this power of the number of twigs; Murray's law says 1/3."""

HILA_MM = {"right": (-36.0, 6.0, -12.0), "left": (38.0, 8.0, -14.0)}


@dataclass(frozen=True, slots=True)
class Branch:
    """A straight piece of vessel or airway."""

    start: Points
    end: Points
    start_radius_mm: float
    end_radius_mm: float

    @property
    def box(self) -> Box:
        """A box that holds the piece, its wall and its soft edge."""
        reach = max(self.start_radius_mm, self.end_radius_mm) + 4.0
        low = np.minimum(self.start, self.end) - reach
        high = np.maximum(self.start, self.end) + reach
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


AIRWAYS: tuple[Branch, ...] = tuple(
    Branch(np.array(start), np.array(end), radius, end_radius)
    for start, end, radius, end_radius in (
        ((0.0, 12.0, 0.0), (0.0, 2.0, 200.0), 8.5, 8.5),  # trachea
        ((0.0, 12.0, 0.0), (-36.0, 8.0, -16.0), 7.0, 6.0),  # right main bronchus
        ((0.0, 12.0, 0.0), (42.0, 12.0, -24.0), 6.5, 5.5),  # left main bronchus
        ((-30.0, 9.0, -10.0), (-54.0, 0.0, 14.0), 4.0, 2.2),
        ((-36.0, 8.0, -16.0), (-48.0, 30.0, -62.0), 4.8, 2.4),
        ((-38.0, 6.0, -24.0), (-58.0, -32.0, -48.0), 3.4, 1.8),
        ((42.0, 12.0, -24.0), (60.0, -14.0, 8.0), 4.0, 2.2),
        ((42.0, 12.0, -24.0), (54.0, 34.0, -68.0), 4.6, 2.4),
    )
)


def grow_vessels(chest: Chest, seed: int, twigs: int) -> list[Branch]:
    """Arteries and veins of both lungs.

    Parameters
    ----------
    twigs : ends of each of the four trees
    """
    random = np.random.default_rng([seed, 2])
    found: list[Branch] = []
    for side, root in HILA_MM.items():
        for _ in ("artery", "vein"):
            ends = _places_in_lung(chest, side, twigs, random)
            found.extend(_tree(np.array(root), ends, random))
    return found


def _places_in_lung(chest: Chest, side: str, count: int, random: np.random.Generator) -> Points:
    """Places spread evenly through a lung, some millimetres away from its surface."""
    low, high = np.array(chest.lung_box)
    found: list[Points] = []
    while sum(len(piece) for piece in found) < count:
        places = random.uniform(low, high, size=(8 * count, 3))
        x, y, z = places.astype(np.float32).T
        inside = (chest.lungs((x, y, z)) < -random.uniform(4.0, 9.0)) & (
            (x < 0) == (side == "right")
        )
        found.append(places[inside])
    return np.concatenate(found)[:count]


def _tree(start: Points, ends: Points, random: np.random.Generator) -> Iterator[Branch]:
    """Divide the places to reach in two, again and again, and lead a branch to each part."""
    pending = [(start, ends, _radius(len(ends)))]
    while pending:
        origin, goals, radius = pending.pop()
        if len(goals) == 1:
            yield Branch(origin, goals[0], radius, 0.7 * TWIG_RADIUS_MM)
            continue
        centre = goals.mean(axis=0)
        fork = origin + random.uniform(0.38, 0.55) * (centre - origin)
        fork += random.normal(scale=0.06 * float(np.linalg.norm(centre - origin)), size=3)
        own_radius = _radius(len(goals))
        yield Branch(origin, fork, radius, own_radius)
        across = np.linalg.svd(goals - centre, full_matrices=False)[2][0]
        order = np.argsort(goals @ across)
        cut = int(np.clip(round(len(goals) * random.uniform(0.35, 0.65)), 1, len(goals) - 1))
        for part in (order[:cut], order[cut:]):
            pending.append((fork, goals[part], min(own_radius, 1.15 * _radius(len(part)))))


def _radius(twigs: int) -> float:
    return float(TWIG_RADIUS_MM * twigs**GROWTH)
