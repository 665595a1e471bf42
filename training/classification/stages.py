"""The stages of the classifier: training on all figures, then a member for each fold of COVID-CT.

Everything that is chosen (temperature, thresholds, lengths) is chosen inside the official train
split, on the fold that a member did not see. The official val split is scored once, and only then
joins the training of the members that are shipped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.classification.calibration import Calibration, fit_calibration
from training.classification.classify import Logits, logits_of
from training.classification.network import ANY_DISEASE, SARS, VIRAL, Sight, ViewNet
from training.classification.objective import ClassificationObjective, Pool
from training.classification.views import ViewSet, make_views, without_answers
from training.data.figures import read_covid_ct, read_sars_cov2_ct, read_weak_pneumonia
from training.fit import Schedule, fit
from training.segmentation.network import ChestNet
from training.segmentation.score import auc
from training.segmentation.stages import Corpus

log = logging.getLogger(__name__)

PRETRAIN_STEPS = 450
MEMBER_STEPS = 650
LAST_STEPS = 200
SIGHTS = (Sight.LUNGS, Sight.WHOLE, Sight.LUNGS, Sight.WHOLE)
"""What the member of each fold looks at: two kinds of member err differently."""
_PRETRAIN_RATE = 2e-3
_MEMBER_RATE = 1.5e-3
_LAST_RATE = 4e-4
_SARS_LOOKED_AT = 8  # the last eighth of either class: neighbours in number are neighbours in life


@dataclass(frozen=True)
class Figures:
    """Views of everything that the classifier learns from."""

    train: ViewSet
    val: ViewSet
    sars: ViewSet
    disease: ViewSet
    clear: ViewSet


@dataclass(frozen=True)
class FoldedClassifier:
    """Members, one a fold, and what was found out of fold."""

    members: tuple[ViewNet, ...]
    out_of_fold: Logits
    calibration: Calibration


def read_figures(data: Path, corpus: Corpus, network: ChestNet) -> Figures:
    """View every set that says something of whole slices with the segmentation network."""
    log.info("views of the figures: lungs cut out, lesions marked")
    covid_ct = read_covid_ct(data)
    weak = make_views(network, read_weak_pneumonia(data))
    pseudo = make_views(network, without_answers(corpus.pseudo.train))
    return Figures(
        train=make_views(network, covid_ct.train),
        val=make_views(network, covid_ct.val),
        sars=make_views(network, read_sars_cov2_ct(data)),
        disease=_joined("disease", weak, pseudo),
        clear=make_views(network, without_answers(corpus.negatives.train)),
    )


def _joined(name: str, *sets: ViewSet) -> ViewSet:
    return ViewSet(
        name,
        np.concatenate([one.views for one in sets]),
        np.concatenate([one.viral for one in sets]),
        np.concatenate([one.signs for one in sets]),
        sum((one.sources for one in sets), ()),
    )


def _looked_at(sars: ViewSet) -> NDArray[np.bool_]:
    """The block of SARS-CoV-2 CT that the pretraining is watched on."""
    held = np.zeros(len(sars), dtype=bool)
    for label in (0, 1):
        at = np.flatnonzero(sars.viral == label)
        held[at[-(at.size // _SARS_LOOKED_AT) :]] = True
    return held


def pretrain(
    figures: Figures, build: Path, seed: int, steps: int = PRETRAIN_STEPS
) -> dict[Sight, ViewNet]:
    """Learn from what COVID-CT does not hold: SARS-CoV-2 CT, weak pneumonia, clear slices."""
    return {sight: _pretrain(figures, sight, build, seed, steps) for sight in Sight}


def _pretrain(figures: Figures, sight: Sight, build: Path, seed: int, steps: int) -> ViewNet:
    torch.manual_seed(seed + 10)
    held = _looked_at(figures.sars)
    sars = figures.sars.at(np.flatnonzero(~held))
    watched = figures.sars.at(np.flatnonzero(held))
    either = _joined("disease", figures.disease, figures.clear)
    diseased = np.r_[np.ones(len(figures.disease)), np.zeros(len(figures.clear))]

    def objective() -> ClassificationObjective:
        return ClassificationObjective(
            [
                Pool(sars, SARS, sars.viral.astype(np.float32), 24),
                Pool(either, ANY_DISEASE, diseased.astype(np.float32), 24, weight=0.7),
            ]
        )

    def validate(network: ViewNet) -> str:
        scores = logits_of([network], watched, SARS).viral[0]
        return f"a block of SARS-CoV-2 CT: AUC {auc(scores, watched.viral):.3f}"

    schedule = Schedule(steps, _PRETRAIN_RATE, seed + 10)
    checkpoint = build / f"views-{sight.name.lower()}.pt"
    return fit(ViewNet(sight), objective, schedule, checkpoint, validate=validate)


def folds_of(sources: Sequence[str], labels: NDArray[np.int8], count: int) -> NDArray[np.intp]:
    """Divide slices into folds by source, the largest source first to the emptiest fold.

    Both labels are shared out evenly, since a source has one label.

    Returns
    -------
    The fold of each slice.
    """
    names = np.array(sources)
    fold = np.zeros(names.size, dtype=np.intp)
    filled = np.zeros((count, 2), dtype=int)
    sizes = {name: int((names == name).sum()) for name in sorted(set(sources))}
    for name in sorted(sizes, key=lambda one: (-sizes[one], one)):
        at = names == name
        label = int(labels[at][0])
        chosen = int(np.argmin(filled[:, label]))
        fold[at] = chosen
        filled[chosen, label] += sizes[name]
    return fold


def fit_members(
    figures: Figures,
    starts: Mapping[Sight, ViewNet],
    build: Path,
    seed: int,
    steps: int = MEMBER_STEPS,
) -> FoldedClassifier:
    """Fit one member for each fold of the official train split, and calibrate out of fold."""
    train = figures.train
    fold = folds_of(train.sources, train.viral, len(SIGHTS))
    members = []
    viral = np.empty((1, len(train)))
    signs = np.empty((len(train), train.signs.shape[1]))
    for number, sight in enumerate(SIGHTS):
        seen, unseen = train.at(np.flatnonzero(fold != number)), np.flatnonzero(fold == number)
        watched = train.at(unseen)
        member = _fit_member(seen, watched, starts[sight], build, seed + 20 + number, steps)
        answer = logits_of([member], train.at(unseen))
        viral[0, unseen], signs[unseen] = answer.viral[0], answer.signs
        members.append(member)
    calibration = fit_calibration(viral[0], train.viral, signs, train.signs)
    log.info("out of fold: AUC %.3f, %s", auc(viral[0], train.viral), calibration)
    return FoldedClassifier(tuple(members), Logits(viral, signs), calibration)


def _fit_member(
    seen: ViewSet, unseen: ViewSet, start: ViewNet, build: Path, seed: int, steps: int
) -> ViewNet:
    torch.manual_seed(seed)

    def objective() -> ClassificationObjective:
        return ClassificationObjective([Pool(seen, VIRAL, seen.viral.astype(np.float32), 32)])

    def validate(network: ViewNet) -> str:
        scores = logits_of([network], unseen).viral[0]
        return f"the fold that it does not see: AUC {auc(scores, unseen.viral):.3f}"

    schedule = Schedule(steps, _MEMBER_RATE, seed, weight_decay=0.05)
    return fit(start, objective, schedule, build / f"member-{seed}.pt", validate=validate)


def fit_last(
    figures: Figures, classifier: FoldedClassifier, build: Path, seed: int, steps: int = LAST_STEPS
) -> tuple[ViewNet, ...]:
    """Go on with all of train and val: the members that are shipped. Nothing is scored on them."""
    everything = _joined("covid-ct", figures.train, figures.val)

    def objective() -> ClassificationObjective:
        labels = everything.viral.astype(np.float32)
        return ClassificationObjective([Pool(everything, VIRAL, labels, 32)])

    last = []
    for number, member in enumerate(classifier.members):
        member_seed = seed + 40 + number
        torch.manual_seed(member_seed)
        schedule = Schedule(steps, _LAST_RATE, member_seed, weight_decay=0.05)
        checkpoint = build / f"last-{member_seed}.pt"
        last.append(
            fit(member, objective, schedule, checkpoint, validate=lambda _: "no slice left")
        )
    return tuple(last)
