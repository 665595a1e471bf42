"""Scores the chest network on held-out slices that are degraded, and the bundle on thick slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from chest.reader import Reader
from models.catalogue import read_any_bundle
from phantom.grid import phantom_grid
from phantom.synthesis import make_phantom
from radiology.image.volume import Volume
from training.chest.network import MaskNet
from training.chest.predict import LesionLimits, lesions_of, predict
from training.chest.scores.network import ScoreNet
from training.chest.scores.predict import score, viral_logit
from training.chest.stages import ChestCorpus
from training.data.augment import to_network_input
from training.data.slices import SliceSet
from training.scoring.attack import Attack, LossOf, against
from training.scoring.perturb import ADVERSARIAL_HU, CHANGES, changed, turned
from training.scoring.report import Perturbed, Thickness
from training.scoring.thick_slices import averaged, volume_dice
from training.segmentation.loss import lesion_loss, lung_loss
from training.segmentation.score import auc, dice

_TURNED_BY: Final = (15.0, -15.0)  # degrees
_THICKNESSES: Final = (1, 2, 3, 5, 8)  # mm
_PHANTOM: Final = ((300, 256, 256), (1.0, 1.4, 1.4))
_SEEDS: Final = (11, 12)


def measure_robustness(
    masks: MaskNet, scores: ScoreNet, limits: LesionLimits, corpus: ChestCorpus
) -> tuple[Perturbed, ...]:
    """Score lungs, lesions and the viral answer under every change; the first row is without."""
    return tuple(
        Perturbed(
            name,
            float(dice(predict(masks, lungs).lung.argmax(axis=1) > 0, lungs.lung > 0).mean()),
            float(dice(lesions_of(drawn, predict(masks, drawn), limits), drawn.lesion > 0).mean()),
            auc(score(scores, figures)[:, 0].astype(np.float64), corpus.covid_ct.val.viral),
        )
        for name, (lungs, drawn, figures) in _degraded(masks, scores, corpus)
    )


def _degraded(
    masks: MaskNet, scores: ScoreNet, corpus: ChestCorpus
) -> Iterator[tuple[str, tuple[SliceSet, ...]]]:
    """What is held out, degraded in one way after the other."""
    val = corpus.covid_ct.val
    sets = (corpus.lungs2d.held_out, corpus.doctors.held_out, val.slices)
    for name, change in CHANGES.items():
        yield name, tuple(changed(one, change) for one in sets)
    for degrees in _TURNED_BY:
        yield f"turned by {degrees:g}°", tuple(turned(one, degrees) for one in sets)
    lungs, drawn, figures = sets
    attacked = (
        _attacked(lungs, _mask_loss(masks, lungs)),
        _attacked(drawn, _mask_loss(masks, drawn)),
        _attacked(figures, against(viral_logit(scores), val.viral)),
    )
    yield f"adversarial step, {ADVERSARIAL_HU:g} HU", attacked


def _mask_loss(network: MaskNet, slices: SliceSet) -> LossOf:
    def loss(hu: Tensor, at: slice) -> Tensor:
        lung, lesion = network(to_network_input(hu).expand(-1, 3, -1, -1))
        outlined = torch.from_numpy(slices.lung[at].astype(np.int64))
        drawn = torch.from_numpy(slices.lesion[at].astype(np.int64))
        return lung_loss(lung, outlined) + lesion_loss(lesion, drawn, torch.ones(len(drawn)))

    network.eval()
    return loss


def _attacked(slices: SliceSet, loss_of: LossOf) -> SliceSet:
    """One step up the network's own loss."""
    moved = Attack(ADVERSARIAL_HU).moved(loss_of, slices.hu)
    return replace(slices, hu=moved.astype(np.float16))


def measure_thickness(bundle: Path) -> tuple[Thickness, ...]:
    """Read the same phantoms in slices of 1 to 8 mm as the worker reads them."""
    reader = Reader.of(read_any_bundle(bundle), threads=2)
    phantoms = [make_phantom(seed=seed, grid=phantom_grid(*_PHANTOM)) for seed in _SEEDS]
    rows = []
    for slice_mm in _THICKNESSES:
        scores = []
        for phantom in phantoms:
            affine = phantom.volume.affine @ np.diag([float(slice_mm), 1.0, 1.0, 1.0])
            hounsfield = averaged(phantom.volume.hounsfield, slice_mm)
            lung, lesion = (
                averaged((labels > 0).astype(np.float32), slice_mm) > 0.5
                for labels in (phantom.lungs, phantom.lesions)
            )
            regions = reader.read(Volume(hounsfield, affine))[0].regions
            seen = np.zeros_like(lung) if regions is None else regions.lungs > 0
            found = np.zeros_like(lung) if regions is None else regions.lesions > 0
            scores.append(
                (
                    volume_dice(seen, lung),
                    volume_dice(found, lesion),
                    float(found.sum()) / float(lesion.sum()),
                )
            )
        rows.append(Thickness(slice_mm, *np.mean(scores, axis=0).tolist()))
    return tuple(rows)
