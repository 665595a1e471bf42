"""Goes on with the chest network, with our own slices where available.

Every choice here was made beforehand; the cases that are held out choose nothing. Lungs, lesions
and scores come from one network: what the site says nothing about is kept by not letting go on
what it rests on, unless our own slices keep it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from training.chest.network import ChestSlabNet
from training.chest.objective import ChestObjective, FigureShare
from training.chest.stages import ENCODER_SHARE, FROZEN_BLOCKS, RATE, ChestCorpus
from training.data.figures import FigureSet
from training.fit import Schedule, fit
from training.segmentation.objective import BatchShare
from training.site.learner import LearningPlan, not_looked_at
from training.site.slice_set import Learnable, fewer_of_a_class

_GENTLY = 0.1  # of the rate that the base was made with: it must not forget. Ours.


@dataclass(frozen=True, slots=True)
class _Counts:
    """Slices of a batch: a third is the site's, where it has so many.

    Attributes
    ----------
    drawn, scored : of the site, for the masks and for the scores
    covid_ct, sars_cov2_ct : of ours, for the scores; twelve more are for the masks
    """

    drawn: int
    scored: int
    covid_ct: int
    sars_cov2_ct: int


_COUNTS = {
    Learnable(lesions=True, scores=True): _Counts(6, 4, 6, 2),
    Learnable(lesions=True, scores=False): _Counts(10, 0, 6, 2),
    Learnable(lesions=False, scores=True): _Counts(0, 10, 14, 6),
}


def fine_tune_chest(
    base: ChestSlabNet,
    site: FigureSet,
    learns: Learnable,
    corpus: ChestCorpus | None,
    plan: LearningPlan,
) -> ChestSlabNet:
    """Go on with the network.

    Parameters
    ----------
    base : from `read_back`, its normalisations frozen; not changed
    corpus : our own slices; None where the site's go alone
    """
    schedule = Schedule(plan.steps, _GENTLY * RATE, plan.seed, encoder_share=ENCODER_SHARE)
    return fit(
        held(base, learns, alone=corpus is None),
        lambda: batches(site, learns, corpus),
        schedule,
        plan.build / "chest.pt",
        validate=not_looked_at,
    )


def held(base: ChestSlabNet, learns: Learnable, *, alone: bool) -> ChestSlabNet:
    """A copy in which only that can change which the slices have something to say about."""
    network = copy.deepcopy(base)
    network.encoder.freeze_first(FROZEN_BLOCKS)
    if not learns.lesions:
        network.requires_grad_(False)
        network.scores.requires_grad_(True)
    elif not learns.scores and alone:
        # The scores rest on the encoder's features: with nothing to check them they would drift.
        network.encoder.requires_grad_(False)
        network.scores.requires_grad_(False)
    return network


def batches(site: FigureSet, learns: Learnable, corpus: ChestCorpus | None) -> ChestObjective:
    """What every step minimises, on slices of the site and of ours."""
    counts = _COUNTS[learns]
    drawn, figures = [], []
    if learns.lesions:
        drawn.append(BatchShare(site.slices, min(counts.drawn, len(site))))
    if learns.scores:
        each = min(fewer_of_a_class(site.viral), counts.scored // 2)
        figures.append(FigureShare(site, 2 * each))
    if corpus is not None:
        drawn += _our_drawn(corpus) if learns.lesions else []
        figures += [
            FigureShare(corpus.covid_ct.train, counts.covid_ct),
            FigureShare(corpus.sars_cov2_ct, counts.sars_cov2_ct),
        ]
    return ChestObjective(drawn, figures)


def _our_drawn(corpus: ChestCorpus) -> list[BatchShare]:
    """Twelve slices, of each set about as many as the base was trained on."""
    return [
        BatchShare(corpus.seg20, 4, evenly=True),
        BatchShare(corpus.doctors.train, 2),
        BatchShare(corpus.lctsc, 2, paste=True),
        BatchShare(corpus.lungs2d.train, 2, paste=True),
        BatchShare(corpus.without_pneumonia, 1),
        BatchShare(corpus.negatives.train, 1),
    ]
