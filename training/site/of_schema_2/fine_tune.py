"""Goes on with the networks of a base of schema 2, with our own slices where available.

Every choice here was made beforehand; the cases that are held out choose nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.classification.network import VIRAL, ViewNet
from training.classification.objective import ClassificationObjective, Pool
from training.classification.views import ViewSet, make_views
from training.data.figures import read_covid_ct
from training.data.slices import SliceSet
from training.fit import Schedule, fit
from training.segmentation.network import ChestNet
from training.segmentation.objective import BatchShare, SegmentationObjective
from training.segmentation.predict import predict
from training.segmentation.relabel import relabel
from training.segmentation.self_train import with_own_lungs
from training.segmentation.stages import Corpus
from training.site.cases import SiteSlice
from training.site.learner import LearningPlan, not_looked_at
from training.site.slice_set import LungsSeen, fewer_of_a_class, with_labels

log = logging.getLogger(__name__)

# A tenth of what the released networks were last trained with: they must not forget. Ours.
_SEGMENTATION_RATE = 2e-4
_MEMBER_RATE = 1e-4
_SITE_SLICES = 8  # a batch; with our own slices beside them a third of it


@dataclass(frozen=True)
class House:
    """Our own slices, so that a network that learns a site's cases does not forget ours."""

    data: Path
    corpus: Corpus


def lungs_seen_by(network: ChestNet) -> LungsSeen:
    """Lungs as a network sees them."""

    def seen(slices: SliceSet) -> NDArray[np.bool_]:
        lungs: NDArray[np.bool_] = predict(network, slices)[0][:, 1:].sum(axis=1) > 0.5
        return lungs

    return seen


def _shares(network: ChestNet, site: SliceSet, house: House | None) -> list[BatchShare]:
    mine = BatchShare(site, min(_SITE_SLICES, len(site)))
    if house is None:
        return [mine]
    corpus = house.corpus
    log.info("our own slices go along: the network gives lungs to those that have none")
    return [
        mine,
        BatchShare(with_own_lungs(network, corpus.doctors.train, cropped=True), 5),
        BatchShare(relabel(network, corpus.pseudo.train), 3, trust=0.7),
        BatchShare(corpus.lungs2d.train, 3, paste=True),
        BatchShare(with_own_lungs(network, corpus.negatives.train, cropped=False), 3, paste=True),
    ]


def fine_tune_segmentation(
    base: ChestNet, site: SliceSet, house: House | None, plan: LearningPlan
) -> ChestNet:
    """Go on with the segmentation network.

    Parameters
    ----------
    base : from `read_back`, its normalisations frozen; not changed
    """

    def objective() -> SegmentationObjective:
        return SegmentationObjective(_shares(base, site, house), lesions=True)

    torch.manual_seed(plan.seed)
    schedule = Schedule(plan.steps, _SEGMENTATION_RATE, plan.seed)
    return fit(base, objective, schedule, plan.build / "segmentation.pt", validate=not_looked_at)


def site_views(slices: Sequence[SiteSlice], site: SliceSet, network: ChestNet) -> ViewSet:
    """Views of the slices that have a label, as the network marks them."""
    known = with_labels(slices, site)
    return make_views(network, known.at(np.flatnonzero(known.viral >= 0)))


def fine_tune_members(
    members: Sequence[ViewNet],
    views: ViewSet,
    house: ViewSet | None,
    plan: LearningPlan,
) -> list[ViewNet]:
    """Go on with every member of the classifier, each for half of the steps.

    Parameters
    ----------
    views : of the site, enough of either label, see `learnable`
    house : COVID-CT's train split, seen by the same segmentation network
    """

    def objective() -> ClassificationObjective:
        pools = [_pool(views)] if house is None else [_pool(views), _pool(house)]
        return ClassificationObjective(pools)

    changed = []
    for number, member in enumerate(members):
        member_seed = plan.seed + 40 + number
        torch.manual_seed(member_seed)
        schedule = Schedule(steps_of_member(plan), _MEMBER_RATE, member_seed, weight_decay=0.05)
        checkpoint = plan.build / f"member-{number}.pt"
        changed.append(fit(member, objective, schedule, checkpoint, validate=not_looked_at))
    return changed


def steps_of_member(plan: LearningPlan) -> int:
    """How long a member of the classifier goes on."""
    return max(plan.steps // 2, 1)


def _pool(views: ViewSet) -> Pool:
    count = 2 * min(fewer_of_a_class(views.viral), 8)
    return Pool(views, VIRAL, views.viral.astype(np.float32), count)


def house_views(house: House, network: ChestNet) -> ViewSet:
    """COVID-CT's train split as the network marks it."""
    return make_views(network, read_covid_ct(house.data).train)
