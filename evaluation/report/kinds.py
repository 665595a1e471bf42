"""The contents of the report for each kind of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.report.overlay import overlay
from evaluation.report.page import (
    Page,
    ReportFigure,
    ReportPicture,
    ReportTable,
    Section,
    figure_text,
    interval_text,
)
from evaluation.report.plots import (
    plot_by_size,
    plot_calibration,
    plot_histogram,
    plot_probabilities,
    plot_roc,
    plot_thresholds,
)
from evaluation.statistics.classification import (
    ClassificationScores,
    ThresholdCriterion,
    best_threshold,
)
from evaluation.statistics.confusion import Confusion
from evaluation.statistics.mask_scores import MaskScores
from evaluation.statistics.masks import Mask, MaskAgreement
from evaluation.statistics.receiver_operating import Scores, Truth
from evaluation.statistics.subgroups import SubgroupComparison

Facts = Sequence[tuple[str, str]]
WORST = 8


@dataclass(frozen=True)
class NamedAgreement:
    """A slice, by the name that the user gave it, and how its masks agree.

    Attributes
    ----------
    reference_percent : how much of the slice the reference covers
    """

    name: str
    agreement: MaskAgreement
    reference_percent: float


@dataclass(frozen=True)
class ShownSlice:
    """A slice with both masks, kept for a picture."""

    name: str
    grey: NDArray[np.uint8]
    found: Mask
    reference: Mask
    dice: float


def _confusion_table(cells: Confusion, threshold: float) -> ReportTable:
    rows = [
        ["has it", str(cells.true_positives), str(cells.false_negatives), str(cells.positives)],
        ["does not", str(cells.false_positives), str(cells.true_negatives), str(cells.negatives)],
    ]
    caption = f"Confusion at the threshold {threshold:.3f}"
    return ReportTable(caption, ["Truth", "Called positive", "Called negative", "All"], rows)


def _threshold_table(truth: Truth, probability: Scores) -> ReportTable:
    rows = [
        [criterion.value, figure_text(best_threshold(truth, probability, criterion))]
        for criterion in ThresholdCriterion
    ]
    return ReportTable(
        "Thresholds that would have been best on these very cases", ["For", "At"], rows
    )


def subgroup_section(comparisons: Sequence[SubgroupComparison]) -> list[Section]:
    """The groups of patients, where there are any."""
    if not comparisons:
        return []
    rows = [
        [
            f"{comparison.figure} by {comparison.attribute}",
            name,
            figure_text(estimate.value),
            interval_text(estimate),
            str(estimate.count),
            comparison.test,
            figure_text(comparison.p_value),
            figure_text(comparison.corrected),
        ]
        for comparison in comparisons
        for name, estimate in comparison.groups.items()
    ]
    head = ["Figure", "Group", "Value", "95 % interval", "Cases", "Test", "p", "p (Holm)"]
    notes = ["p: of all groups of one attribute being alike; Holm: corrected for all tests here."]
    return [
        Section("Groups of patients", notes, tables=[ReportTable("Figures by group", head, rows)])
    ]


def classification_page(
    facts: Facts,
    scores: ClassificationScores,
    truth: Truth,
    probability: Scores,
    names: Sequence[str],
    comparisons: Sequence[SubgroupComparison] = (),
) -> Page:
    """The report of `firstread evaluate classification`."""
    both = bool(truth.any() and not truth.all())
    pictures = [plot_roc(truth, probability, scores.auc, scores.confusion)] if both else []
    pictures.append(plot_calibration(scores.calibration))
    if both:
        pictures.append(plot_probabilities(truth, probability, scores.threshold))
        pictures.append(plot_thresholds(truth, probability, scores.threshold))
    called = probability >= scores.threshold
    order = np.argsort(-np.abs(truth - probability), kind="stable")
    rows = [
        [
            names[at],
            "yes" if truth[at] else "no",
            figure_text(float(probability[at])),
            "yes" if called[at] else "no",
            "right" if called[at] == truth[at] else "wrong",
        ]
        for at in order
    ]
    head = ["File", "Has it", "Probability", "Called", "Answer"]
    tables = [_confusion_table(scores.confusion, scores.threshold)]
    if both:
        tables.append(_threshold_table(truth, probability))
    named = [
        ReportFigure("Area under the ROC curve", scores.auc, "AUC"),
        ReportFigure("Accuracy", scores.accuracy, "Accuracy"),
        ReportFigure("Sensitivity (recall)", scores.sensitivity, "Sensitivity"),
        ReportFigure("Specificity", scores.specificity, "Specificity"),
        ReportFigure("Precision", scores.precision),
        ReportFigure("F1", scores.f1),
        ReportFigure("F2", scores.f2, "F2"),
        ReportFigure("Expected calibration error", scores.calibration.error, "Calibration error"),
    ]
    sections = [
        Section("Curves", pictures=pictures),
        Section("At the threshold", tables=tables),
        *subgroup_section(comparisons),
        Section(
            "Every file",
            notes=["The farthest from the truth first."],
            tables=[ReportTable("Answers by file", head, rows)],
            folded=True,
        ),
    ]
    return Page("Classification of slices", facts, named, sections)


def _worst_picture(shown: ShownSlice) -> ReportPicture:
    text = (
        f"Slice {shown.name}, Dice {shown.dice:.2f}: {int(shown.found.sum())} pixels found, "
        f"{int(shown.reference.sum())} in the reference."
    )
    address = overlay(shown.grey, shown.found, shown.reference)
    return ReportPicture(address, text, f"{shown.name}: Dice {shown.dice:.3f}", small=True)


def segmentation_page(
    facts: Facts,
    scores: MaskScores,
    slices: Sequence[NamedAgreement],
    worst: Sequence[ShownSlice],
    unit: str,
    floor: MaskScores | None = None,
) -> Page:
    """The report of `firstread evaluate segmentation`."""
    dice = np.array([one.agreement.dice for one in slices])
    rows = [
        [
            shown.name,
            figure_text(shown.agreement.dice),
            figure_text(shown.agreement.voe, 1),
            figure_text(shown.agreement.rvd, 1),
            figure_text(shown.agreement.asd, 2),
            figure_text(shown.agreement.msd, 1),
        ]
        for shown in sorted(slices, key=lambda one: one.agreement.dice)
    ]
    head = ["Slice", "Dice", "VOE (%)", "RVD (%)", f"ASD ({unit})", f"MSD ({unit})"]
    named = [
        ReportFigure("Dice, mean", scores.dice, "Dice, mean"),
        ReportFigure("Dice, median", scores.dice_median, "Dice, median"),
        ReportFigure("Volumetric overlap error (%)", scores.voe, "Overlap error, %", 1),
        ReportFigure("Relative volume difference (%)", scores.rvd, "Volume difference, %", 1),
        ReportFigure(f"Average symmetric surface distance ({unit})", scores.asd, f"ASD, {unit}", 1),
        ReportFigure(f"Maximum symmetric surface distance ({unit})", scores.msd, digits=1),
    ]
    if floor is not None:
        named.append(ReportFigure("Floor: Dice of a threshold at −700…−300 HU", floor.dice))
    notes = [
        f"{scores.both_empty} slices without any, found or drawn (Dice 1); {scores.found_empty} "
        f"where all was missed and {scores.reference_empty} where all was invented (Dice 0, no "
        "distances)."
    ]
    caption = f"Dice of {scores.count} slices. Mean {scores.dice}."
    sizes = np.array([one.reference_percent for one in slices])
    sections = [
        Section(
            "Spread",
            notes=notes,
            pictures=[plot_histogram(dice, "Dice", caption), plot_by_size(sizes, dice)],
        ),
        Section(
            "The worst slices",
            notes=[
                "Outlines: orange what was found, blue the reference, white where they coincide."
            ],
            pictures=[_worst_picture(one) for one in worst],
        ),
        Section("Every slice", tables=[ReportTable("Figures by slice", head, rows)], folded=True),
    ]
    return Page("Segmentation of slices", facts, named, sections)
