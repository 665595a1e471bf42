"""The report of a training: figures with intervals, and the choices made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evaluation.statistics.estimate import Estimate
from training.classification.calibration import Calibration
from training.segmentation.operating_point import SuspicionScale


@dataclass(frozen=True)
class CardFigure:
    """One line of the model card.

    Attributes
    ----------
    key : for the JSON, which later trainings are compared by
    what, where : for readers: the measure, and the slices that it was taken on
    """

    key: str
    what: str
    where: str
    estimate: Estimate

    def entry(self) -> dict[str, Any]:
        """The figure as plain values."""
        return {"what": self.what, "on": self.where, **self.estimate.entries("value"),
                "n": self.estimate.count}  # fmt: skip


@dataclass(frozen=True)
class Perturbed:
    """The headline figures under one perturbation of the same held-out slices."""

    name: str
    lung_dice: float
    lesion_dice: float
    auc: float


@dataclass(frozen=True)
class Thickness:
    """What the segmentation makes of phantoms cut into slices of one thickness.

    Attributes
    ----------
    lung_dice, lesion_dice : over whole volumes, mean of the phantoms
    lesion_volume : found over true, mean of the phantoms
    """

    slice_mm: int
    lung_dice: float
    lesion_dice: float
    lesion_volume: float


@dataclass(frozen=True)
class SegmentationReport:
    """How well the segmentation does on what it never saw, and its chosen thresholds."""

    lesion_threshold: float
    point: SuspicionScale
    figures: tuple[CardFigure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ClassificationReport:
    """How well the classifier does on the official val split, and what was chosen out of fold."""

    calibration: Calibration
    viral_threshold: float
    sign_thresholds: tuple[float, ...]
    viral_low: float
    viral_high: float
    greatest_spread: float
    figures: tuple[CardFigure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything that the model card says."""

    segmentation: SegmentationReport
    classification: ClassificationReport
    floors: tuple[CardFigure, ...]
    robustness: tuple[Perturbed, ...] = field(default=())
    thickness: tuple[Thickness, ...] = field(default=())

    @property
    def figures(self) -> tuple[CardFigure, ...]:
        """All figures but the floors."""
        return self.segmentation.figures + self.classification.figures

    def entries(self) -> dict[str, Any]:
        """The report as plain values, for `evaluation.json`."""
        return {
            "figures": {figure.key: figure.entry() for figure in self.figures},
            "floors": {figure.key: figure.entry() for figure in self.floors},
            "robustness": [vars(one) for one in self.robustness],
            "thickness": [vars(one) for one in self.thickness],
        }
