"""Goes on with the networks of a chest, with our own slices where available.

Every choice here was made beforehand; the cases that are held out choose nothing. What the site
says nothing about is kept: a network goes on only where there is something to learn for it, and
masks alone do not change the encoder unless our own slices keep it.
"""

from __future__ import annotations

import copy
from typing import Final, TypeVar

from training.chest.network import MaskNet
from training.chest.objective import MaskObjective
from training.chest.scores.network import ScoreNet
from training.chest.scores.objective import FigureShare, ScoreObjective
from training.chest.stages import ENCODER_SHARE, FROZEN_BLOCKS, RATE, ChestCorpus
from training.data.figures import FigureSet
from training.fit import Schedule, fit
from training.segmentation.objective import BatchShare
from training.site.learner import LearningPlan, not_looked_at
from training.site.slice_set import fewer_of_a_class

Network = TypeVar("Network", MaskNet, ScoreNet)

_GENTLY: Final = 0.1  # of the rate that the base was made with: it must not forget. Ours.
_DRAWN, _SCORED = 10, 8  # slices of the site in a batch, where it has so many
_OUR_FIGURES = 16


def fine_tune_masks(
    base: MaskNet, site: FigureSet, corpus: ChestCorpus | None, plan: LearningPlan
) -> MaskNet:
    """Go on with the network of masks.

    Parameters
    ----------
    base : from `read_back`, its normalisations frozen; not changed
    corpus : our own slices; None where the site's go alone
    """
    return fit(
        held(base, alone=corpus is None),
        lambda: mask_batches(site, corpus),
        _schedule(plan, 0),
        plan.build / "masks.pt",
        validate=not_looked_at,
    )


def fine_tune_scores(
    base: ScoreNet, site: FigureSet, corpus: ChestCorpus | None, plan: LearningPlan
) -> ScoreNet:
    """Go on with the network of scores; parameters as of `fine_tune_masks`."""
    return fit(
        held(base, alone=corpus is None),
        lambda: score_batches(site, corpus),
        _schedule(plan, 1),
        plan.build / "scores.pt",
        validate=not_looked_at,
    )


def _schedule(plan: LearningPlan, number: int) -> Schedule:
    seed = plan.seed * 100 + number
    return Schedule(plan.steps, _GENTLY * RATE, seed, encoder_share=ENCODER_SHARE)


def held(base: Network, *, alone: bool) -> Network:
    """A copy whose encoder goes on only where our own slices keep it."""
    network = copy.deepcopy(base)
    network.encoder.freeze_first(FROZEN_BLOCKS)
    if alone:
        network.encoder.requires_grad_(False)
    return network


def mask_batches(site: FigureSet, corpus: ChestCorpus | None) -> MaskObjective:
    """What every step of the masks minimises: a third is the site's, where it has so many."""
    drawn = [BatchShare(site.slices, min(_DRAWN, len(site)))]
    return MaskObjective([*drawn, *([] if corpus is None else _our_drawn(corpus))])


def _our_drawn(corpus: ChestCorpus) -> list[BatchShare]:
    """Twenty slices, of each set about as many as the base was trained on."""
    return [
        BatchShare(corpus.seg20, 6, evenly=True),
        BatchShare(corpus.doctors.train, 3),
        BatchShare(corpus.lctsc, 4, paste=True),
        BatchShare(corpus.lungs2d.train, 4, paste=True),
        BatchShare(corpus.without_pneumonia, 2),
        BatchShare(corpus.negatives.train, 1),
    ]


def score_batches(site: FigureSet, corpus: ChestCorpus | None) -> ScoreObjective:
    """What every step of the scores minimises: a third is the site's, where it has so many."""
    of_site = FigureShare(site, 2 * min(fewer_of_a_class(site.viral), _SCORED // 2))
    if corpus is None:
        return ScoreObjective((of_site,))
    return ScoreObjective((of_site, FigureShare(corpus.covid_ct.train, _OUR_FIGURES)))
