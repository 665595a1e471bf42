"""The stages of the training: a network for each fold, then one on everything, which is shipped."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.chest.folds import NOTHING_LEFT_OUT, Fold, check_folds, kept, left_out, read_folds
from training.chest.network import MaskNet
from training.chest.objective import MaskObjective
from training.chest.predict import Floats, Predicted, predict, slabs_of
from training.chest.score_scans import score_lesions
from training.chest.scores.network import SIZE as SCORE_SIZE
from training.data.drawn_scans import read_covid_seg20, read_lctsc
from training.data.figures import CovidCt, FigureSet, read_covid_ct, read_sars_cov2_ct
from training.data.slices import SliceSet, read_doctors, read_lungs2d, read_negatives
from training.data.split import Parts, divide, read_splits
from training.data.whole_volumes import read_without_pneumonia
from training.encoder.published import pretrained
from training.fit import Schedule, fit
from training.segmentation.objective import BatchShare

log = logging.getLogger(__name__)

STEPS = 900  # of every network: limits that are chosen on those of the folds hold for the last one
_ALL_SEED = 50
RATE = 1.5e-3
ENCODER_SHARE = 0.3  # of the rate, where the encoder knows pictures
FROZEN_BLOCKS = 3  # of such an encoder: edges and textures
_LUNA_SERIES = "1.3.6.1.4.1.14519."  # how the names of that set's slices begin
_TRIAL_OF_EACH = 16  # slices of each set, to compare an export on and to calibrate int8


@dataclass(frozen=True)
class ChestCorpus:
    """Everything that is trained on and scored with."""

    seg20: SliceSet
    lctsc: SliceSet
    lungs2d: Parts
    doctors: Parts
    negatives: Parts
    without_pneumonia: SliceSet
    covid_ct: CovidCt
    sars_cov2_ct: FigureSet


@dataclass(frozen=True)
class ChestPlan:
    """How long to train, from what, and what the network sees.

    Attributes
    ----------
    weights : published weights of the encoder; None for an encoder that knows nothing, which is
        the baseline of the card's table
    variant : of EfficientNet-Lite
    licence_clean : whether to train on nothing but data whose licence allows commercial use, as
        far as found: no drawn lesions and no figures are among them
    slices_alone : whether to train without scans and volumes, on the slices that were there before
        them, as a baseline.
    """

    build: Path
    weights: Path | None
    variant: int = 0
    seed: int = 1
    shorten: int = 1
    with_neighbours: bool = True
    licence_clean: bool = False
    slices_alone: bool = False

    def steps(self, steps: int) -> int:
        """Of a stage that has so many where nothing is shortened."""
        return max(steps // self.shorten, 1)

    def schedule(self, steps: int, seed: int) -> Schedule:
        """The schedule of a stage."""
        return Schedule(
            self.steps(steps),
            RATE,
            self.seed * 100 + seed,
            encoder_share=1.0 if self.weights is None else ENCODER_SHARE,
        )


def read_corpus(data: Path) -> ChestCorpus:
    """Read all sets; raises as `divide` and `check_folds`."""
    splits = read_splits()
    seg20, lctsc = read_covid_seg20(data), read_lctsc(data)
    without_pneumonia = read_without_pneumonia(data)
    check_folds(read_folds(), seg20, lctsc, without_pneumonia)
    return ChestCorpus(
        seg20,
        lctsc,
        divide(read_lungs2d(data), splits),
        divide(read_doctors(data), splits),
        divide(read_negatives(data), splits),
        without_pneumonia,
        read_covid_ct(data, SCORE_SIZE),
        read_sars_cov2_ct(data, SCORE_SIZE),
    )


def trial_slabs(corpus: ChestCorpus) -> Floats:
    """Slices from every set evenly, as the network is fed them."""
    parts = []
    for slices in (corpus.seg20, corpus.lctsc, corpus.without_pneumonia, corpus.doctors.train):
        at = np.linspace(0, len(slices) - 1, _TRIAL_OF_EACH).astype(np.intp)
        parts.append(slabs_of(slices.at(at)))
    return np.concatenate(parts)


def new_network(plan: ChestPlan) -> MaskNet:
    """A network that has not been trained."""
    torch.manual_seed(plan.seed)
    network = MaskNet(plan.variant)
    if plan.weights is not None:
        pretrained(network.encoder, plan.weights).freeze_first(FROZEN_BLOCKS)
    return network


def fit_fold(corpus: ChestCorpus, plan: ChestPlan, number: int) -> MaskNet:
    """On everything but the scans and patients of a fold, and what is held out for all."""
    fold = read_folds()[number]
    watched = left_out(corpus.seg20, fold.covid_seg20)
    schedule = plan.schedule(STEPS, number)
    return _fit(corpus, plan, fold, watched, schedule, f"fold-{number}")


def fit_all(corpus: ChestCorpus, plan: ChestPlan) -> MaskNet:
    """On every scan: the network that is shipped. Nothing that is held out for all is in it."""
    watched = corpus.doctors.validation
    schedule = plan.schedule(STEPS, _ALL_SEED)
    return _fit(corpus, plan, NOTHING_LEFT_OUT, watched, schedule, "all")


def _fit(
    corpus: ChestCorpus,
    plan: ChestPlan,
    fold: Fold,
    watched: SliceSet,
    schedule: Schedule,
    name: str,
) -> MaskNet:
    def validate(network: MaskNet) -> str:
        found = predict(network, watched, with_neighbours=plan.with_neighbours)
        return score_lesions(watched, found).lines()[-1]

    return fit(
        new_network(plan),
        lambda: _objective(corpus, plan, fold),
        schedule,
        plan.build / f"{name}.pt",
        validate=validate,
    )


def _objective(corpus: ChestCorpus, plan: ChestPlan, fold: Fold) -> MaskObjective:
    if plan.licence_clean:
        return _clean_objective(corpus, plan, fold)
    if plan.slices_alone:
        return _slices_objective(corpus, plan)
    return MaskObjective(
        drawn=[
            BatchShare(kept(corpus.seg20, fold.covid_seg20), 8, evenly=True),
            BatchShare(corpus.doctors.train, 3),
            BatchShare(kept(corpus.lctsc, fold.lctsc), 4, paste=True),
            BatchShare(corpus.lungs2d.train, 4, paste=True),
            BatchShare(kept(corpus.without_pneumonia, fold.without_pneumonia), 2),
            BatchShare(corpus.negatives.train, 1),
        ],
        with_neighbours=plan.with_neighbours,
    )


def _clean_objective(corpus: ChestCorpus, plan: ChestPlan, fold: Fold) -> MaskObjective:
    """LCTSC with lesions painted in, and LUNA slices: the sets under CC BY 3.0."""
    luna = corpus.negatives.train.where(lambda source: source.startswith(_LUNA_SERIES))
    return MaskObjective(
        drawn=[
            BatchShare(kept(corpus.lctsc, fold.lctsc), 13, paste=True),
            BatchShare(luna, 4),
        ],
        with_neighbours=plan.with_neighbours,
    )


def _slices_objective(corpus: ChestCorpus, plan: ChestPlan) -> MaskObjective:
    """The single slices that 2.0.0 was trained on too, and nothing of scans drawn as a whole."""
    return MaskObjective(
        drawn=[
            BatchShare(corpus.doctors.train, 9),
            BatchShare(corpus.lungs2d.train, 8, paste=True),
            BatchShare(corpus.negatives.train, 5),
        ],
        with_neighbours=plan.with_neighbours,
    )


@dataclass(frozen=True)
class FoldAnswers:
    """What the network of a fold says of the scans and volumes that it did not see."""

    fold: Fold
    network: MaskNet
    scans: SliceSet
    of_scans: Predicted
    volumes: SliceSet
    of_volumes: Predicted
    others: SliceSet
    of_others: Predicted

    @property
    def without_pneumonia(self) -> tuple[tuple[SliceSet, Predicted], ...]:
        """Whole volumes without lesions: the patients with drawn lungs, and the others."""
        found = ((self.volumes, self.of_volumes), (self.others, self.of_others))
        return tuple(one for one in found if len(one[0]))


def answer_fold(corpus: ChestCorpus, plan: ChestPlan, number: int, network: MaskNet) -> FoldAnswers:
    """Answer for what a fold left out."""
    fold = read_folds()[number]
    scans = left_out(corpus.seg20, fold.covid_seg20)
    volumes = left_out(corpus.lctsc, fold.lctsc)
    others = left_out(corpus.without_pneumonia, fold.without_pneumonia)
    return FoldAnswers(
        fold,
        network,
        scans,
        predict(network, scans, with_neighbours=plan.with_neighbours),
        volumes,
        predict(network, volumes, with_neighbours=plan.with_neighbours),
        others,
        predict(network, others, with_neighbours=plan.with_neighbours),
    )
