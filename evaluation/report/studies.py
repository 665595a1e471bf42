"""The contents of the report of `firstread evaluate studies`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.report.kinds import Facts, subgroup_section
from evaluation.report.page import Page, ReportFigure, ReportTable, Section, figure_text
from evaluation.report.plots import plot_roc, plot_share_by_slice
from evaluation.statistics.study_scores import StudyEvidence, StudyScores, pooled_slices, slice_area
from evaluation.statistics.subgroups import SubgroupComparison


@dataclass(frozen=True)
class ShownStudy:
    """One patient in the report.

    Attributes
    ----------
    evidence : None for a study that was refused
    answer : in words: outcome and urgency, or why there is none
    lesion_share_percent : of both lungs
    """

    patient: str
    evidence: StudyEvidence | None
    answer: str
    suspicion: float | None
    lesion_share_percent: float | None


def _yes_or_no(value: bool | None) -> str:
    return "–" if value is None else ("yes" if value else "no")


def _patients_table(studies: Sequence[ShownStudy]) -> ReportTable:
    rows = [
        [
            study.patient,
            _yes_or_no(study.evidence.infected if study.evidence else None),
            study.answer,
            figure_text(study.suspicion),
            figure_text(study.lesion_share_percent, 2),
            figure_text(slice_area(study.evidence) if study.evidence else None),
        ]
        for study in studies
    ]
    head = ["Patient", "Infected", "Answer", "Suspicion", "Lesion share (%)", "Slice AUC"]
    return ReportTable("Answers by patient", head, rows)


def _lobes_table(evidence: Sequence[StudyEvidence]) -> ReportTable:
    rows = [
        [
            study.patient,
            name,
            _yes_or_no(infected),
            figure_text(study.lobe_score[name], 2),
        ]
        for study in evidence
        for name, infected in study.lobe_truth.items()
    ]
    return ReportTable("Lesion share by lobe", ["Patient", "Lobe", "Infected", "Share (%)"], rows)


def studies_page(
    facts: Facts,
    scores: StudyScores,
    studies: Sequence[ShownStudy],
    comparisons: Sequence[SubgroupComparison] = (),
) -> Page:
    """The report of `firstread evaluate studies`."""
    evidence = [one.evidence for one in studies if one.evidence is not None]
    truth, shares = pooled_slices(evidence)
    pictures = [plot_roc(truth, shares, scores.slices, None)] if scores.slices.value else []
    pictures += [
        plot_share_by_slice(study.slice_truth, study.slice_score, study.patient)
        for study in evidence
        if study.slice_truth.size
    ]
    named = [
        ReportFigure(
            "Slices: area under the ROC curve of the lesion share", scores.slices, "Slice AUC"
        ),
        ReportFigure(
            "Lobes: area under the ROC curve of the lesion share", scores.lobes, "Lobe AUC"
        ),
        ReportFigure("Cases: sensitivity", scores.sensitivity, "Case sensitivity"),
        ReportFigure("Cases: specificity", scores.specificity, "Case specificity"),
    ]
    lobes = _lobes_table(evidence)
    apart = _yes_or_no(scores.lobes_apart)
    notes = [f"Every infected lobe has a larger share than every other lobe: {apart}."]
    if not lobes.rows:
        notes = ["No lobe is both labelled and measured."]
    sections = [
        Section("Patients", tables=[_patients_table(studies)]),
        Section("Slices", notes=[f"Intervals: {scores.interval}."], pictures=pictures),
        Section("Lobes", notes=notes, tables=[lobes] if lobes.rows else []),
        *subgroup_section(comparisons),
    ]
    return Page("Whole studies", facts, named, sections)
