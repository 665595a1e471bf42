"""The main figures on the same held-out slices, degraded in realistic ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from models.schema_2.view import CHANNELS
from training.classification.classify import logits_of
from training.classification.network import VIRAL, ViewNet
from training.classification.stages import FoldedClassifier
from training.classification.views import EDGE, ViewSet, make_views, middle
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU, to_network_input
from training.data.figures import CovidCt, FigureSet
from training.data.slices import SliceSet
from training.scoring.perturb import ADVERSARIAL_HU, CHANGES, changed, turned
from training.scoring.report import Perturbed
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict
from training.segmentation.score import auc, dice
from training.segmentation.stages import Corpus

_ATTENUATIONS = (CHANNELS.index("attenuation"), CHANNELS.index("whole"))


def _attacked(network: ChestNet, slices: SliceSet) -> SliceSet:
    """One step up the network's own loss, at most 10 HU a pixel (Goodfellow, arXiv:1412.6572)."""
    hu = slices.hu.astype(np.float32)
    for first in range(0, len(slices), 8):
        at = slice(first, first + 8)
        x = torch.from_numpy(hu[at]).requires_grad_()
        lung, lesion = network.eval()(to_network_input(x[:, None]))
        truth = torch.from_numpy(slices.lung[at].astype(np.int64))
        drawn = torch.from_numpy(slices.lesion[at].astype(np.int64))
        loss = lung_loss(lung, truth) + lesion_loss(lesion, drawn, torch.ones(len(drawn)))
        loss.backward()
        hu[at] += ADVERSARIAL_HU * x.grad.sign().numpy()
    return replace(slices, hu=hu.astype(np.float16))


def _attacked_views(members: tuple[ViewNet, ...], views: ViewSet) -> ViewSet:
    """The same for the classifier, on the attenuation of its view."""
    step = ADVERSARIAL_HU / (WINDOW_HIGH_HU - WINDOW_LOW_HU)
    changed = views.views.copy()
    inner = slice(EDGE, -EDGE)
    for first in range(0, len(views), 16):
        at = slice(first, first + 16)
        x = middle(torch.from_numpy(views.views[at]).float() / 255.0).clone().requires_grad_()
        logits = torch.stack([member.eval()(x)[0][:, VIRAL] for member in members]).mean(0)
        truth = torch.from_numpy(views.viral[at].astype(np.float32))
        F.binary_cross_entropy_with_logits(logits, truth).backward()
        worse = (x + step * x.grad.sign()).clamp(0.0, 1.0).detach().numpy()
        for channel in _ATTENUATIONS:
            changed[at, channel, inner, inner] = np.rint(worse[:, channel] * 255.0)
    return replace(views, views=changed)


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
    attacked = _attacked_views(classifier.members, make_views(network, val))
    answer = classifier.calibration.viral(logits_of(classifier.members, attacked).viral)
    worse = [_attacked(network, slices) for slices in (lungs, drawn)]
    name = f"adversarial step, {ADVERSARIAL_HU:g} HU"
    found.append(_score(name, network, threshold, worse[0], worse[1], answer, val.viral))
    return tuple(found)
