"""Predictive values of a bundle, from readers' feedback.

Only judged studies count. Readers who judge what they doubt, or only what was flagged, bias every
figure here, sensitivity and specificity most of all: few of the studies that were called negative
are judged, and a missed finding that no reader noticed is not counted (verification bias: Begg and
Greenes, Biometrics 1983;39:207–215). So the number of those that were not judged stands beside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from evaluation.statistics.confusion import Confusion
from evaluation.statistics.estimate import Estimate
from evaluation.statistics.proportion import proportion


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged study: what was called, and what is there as the reader sees it."""

    called: bool
    present: bool


@dataclass(frozen=True)
class ReaderAgreement:
    """Figures of a group of studies, each with its Wilson interval.

    Attributes
    ----------
    ppv, npv : of the judged studies that were called, or not called, the share that was right
    answered_called, answered_not_called : studies with an answer, judged or not
    """

    confusion: Confusion
    ppv: Estimate
    npv: Estimate
    sensitivity: Estimate
    specificity: Estimate
    answered_called: int
    answered_not_called: int

    @property
    def not_judged_called(self) -> int:
        """Called studies that nobody judged."""
        cells = self.confusion
        return max(0, self.answered_called - cells.true_positives - cells.false_positives)

    @property
    def not_judged_not_called(self) -> int:
        """Studies that were not called and that nobody judged."""
        cells = self.confusion
        return max(0, self.answered_not_called - cells.true_negatives - cells.false_negatives)

    def entries(self) -> dict[str, Any]:
        """As JSON."""
        cells = self.confusion
        return {
            "judged": cells.count,
            "true_positives": cells.true_positives,
            "false_positives": cells.false_positives,
            "false_negatives": cells.false_negatives,
            "true_negatives": cells.true_negatives,
            **self.ppv.entries("ppv"),
            **self.npv.entries("npv"),
            **self.sensitivity.entries("sensitivity"),
            **self.specificity.entries("specificity"),
            "not_judged_called": self.not_judged_called,
            "not_judged_not_called": self.not_judged_not_called,
        }


def reader_agreement(
    judged: Iterable[Judged], *, answered_called: int, answered_not_called: int
) -> ReaderAgreement:
    """Count and estimate.

    Parameters
    ----------
    judged : each study once
    answered_called, answered_not_called : how many studies of the group have an answer at all
    """
    cells = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for study in judged:
        cells[study.called, study.present] += 1
    confusion = Confusion(
        true_positives=cells[True, True],
        false_positives=cells[True, False],
        false_negatives=cells[False, True],
        true_negatives=cells[False, False],
    )
    right, quiet = confusion.true_positives, confusion.true_negatives
    return ReaderAgreement(
        confusion=confusion,
        ppv=proportion(right, right + confusion.false_positives),
        npv=proportion(quiet, quiet + confusion.false_negatives),
        sensitivity=proportion(right, confusion.positives),
        specificity=proportion(quiet, confusion.negatives),
        answered_called=answered_called,
        answered_not_called=answered_not_called,
    )
