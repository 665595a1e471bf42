"""Compares the old and the new bundle on the same slices, read as by `firstread predict`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chest.model.load import load_model
from chest.slices.read_slice import ChestSliceReader, SliceReading
from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.compare_areas import paired_difference
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import auc
from models.catalogue import UsableBundle
from radiology.algorithm import ExecutionProvider

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TruthSlice:
    """A slice and what is known of it; each may be None.

    Attributes
    ----------
    case : slices of one case count together
    hu : float32, shape (rows, columns), HU
    lesion, lung : same shape
    viral : whether it shows COVID-19
    """

    name: str
    case: str
    hu: NDArray[np.float32]
    spacing_mm: tuple[float, float] = (1.0, 1.0)
    lesion: Mask | None = None
    lung: Mask | None = None
    viral: bool | None = None


@dataclass(frozen=True)
class ComparedSlice:
    """What both bundles make of one slice; (old, new), NaN where nothing is known."""

    name: str
    case: str
    lesion_dice: tuple[float, float]
    lung_dice: tuple[float, float]
    viral: tuple[float, float]
    truth: bool | None


@dataclass(frozen=True)
class Compared:
    """One figure of both bundles on the same cases, and new less old."""

    key: str
    what: str
    old: Estimate
    new: Estimate
    difference: Estimate

    @property
    def verdict(self) -> str:
        """What the interval of the difference allows to say."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return "too few cases to say"
        if low > 0:
            return "better"
        return "worse" if high < 0 else "no difference shown"

    def entries(self) -> dict[str, Any]:
        """As plain values, for the JSON."""
        return {
            **self.old.entries(f"{self.key}_old"),
            **self.new.entries(f"{self.key}_new"),
            **self.difference.entries(f"{self.key}_difference"),
            f"{self.key}_n": self.old.count,
            f"{self.key}_verdict": self.verdict,
        }


def _dice(found: Mask, truth: Mask | None) -> float:
    if truth is None:
        return float("nan")
    total = int(found.sum()) + int(truth.sum())
    return 2.0 * int((found & truth).sum()) / total if total else 1.0


@dataclass(frozen=True)
class BundlePair:
    """The old and the new bundle with their networks loaded, of either schema."""

    old: ChestSliceReader
    new: ChestSliceReader

    @classmethod
    def of(cls, old: UsableBundle, new: UsableBundle) -> BundlePair:
        """Load both on the CPU, in the precision that each runs there."""
        return cls(_reader(old), _reader(new))

    @property
    def thresholds(self) -> tuple[float, float]:
        """From which on a slice is called viral."""
        return self.old.model.viral_threshold, self.new.model.viral_threshold

    def compare(self, slices: Iterable[TruthSlice]) -> list[ComparedSlice]:
        """Read every slice with both, as `firstread predict` reads it."""
        return [self._compared(one) for one in slices]

    def _compared(self, truth: TruthSlice) -> ComparedSlice:
        old, new = (
            reader.read_hounsfield(truth.hu, truth.spacing_mm) for reader in (self.old, self.new)
        )
        return ComparedSlice(
            name=truth.name,
            case=truth.case,
            lesion_dice=(
                _dice(old.lesions > 0, truth.lesion),
                _dice(new.lesions > 0, truth.lesion),
            ),
            lung_dice=(_dice(old.lungs > 0, truth.lung), _dice(new.lungs > 0, truth.lung)),
            viral=(_viral(old, truth), _viral(new, truth)),
            truth=truth.viral,
        )


def _reader(bundle: UsableBundle) -> ChestSliceReader:
    threads = torch.get_num_threads()
    return ChestSliceReader(load_model(bundle, provider=ExecutionProvider.CPU, threads=threads))


def _viral(reading: SliceReading, truth: TruthSlice) -> float:
    return float("nan") if truth.viral is None or reading.viral is None else reading.viral


def _by_case(slices: Sequence[ComparedSlice], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each case's slices, shape (cases, 2), cases without any left out."""
    names = np.array([one.case for one in slices])
    known = ~np.isnan(pairs[:, 0])
    means = [pairs[known & (names == name)].mean(axis=0) for name in sorted(set(names[known]))]
    return np.array(means).reshape(-1, 2)


def _paired(key: str, what: str, pairs: NDArray[np.float64]) -> Compared:
    old, new = pairs[:, 0], pairs[:, 1]
    return Compared(key, what, mean_of(old), mean_of(new), mean_of(new - old))


def _areas(slices: Sequence[ComparedSlice], thresholds: tuple[float, float]) -> list[Compared]:
    """AUC and accuracy of the viral answer, by slice; none without both classes."""
    known = [one for one in slices if one.truth is not None]
    truth = np.array([bool(one.truth) for one in known], dtype=bool)
    if not truth.any() or truth.all():
        return []
    scores = np.array([one.viral for one in known], dtype=np.float64)
    difference = Estimate.undefined(truth.size)
    if min(int(truth.sum()), int((~truth).sum())) >= 2:
        difference = paired_difference(truth, scores[:, 1], scores[:, 0]).difference
    right = (scores >= np.array(thresholds)) == truth[:, None]
    shares = [proportion(int(column.sum()), truth.size) for column in right.T]
    gained = mean_of(right[:, 1].astype(np.float64) - right[:, 0])
    return [
        Compared("auc", "viral pattern, AUC", auc(truth, scores[:, 0]), auc(truth, scores[:, 1]),
                 difference),
        Compared("accuracy", "viral pattern, accuracy at the threshold", shares[0], shares[1],
                 gained),
    ]  # fmt: skip


def compare_figures(
    slices: Sequence[ComparedSlice], thresholds: tuple[float, float]
) -> tuple[Compared, ...]:
    """The figures that these slices have something to say about.

    Parameters
    ----------
    thresholds : of the viral answer, (old, new)
    """
    found = []
    for key, what, pairs in (
        ("dice", "lesions, Dice", [one.lesion_dice for one in slices]),
        ("lung_dice", "lungs, Dice", [one.lung_dice for one in slices]),
    ):
        by_case = _by_case(slices, np.array(pairs, dtype=np.float64).reshape(-1, 2))
        if len(by_case):
            found.append(_paired(key, what, by_case))
    return (*found, *_areas(slices, thresholds))
