"""Degrades slices in realistic ways: noise, kernels, grey scales, compression, a turned patient."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from training.data.augment import WINDOW_HIGH_HU, WINDOW_LOW_HU
from training.data.slices import SliceSet

Slices = NDArray[np.float32]

ADVERSARIAL_HU = 10.0
"""The largest change of any pixel, where a step up a network's own loss is taken."""
_AIR_HU = -1000.0


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


def changed(slices: SliceSet, change: Callable[[Slices], Slices]) -> SliceSet:
    """The slices, which stand alone, with other voxels."""
    return replace(slices, hu=change(slices.hu.astype(np.float32)).astype(np.float16))


def turned(slices: SliceSet, degrees: float) -> SliceSet:
    """The slices turned about the patient's axis, with what was drawn."""

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
