"""Floors: methods with little or no learning, which every useful figure must beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics import floors
from evaluation.statistics.bootstrap import mean_of
from evaluation.statistics.proportion import proportion
from evaluation.statistics.receiver_operating import auc
from training.classification.stages import Figures
from training.data.figures import read_covid_ct_images
from training.scoring.report import CardFigure
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict
from training.segmentation.score import dice
from training.segmentation.stages import Corpus

_VAL = "official COVID-CT val split"


def _classification(data: Path, figures: Figures) -> list[CardFigure]:
    train, val = (read_covid_ct_images(data, part) for part in ("train", "val"))
    known, truth = figures.train.viral == 1, figures.val.viral == 1
    by_statistics = floors.statistics_floor(train, known, val)
    by_neighbour = floors.nearest_neighbour_floor(train, known, val)

    def right(called: NDArray[np.bool_]) -> int:
        return int((called == truth).sum())

    return [
        CardFigure("floor_statistics_auc", "seven image statistics, AUC", _VAL,
               auc(truth, by_statistics)),
        CardFigure("floor_statistics_accuracy", "seven image statistics, accuracy", _VAL,
               proportion(right(by_statistics >= 0.5), truth.size)),
        CardFigure("floor_neighbour_auc", "nearest neighbour, AUC", _VAL, auc(truth, by_neighbour)),
        CardFigure("floor_neighbour_accuracy", "nearest neighbour, accuracy", _VAL,
               proportion(right(by_neighbour > 0), truth.size)),
    ]  # fmt: skip


def _lesions(network: ChestNet, corpus: Corpus) -> CardFigure:
    slices = corpus.doctors.held_out
    lung, _ = predict(network, slices)
    found = floors.threshold_lesions(slices.hu.astype(np.float32), lung.argmax(axis=1) > 0)
    return CardFigure(
        "floor_threshold_dice",
        "lung from −700 to −300 HU called opacity, Dice",
        "drawn by doctors",
        mean_of(dice(found, slices.lesion > 0)),
    )


def measure_floors(
    data: Path, figures: Figures, network: ChestNet, corpus: Corpus
) -> tuple[CardFigure, ...]:
    """Measure the floors on the slices that the networks are scored on."""
    return (*_classification(data, figures), _lesions(network, corpus))
