"""Scores by scan: Dice over a scan's voxels, its mean over scans with an interval over scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.chest.predict import EVEN_ODDS, LesionLimits, Predicted, lesions_of
from training.data.slices import SliceSet
from training.segmentation.score import Interval, bootstrap, dice

Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class ScanScore:
    """How well one scan was outlined.

    Attributes
    ----------
    of_voxels : Dice over all voxels of the scan
    of_slices : mean of the Dice of its slices
    """

    scan: str
    slices: int
    of_voxels: float
    of_slices: float


@dataclass(frozen=True)
class ScansScore:
    """Scores of scans that no network saw which answered for them."""

    scans: tuple[ScanScore, ...]

    @property
    def mean(self) -> Interval:
        """Mean Dice over scans, each as much as any other."""
        return bootstrap(np.array([one.of_voxels for one in self.scans]))

    @property
    def mean_of_slices(self) -> float:
        """Mean Dice over all slices, as the papers give it."""
        weights = [one.slices for one in self.scans]
        return float(np.average([one.of_slices for one in self.scans], weights=weights))

    def lines(self) -> list[str]:
        """For the log: a line for each scan, and one for all."""
        told = [
            f"{one.scan}: {one.slices} slices, Dice {one.of_voxels:.3f} of voxels, "
            f"{one.of_slices:.3f} of slices"
            for one in self.scans
        ]
        return [*told, f"all: {self.mean} of scans, {self.mean_of_slices:.3f} of slices"]


def score_lesions(
    slices: SliceSet, found: Predicted, limits: LesionLimits = EVEN_ODDS
) -> ScansScore:
    """Lesions of either kind against what was drawn."""
    return score_mask(slices, lesions_of(slices, found, limits), slices.lesion > 0)


def score_lungs(slices: SliceSet, found: Predicted) -> ScansScore:
    """Both lungs together against what was drawn, over whole scans: slices without a lung count."""
    return score_mask(slices, found.lung.argmax(axis=1) > 0, slices.lung > 0)


def score_mask(slices: SliceSet, found: Masks, drawn: Masks) -> ScansScore:
    """A mask against what was drawn, scan by scan."""
    each = dice(found, drawn)
    scores = []
    for scan in sorted(set(slices.sources)):
        at = np.flatnonzero([source == scan for source in slices.sources])
        overlap = int((found[at] & drawn[at]).sum())
        total = int(found[at].sum()) + int(drawn[at].sum())
        whole = 1.0 if total == 0 else 2.0 * overlap / total
        scores.append(ScanScore(scan, at.size, whole, float(each[at].mean())))
    return ScansScore(tuple(scores))


def joined(scores: list[ScansScore]) -> ScansScore:
    """Scores of all folds together."""
    return ScansScore(tuple(one for score in scores for one in score.scans))
