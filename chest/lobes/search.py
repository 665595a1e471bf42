"""Look for a fissure in the whole of a lung: many simple surfaces, the best few kept.

A surface is a polynomial over the mean plane with seven numbers. Candidates are drawn from the
prior and scored by the voxels on them. The best are moved until they settle (random sample
consensus, with a score in place of a count of inliers). Two things speak for a surface: bright
sheets on it, and few vessels near it, since vessels do not cross a fissure. Sheets are thin, so
candidates near one are found first, by sheets made wide, and brought onto it then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.lobes.priors import FissurePrior
from chest.lobes.reduced_lung import FloatArray
from chest.lobes.slab import HEIGHT_MM, PLACE_MM, Millimetres, Slab

STARTS = 3  # surfaces that are worth a closer look
_DRAWN = 6000
_USUAL = 1000  # of these say what surfaces at random get
_CLIMBERS = 16  # candidates far apart, each followed on its own
_FAR_MM = 6.0
_KEPT = 4  # of each climber's moves
_MOVES = 10  # of each that was kept, in each round
_WIDTHS_MM = (4.0, 4.0, 4.0, 2.5, 2.5, 0.0, 0.0, 0.0)  # of sheets, in each round
_SHRINK = 0.75  # of the moves, from round to round
_NODES = 400  # at which a candidate is looked at
_PLACES = 400  # at which its share of volume is counted
_SHEET_MM = 1.5  # half a fissure's width on the reduced grid
_BAND_MM = 4.0  # vessels keep about this distance from a fissure
_STEADY_MM = 3.0
_LEAST_HU, _MOST_HU = -2.0, 8.0  # of the second derivative: one bright vessel must not decide
_LEAST_AREA = 0.35  # of the usual area of a candidate
_AT_THE_HILUM, _IN_A_BAND = -1.0, 3.0  # limits of what vessels say, in standard deviations
_LARGEST_BENDS_MM = (25.0, 20.0, 20.0, 15.0)  # one standard deviation, after the moves


@dataclass(frozen=True)
class SurfaceCandidate:
    """A surface and its score in standard deviations of surfaces at random."""

    height_mm: Millimetres
    score: float


class _Evidence:
    """What lies on polynomial surfaces of a slab."""

    def __init__(self, slab: Slab, random: np.random.Generator) -> None:
        low, high = np.percentile(slab.lung_mm[:, :2], [3.0, 97.0], axis=0)
        self.middle, self.half = (low + high) / 2.0, np.maximum((high - low) / 2.0, PLACE_MM)
        aside, along = np.meshgrid(slab.aside_mm, slab.along_mm, indexing="ij")
        self.shape = aside.shape
        self.terms = self._terms(aside.ravel(), along.ravel())
        seen = slab.aerated > 0.5
        vessels = _vessels_near(slab, seen)
        self._found = {
            width: np.pad(np.stack([sheets, vessels, seen.ravel()], axis=1), ((0, 1), (0, 0)))
            for width, sheets in _sheets(slab, seen).items()
        }
        self._lowest, self._levels = float(slab.height_mm[0]), slab.height_mm.size
        self._nodes = random.permutation(np.flatnonzero(seen.any(axis=2).ravel()))[:_NODES]
        self._node_terms = self.terms[:, self._nodes]
        places = slab.lung_mm[random.permutation(len(slab.lung_mm))[:_PLACES]]
        self._place_terms = self._terms(places[:, 0], places[:, 1])
        self._place_heights = places[:, 2].astype(np.float32)

    def _terms(self, aside_mm: Millimetres, along_mm: Millimetres) -> FloatArray:
        x = (aside_mm - self.middle[0]) / self.half[0]
        u = (along_mm - self.middle[1]) / self.half[1]
        constant = np.ones_like(x)
        terms: FloatArray = np.stack([constant, u, x, u * u, x * x, x * u, u**3 - 0.6 * u])
        return terms.astype(np.float32)

    def at(self, numbers: FloatArray, width_mm: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean sheet, mean share of vessels, and area of each candidate."""
        level = np.rint((numbers @ self._node_terms - self._lowest) / HEIGHT_MM).astype(np.int32)
        outside = (level < 0) | (level >= self._levels)
        index = np.where(outside, -1, self._nodes * self._levels + level)  # the last one is empty
        # Node after node for all candidates at once: a third of the time of each for itself.
        by_node = self._found[width_mm].take(np.ascontiguousarray(index.T), axis=0)
        sheets, vessels, area = np.add.reduce(by_node, axis=0).T
        least = np.maximum(area, 1.0)
        return sheets / least, vessels / least, area

    def apart_mm(self, numbers: FloatArray, surface: FloatArray) -> FloatArray:
        """Mean distance in height of candidates from one."""
        apart: FloatArray = np.abs((numbers - surface) @ self._node_terms[:, ::10]).mean(axis=1)
        return apart

    def share_below(self, numbers: FloatArray) -> FloatArray:
        """Share of the lung's volume below each candidate."""
        below: FloatArray = (self._place_heights < numbers @ self._place_terms).mean(axis=1)
        return below

    def raise_to(self, numbers: FloatArray, shares: FloatArray) -> None:
        """Set each candidate's height so that a given share of the lung is below it."""
        above = np.sort(self._place_heights - numbers @ self._place_terms, axis=1)
        rank = (shares * self._place_heights.size).astype(np.int64)
        numbers[:, 0] += above[np.arange(len(numbers)), rank]


def _sheets(slab: Slab, seen: NDArray[np.bool_]) -> dict[float, FloatArray]:
    """How much brighter each node is than above and below it, by width."""
    steady = _STEADY_MM / PLACE_MM
    across = _SHEET_MM / HEIGHT_MM
    curve = ndimage.gaussian_filter(
        slab.texture, (steady, steady, across), order=(0, 0, 2), truncate=3.0
    )
    thin = np.clip(-(across**2) * curve, _LEAST_HU, _MOST_HU) * seen
    return {
        width: (
            ndimage.gaussian_filter1d(thin, width / HEIGHT_MM, axis=2) if width else thin
        ).ravel()
        for width in sorted(set(_WIDTHS_MM))
    }


def _vessels_near(slab: Slab, seen: NDArray[np.bool_]) -> FloatArray:
    """Share of vessels in the band about each node."""
    band = (0.5, 0.5, _BAND_MM / HEIGHT_MM)
    near: FloatArray = ndimage.gaussian_filter(slab.vessels, band, truncate=2.0) * seen
    return near.ravel()


class _Score:
    """Scores candidates against what candidates at random get."""

    def __init__(
        self, evidence: _Evidence, prior: FissurePrior, drawn: FloatArray, width_mm: float
    ) -> None:
        self._evidence, self._prior, self._width_mm = evidence, prior, width_mm
        sheet, vessels, area = evidence.at(drawn, width_mm)
        self._least_area = _LEAST_AREA * float(np.median(area))
        usual = area > self._least_area
        self._sheet = sheet[usual].mean(), sheet[usual].std() + 1e-6
        self._vessels = vessels[usual].mean(), vessels[usual].std() + 1e-6

    def of(self, numbers: FloatArray) -> FloatArray:
        """Sheets and missing vessels in standard deviations, less what the prior says against."""
        sheet, vessels, area = self._evidence.at(numbers, self._width_mm)
        share = self._evidence.share_below(numbers)
        below = self._prior.below
        without_vessels = (self._vessels[0] - vessels) / self._vessels[1]
        score = (sheet - self._sheet[0]) / self._sheet[1]
        score += without_vessels.clip(_AT_THE_HILUM, _IN_A_BAND)
        score -= 0.5 * ((share - below.mean) / below.spread) ** 2
        score -= 0.5 * ((numbers[:, 3:] / np.array(_LARGEST_BENDS_MM)) ** 2).sum(axis=1)
        impossible = (area < self._least_area) | (share < below.least) | (share > below.most)
        return np.where(impossible, -np.inf, score).astype(np.float32)


def _draw(evidence: _Evidence, prior: FissurePrior, random: np.random.Generator) -> FloatArray:
    """Candidates as the prior expects them."""
    numbers = np.zeros((_DRAWN, 7), dtype=np.float32)
    numbers[:, 1] = random.uniform(-1, 1, _DRAWN) * prior.slope_back * evidence.half[1]
    numbers[:, 2] = random.uniform(-1, 1, _DRAWN) * prior.slope_aside * evidence.half[0]
    # Many fissures are nearly flat: some candidates bend as much as they may, others hardly.
    numbers[:, 3:] = random.normal(0.0, prior.bends_mm, (_DRAWN, 4)) * random.random((_DRAWN, 1))
    below = prior.below
    shares = random.normal(below.mean, 1.3 * below.spread, _DRAWN).clip(below.least, below.most)
    evidence.raise_to(numbers, shares.astype(np.float32))
    return numbers


def search(slab: Slab, prior: FissurePrior, seed: int = 1) -> list[SurfaceCandidate]:
    """The best few surfaces that differ from each other; none where none is possible.

    Parameters
    ----------
    seed : of the candidates; the same seed gives the same surfaces
    """
    random = np.random.default_rng(seed)
    evidence = _Evidence(slab, random)
    drawn = _draw(evidence, prior, random)
    usual = drawn[:_USUAL]
    scores = {width: _Score(evidence, prior, usual, width) for width in set(_WIDTHS_MM)}
    start = _far_apart(evidence, drawn, scores[_WIDTHS_MM[0]].of(drawn), _CLIMBERS)
    numbers = _climb(evidence, scores, drawn[start], random)
    found = scores[_WIDTHS_MM[-1]].of(numbers)
    return [
        SurfaceCandidate(
            (numbers[place] @ evidence.terms).reshape(evidence.shape).astype(np.float64),
            float(found[place]),
        )
        for place in _far_apart(evidence, numbers, found, STARTS, least_mm=1.0)
    ]


def _far_apart(
    evidence: _Evidence,
    numbers: FloatArray,
    scores: FloatArray,
    count: int,
    least_mm: float = _FAR_MM,
) -> list[int]:
    """The best candidates, each some way from those before it."""
    left = scores.copy()
    chosen: list[int] = []
    while len(chosen) < count and np.isfinite(left.max()):
        best = int(np.argmax(left))
        chosen.append(best)
        left[evidence.apart_mm(numbers, numbers[best]) < least_mm] = -np.inf
    return chosen


def _climb(
    evidence: _Evidence,
    scores: dict[float, _Score],
    start: FloatArray,
    random: np.random.Generator,
) -> FloatArray:
    """Move candidates about, each on its own: first by wide sheets, then by thin sheets."""
    aside, along = 0.12 * evidence.half
    reach = np.array([6.0, along, aside, 6.0, 5.0, 5.0, 5.0])
    numbers = start[:, None, :]
    for width in _WIDTHS_MM:
        moves = random.normal(size=(len(start), numbers.shape[1], _MOVES, 7)) * reach
        moved = (numbers[:, :, None, :] + moves).reshape(len(start), -1, 7).astype(np.float32)
        numbers = np.concatenate([numbers, moved], axis=1)
        found = scores[width].of(numbers.reshape(-1, 7)).reshape(numbers.shape[:2])
        order = np.argsort(-found, axis=1)[:, :_KEPT]
        numbers = np.take_along_axis(numbers, order[..., None], axis=1)
        reach *= _SHRINK
    return numbers[:, 0]
