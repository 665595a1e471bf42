"""Find one fissure in a lung, and say how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chest.lobes.priors import FissurePrior
from chest.lobes.reduced_lung import ReducedLung
from chest.lobes.relief import Relief, relief_of, share_with_sheet
from chest.lobes.search import SurfaceCandidate, search
from chest.lobes.settle import FROM_AFAR, FROM_BESIDE, FROM_NEARBY, SplineBasis, settle
from chest.lobes.slab import HEIGHT_MM, Millimetres, Slab, Tilt, slab_of
from chest.lobes.surface import Surface
from chest.values.territory import Boundary

LEAST_CONFIDENCE = 0.20
LEAST_SCORE = 7.0
"""Standard deviations by which sheets and missing vessels on a surface exceed those on surfaces at
random. Where there is no fissure (a "horizontal" one in left lungs, planes that fall to the back)
searches end at 5 to 7, in seen fissures at 8 to 15: docs/lobes.md."""
LEAST_VISIBLE = 0.35
"""Share of a surface that must not be hidden by disease or vessels."""
_SHEET_FROM = 2.0  # standard deviations
_LEAST_PLACES = 60  # of 16 mm² each
_BESIDE_MM = (-22.0, -17.0, -12.0, 12.0, 17.0, 22.0)
_LEAST_CHANCE = 0.05
_SCORE_WEIGHT = 0.03  # of a search's score against the share of sheet, when starts are compared


@dataclass(frozen=True)
class Fissure:
    """A fissure that was looked for; `surface` is None where none could be fitted."""

    boundary: Boundary
    surface: Surface | None


@dataclass(frozen=True)
class _Fit:
    """A settled surface."""

    height_mm: Millimetres
    relief: Relief
    offset_mm: Millimetres
    share: float
    places: int
    score: float


def find_fissure(lung: ReducedLung, prior: FissurePrior) -> Fissure:
    """Fit the surface of a fissure, and measure how much of it shows a sheet."""
    slab = slab_of(lung, Tilt.of(prior.incline_degrees))
    basis = SplineBasis.of(slab)
    fits = [_settled(slab, basis, candidate) for candidate in search(slab, prior)]
    fits = [fit for fit in fits if fit.places >= _LEAST_PLACES]
    if not fits:
        return Fissure(Boundary(prior.name, 0.0, False, "too little healthy lung around it"), None)
    best = max(fits, key=lambda fit: fit.share + _SCORE_WEIGHT * fit.score)
    confidence = _above_chance(best, basis)
    reason = _why_not_seen(confidence, best.score, _visible_share(slab, best))
    surface = Surface(slab.tilt, slab.aside_mm, slab.along_mm, best.height_mm)
    return Fissure(Boundary(prior.name, confidence, not reason, reason), surface)


def _settled(slab: Slab, basis: SplineBasis, rough: SurfaceCandidate) -> _Fit:
    """Move a rough surface onto its sheet, lay what is around it flat again, and move it again."""
    nearer = rough.height_mm + settle(relief_of(slab, rough.height_mm), basis, FROM_AFAR)
    relief = relief_of(slab, nearer)
    offset = settle(relief, basis, FROM_NEARBY)
    share, places = share_with_sheet(relief, offset, _SHEET_FROM)
    return _Fit(nearer + offset, relief, offset, share, places, rough.score)


def _above_chance(fit: _Fit, basis: SplineBasis) -> float:
    """How much more of the surface shows a sheet than of surfaces fitted beside it, 0 to 1."""
    beside = []
    for start in _BESIDE_MM:
        offset = settle(fit.relief, basis, FROM_BESIDE, start)
        share, places = share_with_sheet(fit.relief, offset, _SHEET_FROM)
        if places >= _LEAST_PLACES:
            beside.append(share)
    chance = max(float(np.mean(beside)) if beside else 0.0, _LEAST_CHANCE)
    return min(max((fit.share - chance) / (1.0 - chance), 0.0), 1.0)


def _visible_share(slab: Slab, fit: _Fit) -> float:
    """Share of the surface within the lung that disease and vessels leave to be seen."""
    level = np.rint((fit.height_mm - slab.height_mm[0]) / HEIGHT_MM).astype(np.int64)
    inside = (level >= 0) & (level < slab.height_mm.size)
    level = level.clip(0, slab.height_mm.size - 1)
    lung = np.take_along_axis(slab.lung, level[..., None], axis=2)[..., 0]
    return fit.places / max(int(np.count_nonzero((lung > 0.5) & inside)), 1)


def _why_not_seen(confidence: float, score: float, visible: float) -> str:
    """Empty when the fissure counts as seen."""
    if visible < LEAST_VISIBLE:
        return f"only {visible:.0%} of it is not hidden, at least {LEAST_VISIBLE:.0%} is needed"
    if confidence < LEAST_CONFIDENCE:
        return f"confidence {confidence:.2f}, at least {LEAST_CONFIDENCE:.2f} is needed"
    if score < LEAST_SCORE:
        return f"it stands out by {score:.1f} standard deviations, {LEAST_SCORE:.0f} are needed"
    return ""
