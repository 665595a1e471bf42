"""Figures over many masks: means with intervals, and the number of masks left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.bootstrap import mean_of, median_of
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.masks import MaskAgreement


@dataclass(frozen=True)
class MaskScores:
    """Means over slices (or volumes), each with its bootstrap interval over them.

    Attributes
    ----------
    dice, dice_median, voe : over all
    rvd, asd, msd : over those where they are defined; `count` of each says how many
    both_empty, found_empty, reference_empty : how many were empty (the latter two: only that one)
    """

    dice: Estimate
    dice_median: Estimate
    voe: Estimate
    rvd: Estimate
    asd: Estimate
    msd: Estimate
    count: int
    both_empty: int
    found_empty: int
    reference_empty: int

    def entries(self) -> dict[str, Any]:
        """The JSON object of `firstread evaluate segmentation`, less what names the set."""
        named = {
            "dice_mean": self.dice,
            "dice_median": self.dice_median,
            "voe": self.voe,
            "rvd": self.rvd,
            "asd": self.asd,
            "msd": self.msd,
        }
        entries: dict[str, Any] = {}
        for key, estimate in named.items():
            entries |= estimate.entries(key)
        return entries | {
            "n": self.count,
            "n_defined": {key: named[key].count for key in ("rvd", "asd", "msd")},
            "n_both_empty": self.both_empty,
            "n_found_empty": self.found_empty,
            "n_reference_empty": self.reference_empty,
        }


def _column(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def score_masks(agreements: Sequence[MaskAgreement], *, seed: int = 0) -> MaskScores:
    """Summarise the agreement of many masks; the order of them does not matter to the means."""
    dice = _column([one.dice for one in agreements])
    empties = [(one.found_empty, one.reference_empty) for one in agreements]
    return MaskScores(
        dice=mean_of(dice, seed=seed),
        dice_median=median_of(dice, seed=seed),
        voe=mean_of(_column([one.voe for one in agreements]), seed=seed),
        rvd=mean_of(_column([one.rvd for one in agreements]), seed=seed),
        asd=mean_of(_column([one.asd for one in agreements]), seed=seed),
        msd=mean_of(_column([one.msd for one in agreements]), seed=seed),
        count=len(agreements),
        both_empty=empties.count((True, True)),
        found_empty=empties.count((True, False)),
        reference_empty=empties.count((False, True)),
    )
