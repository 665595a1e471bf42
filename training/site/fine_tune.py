"""Trains released networks further on a site's cases, with our own slices where available.

Every choice here was made beforehand; the cases that are held out choose nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from chest.grey_levels import OUTSIDE_HU
from models.schema_2.preprocess import SquareFit
from training.classification.network import VIRAL, ViewNet
from training.classification.objective import ClassificationObjective, Pool
from training.classification.views import ViewSet, make_views
from training.data.figures import SIGNS, FigureSet, read_covid_ct
from training.data.lung_sides import split_lung_sides
from training.data.slices import GRID, UNKNOWN, SliceSet
from training.fit import Schedule, fit
from training.segmentation.network import ChestNet
from training.segmentation.objective import BatchShare, SegmentationObjective
from training.segmentation.predict import predict
from training.segmentation.relabel import relabel
from training.segmentation.self_train import lungs_with_lesions, with_own_lungs
from training.segmentation.stages import Corpus
from training.site.cases import SiteSlice

log = logging.getLogger(__name__)

# A tenth of what the released networks were last trained with: they must not forget. Ours.
_SEGMENTATION_RATE = 2e-4
_MEMBER_RATE = 1e-4
_SITE_SLICES = 8  # a batch; with our own slices beside them a third of it
_LEAST_OF_A_CLASS = 2  # slices; with fewer a batch would show the same one again and again

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class House:
    """Our own slices, so that a network that learns a site's cases does not forget ours."""

    data: Path
    corpus: Corpus


def _on_square(drawn: NDArray[np.generic], fitted: SquareFit, outside: int) -> Bytes:
    small = Image.fromarray(drawn.astype(np.uint8)).resize(
        (fitted.width, fitted.height), Image.Resampling.NEAREST
    )
    square = np.full((GRID, GRID), outside, dtype=np.uint8)
    rows = slice(fitted.top, fitted.top + fitted.height)
    square[rows, fitted.left : fitted.left + fitted.width] = np.asarray(small)
    return square


def slice_set(slices: Sequence[SiteSlice], network: ChestNet) -> SliceSet:
    """Put slices on the grid that the network sees.

    Lungs that nobody drew are those that the network sees, with the lesions drawn in them.
    """
    hu, lesion, lung, true_hu = [], [], [], []
    for case_slice in slices:
        picture = case_slice.picture()
        fitted = SquareFit.of(picture.shape, picture.spacing_mm, GRID)
        hu.append(fitted.to_square(picture.hu, OUTSIDE_HU).astype(np.float16))
        drawn = (
            case_slice.lesion(picture)
            if case_slice.mask
            else np.full(picture.shape, UNKNOWN, np.uint8)
        )
        lesion.append(_on_square(drawn, fitted, 0 if case_slice.mask else UNKNOWN))
        lungs = case_slice.lung(picture)
        lung.append(None if lungs is None else split_lung_sides(_on_square(lungs, fitted, 0) > 0))
        true_hu.append(picture.true_hu)
    labels = np.stack(lesion)
    sources = tuple(one.case for one in slices)
    # One word for all: slices whose grey scale is doubted are varied more.
    doubted = SliceSet(
        "site", np.stack(hu), np.full_like(labels, UNKNOWN), labels, sources, all(true_hu)
    )
    seen = predict(network, doubted)[0][:, 1:].sum(axis=1) > 0.5
    disease = (labels > 0) & (labels != UNKNOWN)
    found = [
        lungs_with_lesions(mask, ill) if given is None else given
        for given, mask, ill in zip(lung, seen, disease, strict=True)
    ]
    return replace(doubted, lung=np.stack(found))


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
    base: ChestNet, site: SliceSet, house: House | None, build: Path, seed: int, steps: int
) -> ChestNet:
    """Go on with the segmentation network.

    Parameters
    ----------
    base : from `training.release.read_back`, its normalisations frozen; not changed
    build : where checkpoints are kept, for this base and these cases alone
    """

    def objective() -> SegmentationObjective:
        return SegmentationObjective(_shares(base, site, house), lesions=True)

    torch.manual_seed(seed)
    schedule = Schedule(steps, _SEGMENTATION_RATE, seed)
    return fit(base, objective, schedule, build / "segmentation.pt", validate=_not_looked_at)


def _not_looked_at(_: object) -> str:
    return "the held-out cases are not looked at"


def can_learn(viral: NDArray[np.int8]) -> bool:
    """Whether labels of slices suffice to train the classifier: two of either class."""
    return min(int((viral == label).sum()) for label in (0, 1)) >= _LEAST_OF_A_CLASS


def site_views(slices: Sequence[SiteSlice], site: SliceSet, network: ChestNet) -> ViewSet:
    """Views of the slices that have a label, as the network marks them."""
    labels = np.array([one.viral for one in slices], dtype=np.int8)
    at = np.flatnonzero(labels >= 0)
    signs = np.full((at.size, len(SIGNS)), -1, dtype=np.int8)
    return make_views(network, FigureSet(site.at(at), labels[at], signs))


def fine_tune_members(
    members: Sequence[ViewNet],
    views: ViewSet,
    house: ViewSet | None,
    build: Path,
    seed: int,
    steps: int,
) -> list[ViewNet]:
    """Go on with every member of the classifier.

    Parameters
    ----------
    views : of the site, enough of either label, see `can_learn`
    house : COVID-CT's train split, seen by the same segmentation network
    """

    def objective() -> ClassificationObjective:
        pools = [_pool(views)] if house is None else [_pool(views), _pool(house)]
        return ClassificationObjective(pools)

    changed = []
    for number, member in enumerate(members):
        member_seed = seed + 40 + number
        torch.manual_seed(member_seed)
        schedule = Schedule(steps, _MEMBER_RATE, member_seed, weight_decay=0.05)
        checkpoint = build / f"member-{number}.pt"
        changed.append(fit(member, objective, schedule, checkpoint, validate=_not_looked_at))
    return changed


def _pool(views: ViewSet) -> Pool:
    fewer = min(int((views.viral == label).sum()) for label in (0, 1))
    return Pool(views, VIRAL, views.viral.astype(np.float32), 2 * min(fewer, 8))


def house_views(house: House, network: ChestNet) -> ViewSet:
    """COVID-CT's train split as the network marks it."""
    return make_views(network, read_covid_ct(house.data).train)
