"""`firstread evaluate classification`: slices against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chest.slices.read_slice import ChestSliceReader
from evaluation.report.kinds import classification_page
from evaluation.statistics.classification import score_classification
from evaluation.statistics.subgroups import compare_classification
from firstread.choose_bundle import bundle_entries
from firstread.evaluate.bundle import Choice, bundle_facts, open_slice_reader, write_report
from firstread.evaluate.labels import LabelledImage, Labels, read_labels
from firstread.say import console, shown_progress
from models.catalogue import UsableBundle
from radiology.errors import BundleRejected
from settings.environment import Settings
from worker.predict.read_picture import read_grey


def evaluate_classification(
    images: Path, labels: Path, split: str | None, choice: Choice, settings: Settings
) -> dict[str, Any]:
    """Classify every labelled slice and score the answers.

    Returns
    -------
    The JSON object: the figures with their intervals, and which bundle they belong to.

    Raises
    ------
    SettingsRefused
        An image or a label is missing or cannot be read.
    BundleRejected
        There is no such bundle, or it has no classifier.
    """
    choice.check_report()
    known = read_labels(labels, images, split)
    if known.excluded:
        console.print(
            f"{known.excluded} rows are left out: the same image stands in both classes "
            "(exclude_contradictory_duplicate)"
        )
    bundle = choice.find(settings)
    reader = open_slice_reader(bundle, choice, settings)
    if reader.model.classifier is None:
        raise BundleRejected(
            f"The bundle {bundle.name}/{bundle.version} cannot classify; choose one with a "
            "classifier by --bundle NAME/VERSION"
        )
    shown = shown_progress(known.images, "Reading slices", len(known.images))
    probability = np.array([_probability(reader, one) for one in shown], dtype=np.float64)
    return _scored(known, probability, reader.viral_threshold, bundle, choice, split)


def _probability(reader: ChestSliceReader, image: LabelledImage) -> float:
    viral = reader.read_grey(read_grey(image.path)).viral
    assert viral is not None  # the bundle has a classifier
    return viral


def _scored(
    known: Labels,
    probability: np.ndarray[Any, np.dtype[np.float64]],
    threshold: float,
    bundle: UsableBundle,
    choice: Choice,
    split: str | None,
) -> dict[str, Any]:
    truth = np.array([one.positive for one in known.images])
    scores = score_classification(truth, probability, threshold)
    comparisons = compare_classification(truth, probability, threshold, known.attributes)
    if choice.report is not None:
        facts = [
            *bundle_facts(bundle),
            ("Slices", f"{truth.size}, {int(truth.sum())} of them with the label"),
            ("Split", split or "all"),
            ("Left out", f"{known.excluded} contradictory duplicates"),
        ]
        names = [one.name for one in known.images]
        page = classification_page(facts, scores, truth, probability, names, comparisons)
        write_report(choice.report, page)
    return {
        **scores.entries(),
        "ece_by_chance": scores.calibration.error_by_chance,
        "n_positive": int(truth.sum()),
        "n_excluded": known.excluded,
        "split": split,
        **bundle_entries(bundle),
        "subgroups": [one.entries() for one in comparisons],
    }
