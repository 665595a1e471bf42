"""`firstread evaluate studies`: whole studies, read as the worker reads them, against labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chest.reader import Reader
from chest.values.reading import ChestReading
from chest.values.territory import Territory
from evaluation.report.studies import ShownStudy, studies_page
from evaluation.statistics.study_scores import StudyEvidence, StudyScores, score_studies, slice_area
from evaluation.statistics.subgroups import SubgroupComparison, compare_classification
from firstread.choose_bundle import bundle_entries
from firstread.evaluate.bundle import Choice, bundle_facts, write_report
from firstread.evaluate.read_labelled_study import StudyReading, read_labelled_study
from firstread.evaluate.study_labels import LOBES, StudyLabels, find_patients, read_study_labels
from firstread.say import shown_progress
from models.catalogue import UsableBundle
from radiology.errors import Refused
from radiology.outcome import Outcome
from settings.environment import Settings

_LABELS_OF: Mapping[Territory, tuple[str, ...]] = {
    Territory.RIGHT_UPPER_LOBE: ("RUL",),
    Territory.RIGHT_MIDDLE_LOBE: ("RML",),
    Territory.RIGHT_LOWER_LOBE: ("RLL",),
    Territory.LEFT_UPPER_LOBE: ("LUL",),
    Territory.LEFT_LOWER_LOBE: ("LLL",),
    # Where the horizontal fissure is not seen the two are one; infected if either is.
    Territory.RIGHT_UPPER_AND_MIDDLE_LOBE: ("RUL", "RML"),
}
_ZONES = "not every fissure could be seen, so there are zones in place of lobes"
_NO_LUNGS = "no lungs were found"
_TOGETHER = "the horizontal fissure could not be seen: right upper and middle lobe are one"

Results = Sequence[tuple[StudyLabels, StudyReading | Refused]]


def evaluate_studies(
    folder: Path, labels: Path, choice: Choice, settings: Settings
) -> dict[str, Any]:
    """Read the study of every labelled patient and score slices, lobes and cases.

    A study that is refused (no suitable series, slices missing …) is an answer too: it is
    listed with its reason and takes no part in the pooled figures.

    Returns
    -------
    The JSON object.

    Raises
    ------
    SettingsRefused
        A patient has no folder, or labels do not fit the study.
    BundleRejected
        There is no such bundle.
    """
    choice.check_report()
    known = read_study_labels(labels)
    folders = find_patients(folder, [one.patient for one in known])
    bundle = choice.find(settings)
    reader = Reader.of(
        bundle,
        provider=settings.execution_provider,
        threads=choice.threads or settings.inference_threads,
    )
    results = [
        (known_labels, read_labelled_study(known_labels, folders[known_labels.patient], reader))
        for known_labels in shown_progress(known, "Reading studies", len(known))
    ]
    return _scored(results, bundle, choice)


def _evidence(labels: StudyLabels, study: StudyReading) -> StudyEvidence:
    none = labels.slices is None or study.slice_shares is None
    lobes = {
        lobe: any(labels.lobes[name] for name in _LABELS_OF[lobe])
        for lobe in study.lobe_shares
        if set(_LABELS_OF[lobe]) <= set(labels.lobes)
    }
    return StudyEvidence(
        patient=labels.patient,
        slice_truth=np.zeros(0, dtype=bool) if none else np.asarray(labels.slices),
        slice_score=np.zeros(0) if none else np.asarray(study.slice_shares),
        lobe_truth={lobe.value: infected for lobe, infected in lobes.items()},
        lobe_score={lobe.value: study.lobe_shares[lobe] for lobe in lobes},
        infected=labels.infected,
        suspected=_suspected(study.reading),
    )


def _suspected(reading: ChestReading) -> bool | None:
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        return None
    return reading.outcome is Outcome.FINDINGS


def _scored(results: Results, bundle: UsableBundle, choice: Choice) -> dict[str, Any]:
    evidence = {
        labels.patient: _evidence(labels, study)
        for labels, study in results
        if isinstance(study, StudyReading)
    }
    scores = score_studies(list(evidence.values()))
    comparisons = _comparisons(results, evidence)
    if choice.report is not None:
        facts = [*bundle_facts(bundle), ("Patients", str(len(results)))]
        shown = [_shown(labels, study, evidence) for labels, study in results]
        write_report(choice.report, studies_page(facts, scores, shown, comparisons))
    return {
        **scores.slices.entries("slice_auc"),
        **scores.lobes.entries("lobe_auc"),
        **_reasons(results, scores),
        "interval": scores.interval,
        "lobes_apart": scores.lobes_apart,
        "n_slices": scores.slices.count,
        "n_lobes": scores.lobes.count,
        "n_patients": len(results),
        **scores.sensitivity.entries("case_sensitivity"),
        **scores.specificity.entries("case_specificity"),
        **bundle_entries(bundle),
        "patients": [_patient_entries(labels, study, evidence) for labels, study in results],
        "subgroups": [one.entries() for one in comparisons],
    }


def _reasons(results: Results, scores: StudyScores) -> dict[str, str]:
    """Why a pooled figure is not defined."""
    reasons = {}
    if scores.slices.value is None:
        reasons["slice_auc_reason"] = "no slices of both kinds are labelled and measured"
    if scores.lobes.value is None:
        labelled = any(labels.lobes for labels, _ in results)
        measured = any(
            isinstance(study, StudyReading) and study.lobe_shares for _, study in results
        )
        if not labelled:
            reasons["lobe_auc_reason"] = "no lobes are labelled"
        elif not measured:
            reasons["lobe_auc_reason"] = _ZONES
        else:
            reasons["lobe_auc_reason"] = "no lobes of both kinds are labelled and measured"
    return reasons


def _comparisons(
    results: Results,
    evidence: Mapping[str, StudyEvidence],
) -> list[SubgroupComparison]:
    """Groups of patients, by suspicion against the label; needs patients of both kinds."""
    taken = [
        (study, study.reading.suspicion, evidence[labels.patient].infected)
        for labels, study in results
        if isinstance(study, StudyReading)
    ]
    usable = [(study, score, ill) for study, score, ill in taken if None not in (score, ill)]
    truth = np.array([bool(ill) for *_, ill in usable])
    if truth.size < 2:
        return []
    scores = np.array([score for _, score, _ in usable], dtype=np.float64)
    threshold = usable[0][0].reading.suspicion_threshold
    names = list(usable[0][0].groups)
    attributes = {name: [study.groups[name] for study, *_ in usable] for name in names}
    return compare_classification(truth, scores, threshold, attributes)


def _shown(
    labels: StudyLabels, study: StudyReading | Refused, evidence: Mapping[str, StudyEvidence]
) -> ShownStudy:
    if isinstance(study, Refused):
        return ShownStudy(labels.patient, None, f"{study.kind}: {study.message}", None, None)
    words = [study.reading.outcome.value.replace("_", " ")]
    words += [study.triage.urgency.value] if study.triage else []
    words += [gate.reason for gate in study.reading.failed_gates]
    return ShownStudy(
        labels.patient,
        evidence[labels.patient],
        ", ".join(words),
        study.reading.suspicion,
        study.lesion_share_percent,
    )


def _lobes_reason(study: StudyReading) -> str | None:
    """Why a patient has not each of the five lobes; None when there they are."""
    if len(study.lobe_shares) == len(LOBES):
        return None
    if study.slice_shares is None:
        return _NO_LUNGS
    if Territory.RIGHT_UPPER_AND_MIDDLE_LOBE in study.lobe_shares:
        return _TOGETHER
    return _ZONES


def _patient_entries(
    labels: StudyLabels, study: StudyReading | Refused, evidence: Mapping[str, StudyEvidence]
) -> dict[str, Any]:
    """The case answer of one patient with its figures."""
    if isinstance(study, Refused):
        return {
            "patient": labels.patient,
            "infected": labels.infected,
            "outcome": "refused",
            "kind": study.kind,
            "reason": str(study),
        }
    of_patient = evidence[labels.patient]
    return {
        "patient": labels.patient,
        "infected": of_patient.infected,
        "urgency": study.triage.urgency.value if study.triage else None,
        "urgency_rule": study.triage.rule if study.triage else None,
        "slice_auc": slice_area(of_patient),
        "lesion_share_percent": study.lesion_share_percent,
        "lobes": {lobe.value: share for lobe, share in study.lobe_shares.items()},
        "lobes_reason": _lobes_reason(study),
        "groups": dict(study.groups),
        **study.reading.facts(),
    }
