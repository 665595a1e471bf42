"""Goes on with the networks of a chest, with our own slices where available.

Every choice here was made beforehand; the cases that are held out choose nothing. What the site
says nothing about is kept: a network goes on only where there is something to learn for it, and
masks alone do not change the encoder unless our own slices keep it.
"""

from __future__ import annotations

import copy
from typing import Final

from training.chest.network import MaskNet
from training.chest.objective import MaskObjective
from training.chest.scores.network import ScoreMember, ScoreNet
from training.chest.scores.objective import FigureShare, ScoreObjective
from training.chest.stages import ENCODER_SHARE, FROZEN_BLOCKS, RATE, ChestCorpus
from training.data.figures import FigureSet
from training.fit import Schedule, fit
from training.segmentation.objective import BatchShare
from training.site.learner import LearningPlan, not_looked_at
from training.site.slice_set import fewer_of_a_class

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
    """Go on with each member of the network of scores; parameters as of `fine_tune_masks`."""
    members = []
    for number, member in enumerate(base.members):
        members.append(
            fit(
                _only_its_answer(member) if corpus is None else _first_blocks_kept(member),
                lambda: score_batches(site, corpus),
                _schedule(plan, 1 + number),
                plan.build / f"scores-{number}.pt",
                validate=not_looked_at,
            )
        )
    network: ScoreNet = ScoreNet(members).eval()
    return network


def _schedule(plan: LearningPlan, number: int) -> Schedule:
    seed = plan.seed * 100 + number
    return Schedule(plan.steps, _GENTLY * RATE, seed, encoder_share=ENCODER_SHARE)


def held(base: MaskNet, *, alone: bool) -> MaskNet:
    """A copy whose encoder goes on only where our own slices keep it."""
    network = copy.deepcopy(base)
    network.encoder.freeze_first(FROZEN_BLOCKS)
    if alone:
        network.encoder.requires_grad_(False)
    return network


def _only_its_answer(member: ScoreMember) -> ScoreMember:
    copied = copy.deepcopy(member)
    copied.encoder.requires_grad_(False)
    return copied


def _first_blocks_kept(member: ScoreMember) -> ScoreMember:
    copied = copy.deepcopy(member)
    copied.encoder.freeze_first(FROZEN_BLOCKS)
    return copied


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
