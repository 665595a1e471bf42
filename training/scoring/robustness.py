"""The main figures on the same held-out slices, degraded in realistic ways."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from models.schema_2.view import CHANNELS
from training.classification.classify import logits_of
from training.classification.network import VIRAL, ViewNet
from training.classification.stages import FoldedClassifier
from training.classification.views import EDGE, ViewSet, make_views, middle
from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU, to_network_input
from training.data.figures import CovidCt, FigureSet
from training.data.slices import SliceSet
from training.scoring.report import Perturbed
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.network import ChestNet
from training.segmentation.predict import predict
from training.segmentation.score import auc, dice
from training.segmentation.stages import Corpus

Slices = NDArray[np.float32]

_ADVERSARIAL_HU = 10.0  # the largest change of any pixel
_AIR_HU = -1000.0
_ATTENUATIONS = (CHANNELS.index("attenuation"), CHANNELS.index("whole"))


def _noise(sigma_hu: float) -> Callable[[Slices], Slices]:
    def change(hu: Slices) -> Slices:
        random = np.random.default_rng(0)
        grain = ndimage.gaussian_filter(random.standard_normal(hu.shape), (0, 0.7, 0.7))
        noisy: Slices = (hu + sigma_hu * grain / grain.std()).astype(np.float32)
        return noisy

    return change


def _blur(sigma: float) -> Callable[[Slices], Slices]:
    return lambda hu: ndimage.gaussian_filter(hu, (0, sigma, sigma))


def _sharp(amount: float) -> Callable[[Slices], Slices]:
    return lambda hu: hu + amount * (hu - ndimage.gaussian_filter(hu, (0, 1.0, 1.0)))


def _shift(by_hu: float, gain: float) -> Callable[[Slices], Slices]:
    return lambda hu: (hu + 400.0) * gain - 400.0 + by_hu


def _jpeg(quality: int) -> Callable[[Slices], Slices]:
    def one(hu: Slices) -> Slices:
        grey = np.clip((hu - WINDOW_LOW_HU) / (WINDOW_HIGH_HU - WINDOW_LOW_HU), 0, 1) * 255
        stream = io.BytesIO()
        Image.fromarray(grey.astype(np.uint8)).save(stream, "JPEG", quality=quality)
        back = np.asarray(Image.open(stream), dtype=np.float32) / 255.0
        restored: Slices = back * (WINDOW_HIGH_HU - WINDOW_LOW_HU) + WINDOW_LOW_HU
        return restored

    return lambda hu: np.stack([one(image) for image in hu])


CHANGES: Mapping[str, Callable[[Slices], Slices]] = {
    "as they are": lambda hu: hu,
    "noise, 30 HU": _noise(30.0),
    "noise, 60 HU": _noise(60.0),
    "blur, 1.5 pixels": _blur(1.5),
    "sharp kernel": _sharp(1.5),
    "window shifted by 80 HU": _shift(80.0, 1.0),
    "window shifted by −80 HU": _shift(-80.0, 1.0),
    "window 15 % wider": _shift(0.0, 0.87),
    "JPEG, quality 20": _jpeg(20),
}


def _changed(slices: SliceSet, change: Callable[[Slices], Slices]) -> SliceSet:
    return replace(slices, hu=change(slices.hu.astype(np.float32)).astype(np.float16))


def _turned(slices: SliceSet, degrees: float) -> SliceSet:
    def turn(stack: NDArray[Any], order: Literal[0, 1], outside: float) -> NDArray[np.float32]:
        return np.asarray(
            ndimage.rotate(
                stack.astype(np.float32), degrees, axes=(2, 1), reshape=False, order=order,
                mode="constant", cval=outside,
            )
        )  # fmt: skip

    return replace(
        slices,
        hu=turn(slices.hu, 1, _AIR_HU).astype(np.float16),
        lung=turn(slices.lung, 0, 0).astype(np.uint8),
        lesion=turn(slices.lesion, 0, 0).astype(np.uint8),
    )


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
        hu[at] += _ADVERSARIAL_HU * x.grad.sign().numpy()
    return replace(slices, hu=hu.astype(np.float16))


def _attacked_views(members: tuple[ViewNet, ...], views: ViewSet) -> ViewSet:
    """The same for the classifier, on the attenuation of its view."""
    step = _ADVERSARIAL_HU / (WINDOW_HIGH_HU - WINDOW_LOW_HU)
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
        three = [_changed(slices, change) for slices in (lungs, drawn, val.slices)]
        found.append(
            _score(name, network, threshold, three[0], three[1], viral(three[2]), val.viral)
        )
    for degrees in (15.0, -15.0):
        three = [_turned(slices, degrees) for slices in (lungs, drawn, val.slices)]
        name = f"turned by {degrees:g}°"
        found.append(
            _score(name, network, threshold, three[0], three[1], viral(three[2]), val.viral)
        )
    attacked = _attacked_views(classifier.members, make_views(network, val))
    answer = classifier.calibration.viral(logits_of(classifier.members, attacked).viral)
    worse = [_attacked(network, slices) for slices in (lungs, drawn)]
    name = f"adversarial step, {_ADVERSARIAL_HU:g} HU"
    found.append(_score(name, network, threshold, worse[0], worse[1], answer, val.viral))
    return tuple(found)
