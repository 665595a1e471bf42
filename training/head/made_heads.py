"""Slices of synthetic heads, with the truth of each."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from phantom.head import HeadPhantom, head_grid, make_head_phantom, random_bleedings
from phantom.posture import Posture
from training.head.network import SIZE
from training.head.slices import SPACING_MM, HeadSlices

log = logging.getLogger(__name__)

_LEAST_PIXELS = 12  # fewer pixels of blood, and a slice is neither bleeding nor not
_SHAPE = (30, SIZE, SIZE)


def make_head(seed: int) -> HeadPhantom:
    """A head with or without bleeding, as it happens to lie; three in four bleed."""
    random = np.random.default_rng([seed, 11])
    turn = tuple(float(angle) for angle in random.normal(0.0, (7.0, 3.0, 6.0)))
    shift = tuple(float(offset) for offset in random.normal(0.0, 5.0, 3))
    posture = Posture((turn[0], turn[1], turn[2]), (shift[0], shift[1], shift[2]))
    bleedings = random_bleedings(seed) if seed % 4 else ()
    grid = head_grid(_SHAPE, (5.5, SPACING_MM, SPACING_MM), posture=posture)
    noise_hu = float(random.uniform(2.5, 6.0))
    return make_head_phantom(seed=seed, grid=grid, bleedings=bleedings, noise_hu=noise_hu)


def slices_of(phantom: HeadPhantom) -> HeadSlices:
    """The slices that show enough of the cavity, less those with a trace of blood."""
    blood = np.count_nonzero(phantom.bleedings, axis=(1, 2))
    cavity = np.count_nonzero(phantom.cavity, axis=(1, 2))
    kept = np.flatnonzero((cavity > 1500) & ((blood == 0) | (blood >= _LEAST_PIXELS)))
    return HeadSlices(
        "made",
        phantom.volume.hounsfield[kept],
        (phantom.bleedings[kept] > 0).astype(np.uint8),
        (blood[kept] > 0).astype(np.int8),
        (f"made {phantom.seed}",) * len(kept),
        true_hu=True,
    )


def make_slices(seeds: range, store: Path) -> HeadSlices:
    """Slices of many heads; made once and then read from `store`."""
    if not store.exists():
        parts = []
        for seed in seeds:
            try:
                parts.append(slices_of(make_head(seed)))
            except ValueError as error:  # a small ventricle, too much blood: leave the head out
                log.info("head %d: %s", seed, error)
        _save(parts, store)
    with np.load(store) as stored:
        return HeadSlices(
            "made",
            stored["hu"].astype(np.float32),
            stored["mask"],
            stored["bleeding"],
            tuple(str(group) for group in stored["groups"]),
            true_hu=True,
        )


def _save(parts: list[HeadSlices], store: Path) -> None:
    store.parent.mkdir(parents=True, exist_ok=True)
    partial = store.with_suffix(".partial.npz")
    np.savez(
        partial,
        hu=np.concatenate([part.hu for part in parts]).round().astype(np.int16),
        mask=np.concatenate([part.mask for part in parts]),
        bleeding=np.concatenate([part.bleeding for part in parts]),
        groups=np.concatenate([np.array(part.groups) for part in parts]),
    )
    partial.replace(store)
