"""Vary a batch of slices: position, size, side, sharpness, noise, grey scale, field of view.

All of it works on whole batches in torch, because two cores have better things to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from training.data.lung_sides import LEFT, RIGHT
from training.data.paste_lesions import (
    darken_dependent_part,
    paste_lesion,
    raise_diaphragm,
    smooth_noise,
)

WINDOW_LOW_HU = -1250.0
WINDOW_HIGH_HU = 250.0

_AIR_HU = -1000.0
_AS_STRONG = 3.62  # gives white noise back the deviation that smoothing it twice takes
_PADDING_HU = -2000.0  # what scanners store outside the reconstruction circle


@dataclass(frozen=True)
class Batch:
    """Slices with labels.

    Attributes
    ----------
    hu : float32, shape (slices, channels, rows, columns): one channel, the slice; or three, the
        slice between the ones below and above it
    lung, lesion : int64, shape (slices, rows, columns), labels as in `training.data.slices`
    true_hu : bool, shape (slices,): grey scale is trusted, so vary it less
    paste : bool, shape (slices,): synthetic opacities may be painted in
    """

    hu: Tensor
    lung: Tensor
    lesion: Tensor
    true_hu: Tensor
    paste: Tensor


def to_network_input(hu: Tensor) -> Tensor:
    """Map HU by the bundle's window to 0…1; the shape stays."""
    scaled = (hu - WINDOW_LOW_HU) / (WINDOW_HIGH_HU - WINDOW_LOW_HU)
    return scaled.clamp(0.0, 1.0)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _each(values: Tensor) -> Tensor:
    """A value for each slice, to be used with its channels, rows and columns."""
    return values.view(-1, 1, 1, 1)


def _chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < probability


def _paste(batch: Batch, generator: torch.Generator) -> Batch:
    hu, lungs, lesion = batch.hu.clone(), batch.lung.clone(), batch.lesion.clone()
    count = hu.shape[0]
    painted = _chance(count, 0.6, generator) & batch.paste
    domed = _chance(count, 0.15, generator) & batch.paste
    left = _chance(count, 0.5, generator)
    dependent = _chance(count, 0.25, generator)
    for i in range(count):
        if bool(domed[i]):
            side = LEFT if bool(left[i]) else RIGHT
            hu[i], lungs[i], lesion[i] = raise_diaphragm(
                hu[i], lungs[i], lesion[i], side, generator
            )
        lung = (lungs[i] == RIGHT) | (lungs[i] == LEFT)
        if bool(dependent[i]):
            hu[i] = darken_dependent_part(hu[i], lung, generator)
        if bool(painted[i]):
            for _ in range(1 + int(torch.randint(0, 2, (), generator=generator))):
                hu[i], lesion[i] = paste_lesion(hu[i], lung, lesion[i], generator)
    return Batch(hu, lungs, lesion, batch.true_hu, batch.paste)


def _sampling_grid(count: int, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Affine and elastic sampling grid, and which slices are mirrored."""
    angle = torch.deg2rad(_uniform(count, -14.0, 14.0, generator))
    zoom = torch.exp(_uniform(count, -0.45, 0.40, generator))
    stretch = torch.exp(_uniform(count, -0.12, 0.12, generator))
    mirrored = _chance(count, 0.5, generator)
    sign = torch.where(mirrored, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = sign * zoom * stretch * torch.cos(angle)
    theta[:, 0, 1] = -sign * zoom * torch.sin(angle)
    theta[:, 1, 0] = zoom * torch.sin(angle)
    theta[:, 1, 1] = zoom / stretch * torch.cos(angle)
    theta[:, :, 2] = _uniform(count * 2, -0.14, 0.14, generator).view(count, 2)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    bend = torch.cat([smooth_noise(count, 5, size, generator) for _ in range(2)], 1)
    strength = _uniform(count, 0.0, 0.025, generator).view(-1, 1, 1, 1)
    return grid + (bend * strength).permute(0, 2, 3, 1), mirrored


def _move(batch: Batch, generator: torch.Generator) -> Batch:
    count, size = batch.hu.shape[0], batch.hu.shape[-1]
    grid, mirrored = _sampling_grid(count, size, generator)
    outside = _each(torch.where(_chance(count, 0.25, generator), _PADDING_HU, _AIR_HU))
    hu = F.grid_sample(batch.hu - outside, grid, align_corners=False) + outside
    # Labels are shifted by one, so that zero (outside) can be told from a label.
    stacked = torch.stack([batch.lung, batch.lesion], 1).float() + 1.0
    moved = F.grid_sample(stacked, grid, mode="nearest", align_corners=False).round().long() - 1
    lung, lesion = moved[:, 0].clamp(min=0), moved[:, 1].clamp(min=0)
    # The patient's right stays at the image's left: a mirrored slice is another patient's.
    swapped = torch.where(lung == RIGHT, LEFT, torch.where(lung == LEFT, RIGHT, lung))
    lung = torch.where(mirrored.view(-1, 1, 1), swapped, lung)
    return Batch(hu, lung, lesion, batch.true_hu, batch.paste)


def _smoothed(hu: Tensor) -> Tensor:
    """A Gaussian of about 0.7 pixels: weights 1, 2, 1 along rows and columns."""
    x = F.pad(hu, (1, 1, 1, 1), mode="replicate")
    x = x[..., :-2, :] + 2.0 * x[..., 1:-1, :] + x[..., 2:, :]
    return (x[..., :-2] + 2.0 * x[..., 1:-1] + x[..., 2:]) / 16.0


def _coarse(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Lower the resolution of some slices: large fields of view, small matrices, old figures."""
    factor = int(torch.randint(2, 5, (), generator=generator))
    small = F.avg_pool2d(hu, factor)
    back = F.interpolate(small, size=hu.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(_each(_chance(hu.shape[0], 0.12, generator)), back, hu)


def _sharpness_and_noise(hu: Tensor, generator: torch.Generator) -> Tensor:
    count = hu.shape[0]
    blurred = _smoothed(hu)
    if bool(_chance(1, 0.5, generator)):
        blurred = _smoothed(_smoothed(blurred))  # of 1.2 pixels
    amount = _uniform(count, -0.8, 1.0, generator) * _chance(count, 0.6, generator)
    hu = hu + _each(amount) * (blurred - hu)  # negative: sharpened
    white = torch.randn(hu.shape, generator=generator)
    coloured = _smoothed(_smoothed(white.roll((7, 11), (-2, -1)))) * _AS_STRONG
    level = _uniform(count, 0.0, 55.0, generator) * _chance(count, 0.7, generator)
    mix = _each(_uniform(count, 0.0, 1.0, generator))
    return hu + _each(level) * (mix * white + (1 - mix) * coloured)


def _grey_scale(batch: Batch, generator: torch.Generator) -> Tensor:
    """Vary density a little where HU is true, more where it was estimated from grey levels."""
    count = batch.hu.shape[0]
    doubt = torch.where(batch.true_hu, 0.35, 1.0)
    gain = _each(torch.exp(_uniform(count, -0.14, 0.14, generator) * doubt))
    shift = _each(_uniform(count, -55.0, 55.0, generator) * doubt)
    bend = _each(torch.exp(_uniform(count, -0.25, 0.25, generator) * doubt))
    share = ((batch.hu + 1000.0) / 1050.0).clamp(0.0, 1.0)
    hu = batch.hu + 1050.0 * (share**bend - share)
    hu = (hu + 400.0) * gain - 400.0 + shift
    top = torch.where(
        _chance(count, 0.3, generator), _uniform(count, -50.0, 250.0, generator), 3000.0
    )
    bottom = torch.where(
        _chance(count, 0.3, generator), _uniform(count, -1024.0, -930.0, generator), -3000.0
    )
    return torch.minimum(torch.maximum(hu, _each(bottom)), _each(top))


def _field_of_view(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Blank what lies outside a reconstruction circle on some slices."""
    count, size = hu.shape[0], hu.shape[-1]
    at = torch.linspace(-1, 1, size)
    distance = torch.sqrt(at[:, None] ** 2 + at[None, :] ** 2)
    radius = _each(_uniform(count, 0.98, 1.15, generator))
    blanked = _each(_chance(count, 0.3, generator)) & (distance > radius)
    return torch.where(blanked, _PADDING_HU, hu)


def augment(batch: Batch, generator: torch.Generator) -> Batch:
    """Return a varied copy of a batch; every random number comes from `generator`."""
    batch = _move(_paste(batch, generator), generator)
    hu = _sharpness_and_noise(_coarse(_grey_scale(batch, generator), generator), generator)
    hu = _field_of_view(hu, generator)
    return Batch(hu, batch.lung, batch.lesion, batch.true_hu, batch.paste)
