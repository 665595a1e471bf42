"""Look for a fissure in the whole of a lung: many simple surfaces, the best few kept.

A surface is a polynomial over the mean plane with seven numbers. Candidates are drawn from the
prior, scored by what lies on them, and the best are moved about until they settle (random sample
consensus, with a score in place of a count of inliers). Two things speak for a surface: bright
sheets on it, and few vessels near it, since vessels do not cross a fissure. Sheets are thin, so
candidates near one are found first, by sheets made wide, and brought onto it then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from models.lobes.priors import FissurePrior
from models.lobes.reduced_lung import FloatArray
from models.lobes.slab import HEIGHT_MM, PLACE_MM, Millimetres, Slab

STARTS = 4
_DRAWN = 1500  # candidates of each start
_KEPT = 50
_MOVES = 12  # of each candidate that was kept, in each round
_WIDTHS_MM = (4.0, 4.0, 4.0, 2.5, 2.5, 0.0, 0.0, 0.0)  # of sheets, in each round
_SHRINK = 0.75  # of the moves, from round to round
_NODES = 500  # at which a candidate is looked at
_PLACES = 400  # at which its share of volume is counted
_SHEET_MM = 1.5  # half a fissure's width on the reduced grid
_BAND_MM = 4.0  # vessels keep about this distance from a fissure
_STEADY_MM = 3.0
_LEAST_HU, _MOST_HU = -2.0, 8.0  # of the second derivative: one bright vessel must not decide
_LEAST_AREA = 0.35  # of the usual area of a candidate
_AT_THE_HILUM, _IN_A_BAND = -1.0, 3.0  # limits of what vessels say, in standard deviations
_LARGEST_BENDS_MM = (25.0, 20.0, 20.0, 15.0)  # one standard deviation, after the moves


@dataclass(frozen=True)
class Candidate:
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
        self._seen = seen.astype(np.float32).ravel()
        self._sheets = _sheets(slab, seen)
        self._vessels = _vessels_near(slab, seen)
        self._lowest, self._levels = float(slab.height_mm[0]), slab.height_mm.size
        self._nodes = random.permutation(np.flatnonzero(seen.any(axis=2).ravel()))[:_NODES]
        self._node_terms = self.terms[:, self._nodes]
        places = slab.lung_mm[random.permutation(len(slab.lung_mm))[:_PLACES]]
        self._place_terms = self._terms(places[:, 0], places[:, 1])
        self._place_heights = places[:, 2].astype(np.float32)

    def _terms(self, aside_mm: Millimetres, along_mm: Millimetres) -> FloatArray:
        x = (aside_mm - self.middle[0]) / self.half[0]
        u = (along_mm - self.middle[1]) / self.half[1]
        one = np.ones_like(x)
        terms: FloatArray = np.stack([one, u, x, u * u, x * x, x * u, u**3 - 0.6 * u])
        return terms.astype(np.float32)

    def at(self, numbers: FloatArray, width_mm: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean sheet, mean share of vessels, and area of each candidate."""
        level = np.rint((numbers @ self._node_terms - self._lowest) / HEIGHT_MM).astype(np.int32)
        inside = (level >= 0) & (level < self._levels)
        index = self._nodes * self._levels + level.clip(0, self._levels - 1)
        area = (self._seen[index] * inside).sum(axis=1)
        least = np.maximum(area, 1.0)
        sheets = (self._sheets[width_mm][index] * inside).sum(axis=1) / least
        vessels = (self._vessels[index] * inside).sum(axis=1) / least
        return sheets, vessels, area

    def share_below(self, numbers: FloatArray) -> FloatArray:
        """Share of the lung's volume below each candidate."""
        below: FloatArray = (self._place_heights < numbers @ self._place_terms).mean(axis=1)
        return below

    def raise_to(self, numbers: FloatArray, shares: FloatArray) -> None:
        """Set each candidate's height so that a given share of the lung is below it."""
        above = np.sort(self._place_heights - numbers @ self._place_terms, axis=1)
        rank = (shares * self._place_heights.size).astype(np.int64)
        numbers[:, 0] += above[np.arange(len(numbers)), rank]


def _sheets(slab: Slab, seen: FloatArray) -> dict[float, FloatArray]:
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


def _vessels_near(slab: Slab, seen: FloatArray) -> FloatArray:
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
    numbers[:, 3:] = random.normal(0.0, prior.bends_mm, (_DRAWN, 4))
    below = prior.below
    shares = random.normal(below.mean, 1.3 * below.spread, _DRAWN).clip(below.least, below.most)
    evidence.raise_to(numbers, shares.astype(np.float32))
    return numbers


def search(slab: Slab, prior: FissurePrior, seed: int = 1) -> Iterator[Candidate]:
    """The best surface of each of a few independent starts; nothing where none is possible.

    Parameters
    ----------
    seed : of the candidates; the same seed gives the same surfaces
    """
    random = np.random.default_rng(seed)
    evidence = _Evidence(slab, random)
    for _ in range(STARTS):
        best, score = _climb(evidence, prior, random)
        if np.isfinite(score):
            heights = (best @ evidence.terms).reshape(evidence.shape)
            yield Candidate(heights.astype(np.float64), score)


def _climb(
    evidence: _Evidence, prior: FissurePrior, random: np.random.Generator
) -> tuple[FloatArray, float]:
    """Draw candidates, and move the best of them about, first with wide sheets, then with thin."""
    drawn = _draw(evidence, prior, random)
    scores = {width: _Score(evidence, prior, drawn, width) for width in set(_WIDTHS_MM)}
    numbers = drawn
    aside, along = 0.12 * evidence.half
    reach = np.array([6.0, along, aside, 6.0, 5.0, 5.0, 5.0])
    for width in _WIDTHS_MM:
        found = scores[width].of(numbers)
        order = np.argsort(-found)[:_KEPT]
        numbers = numbers[order]
        moves = random.normal(size=(_MOVES, *numbers.shape)) * reach
        moved = (numbers + moves).reshape(-1, 7).astype(np.float32)
        numbers = np.concatenate([numbers, moved])
        reach *= _SHRINK
    found = scores[_WIDTHS_MM[-1]].of(numbers)
    best = int(np.argmax(found))
    return numbers[best], float(found[best])
