"""The main figures on the same held-out slices, degraded in realistic ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.classification.classify import logits_of
from training.classification.stages import FoldedClassifier
from training.classification.views import make_views
from training.classification.whole_path import WholePath
from training.data.augment import to_network_input
from training.data.figures import CovidCt, FigureSet
from training.data.slices import SliceSet
from training.scoring.attack import Attack, LossOf, against
from training.scoring.perturb import ADVERSARIAL_HU, CHANGES, changed, turned
from training.scoring.report import Perturbed
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict
from training.segmentation.score import auc, dice
from training.segmentation.stages import Corpus


def _attacked(slices: SliceSet, loss_of: LossOf) -> SliceSet:
    """One step up the loss of the very networks that are scored."""
    moved = Attack(ADVERSARIAL_HU).moved(loss_of, slices.hu)
    return replace(slices, hu=moved.astype(np.float16))


def _mask_loss(network: ChestNet, slices: SliceSet) -> LossOf:
    def loss(hu: Tensor, at: slice) -> Tensor:
        lung, lesion = network(to_network_input(hu))
        truth = torch.from_numpy(slices.lung[at].astype(np.int64))
        drawn = torch.from_numpy(slices.lesion[at].astype(np.int64))
        return lung_loss(lung, truth) + lesion_loss(lesion, drawn, torch.ones(len(drawn)))

    network.eval()
    return loss


def _score(
    name: str,
    network: ChestNet,
    threshold: float,
    lungs: SliceSet,
    drawn: SliceSet,
    viral: NDArray[np.float64],
    truth: NDArray[np.int8],
) -> Perturbed:
    lung = predict(network, lungs)[0].argmax(axis=1) > 0
    lesion = predict(network, drawn)[1][:, 1:].sum(axis=1) > threshold
    return Perturbed(
        name=name,
        lung_dice=float(dice(lung, lungs.lung > 0).mean()),
        lesion_dice=float(dice(lesion, drawn.lesion > 0).mean()),
        auc=auc(viral, truth),
    )


def measure_robustness(
    network: ChestNet,
    threshold: float,
    classifier: FoldedClassifier,
    corpus: Corpus,
    covid_ct: CovidCt,
) -> tuple[Perturbed, ...]:
    """Score lungs, lesions and the viral answer under every perturbation."""
    lungs, drawn, val = corpus.lungs2d.held_out, corpus.doctors.held_out, covid_ct.val

    def viral(slices: SliceSet) -> NDArray[np.float64]:
        views = make_views(network, FigureSet(slices, val.viral, val.signs))
        return classifier.calibration.viral(logits_of(classifier.members, views).viral)

    found = []
    for name, change in CHANGES.items():
        three = [changed(slices, change) for slices in (lungs, drawn, val.slices)]
        found.append(
            _score(name, network, threshold, three[0], three[1], viral(three[2]), val.viral)
        )
    for degrees in (15.0, -15.0):
        three = [turned(slices, degrees) for slices in (lungs, drawn, val.slices)]
        name = f"turned by {degrees:g}°"
        found.append(
            _score(name, network, threshold, three[0], three[1], viral(three[2]), val.viral)
        )
    path = WholePath(network, classifier.members)
    figures = _attacked(val.slices, against(path.logit, val.viral))
    worse = [_attacked(slices, _mask_loss(network, slices)) for slices in (lungs, drawn)]
    name = f"adversarial step, {ADVERSARIAL_HU:g} HU"
    found.append(_score(name, network, threshold, worse[0], worse[1], viral(figures), val.viral))
    return tuple(found)
