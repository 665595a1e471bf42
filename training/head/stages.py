"""The stages of the training: synthetic heads, then all data; by fold, then for the release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.encoder.published import pretrained
from training.fit import Schedule, fit
from training.head.made_heads import make_slices
from training.head.network import FROZEN, HeadNet
from training.head.objective import HeadObjective, Origin
from training.head.slices import HeadSlices, read_drawn, read_pictures, split_by_group

FOLDS = 4
MADE_SEEDS = range(1, 49)
START_STEPS, FOLD_STEPS, LAST_STEPS = 120, 90, 160

_PER_BATCH = {"pictures": 4, "drawn": 2, "made": 2}
_START_PER_BATCH = 8
_RATE = 1.2e-3


@dataclass(frozen=True)
class HeadCorpus:
    """All that is trained on, and the fold in which each real slice is held out."""

    pictures: HeadSlices
    drawn: HeadSlices
    made: HeadSlices
    picture_folds: NDArray[np.int64]
    drawn_folds: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How long to train, and from what."""

    build: Path
    seed: int = 1
    shorten: int = 1

    def schedule(self, steps: int) -> Schedule:
        """The schedule of a stage."""
        return Schedule(max(steps // self.shorten, 1), _RATE, self.seed)


def read_corpus(data: Path, plan: Plan) -> HeadCorpus:
    """Read the public set, and make the heads unless they lie in the build folder."""
    pictures, drawn = read_pictures(data), read_drawn(data)
    seeds = range(MADE_SEEDS.start, MADE_SEEDS.start + max(len(MADE_SEEDS) // plan.shorten, 2))
    return HeadCorpus(
        pictures,
        drawn,
        make_slices(seeds, plan.build / f"made-{len(seeds)}.npz"),
        split_by_group(pictures.groups, FOLDS, plan.seed),
        split_by_group(drawn.groups, FOLDS, plan.seed),
    )


def new_network(weights: Path, seed: int) -> HeadNet:
    """A network that has not been trained, with an encoder that knows photographs.

    Parameters
    ----------
    weights : the published ones (`training.encoder.published`)
    """
    torch.manual_seed(seed)
    network = HeadNet()
    pretrained(network.encoder, weights)
    network.encoder.freeze_first(FROZEN)
    return network


def fit_start(corpus: HeadCorpus, start: HeadNet, plan: Plan) -> HeadNet:
    """On made heads alone: where every stage after goes on from."""
    return _fit([(corpus.made, _START_PER_BATCH)], start, plan, "start", START_STEPS)


def fit_fold(corpus: HeadCorpus, start: HeadNet, plan: Plan, fold: int) -> HeadNet:
    """On everything but the pictures and patients of a fold."""
    pictures = corpus.pictures.at(np.flatnonzero(corpus.picture_folds != fold))
    drawn = corpus.drawn.at(np.flatnonzero(corpus.drawn_folds != fold))
    return _fit(_mixed(pictures, drawn, corpus.made), start, plan, f"fold-{fold}", FOLD_STEPS)


def fit_last(corpus: HeadCorpus, start: HeadNet, plan: Plan) -> HeadNet:
    """On everything: what is shipped."""
    return _fit(_mixed(corpus.pictures, corpus.drawn, corpus.made), start, plan, "last", LAST_STEPS)


def _mixed(*origins: HeadSlices) -> list[tuple[HeadSlices, int]]:
    return [(slices, _PER_BATCH[slices.name]) for slices in origins]


def _fit(
    mixed: list[tuple[HeadSlices, int]], start: HeadNet, plan: Plan, name: str, steps: int
) -> HeadNet:
    return fit(
        start,
        lambda: HeadObjective([Origin(slices, count) for slices, count in mixed]),
        plan.schedule(steps),
        plan.build / f"{name}.pt",
        validate=lambda network: "",
        validate_every=steps + 1,
        checkpoint_every=40,
    )
