"""Vary a batch of head slices: place, size, side, sharpness, noise, grey scale and window."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.head.slices import BRAIN_HU, UNKNOWN

WINDOWS_HU = ((0.0, 80.0), (-20.0, 180.0), (-500.0, 1500.0))
"""Brain, subdural and bone: the network's channels, each mapped to 0…1."""

CROP = (208, 192)
"""Rows and columns that training sees of 256: all of most heads, in 0.6 of the time."""

_AIR_HU = -1000.0


def to_network_input(hu: Tensor) -> Tensor:
    """Map HU, shape (slices, rows, columns), by the windows to 0…1, (slices, 3, rows, columns)."""
    channels = [((hu - low) / (high - low)).clamp(0.0, 1.0) for low, high in WINDOWS_HU]
    return torch.stack(channels, 1)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < probability


def move(hu: Tensor, mask: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Turn, mirror, stretch and shift slices and their masks, and cut the middle out."""
    count, size = hu.shape[0], hu.shape[-1]
    turn = _uniform(count, -20.0, 20.0, generator)
    turn = turn + 90.0 * _chance(count, 0.06, generator) - 90.0 * _chance(count, 0.06, generator)
    angle = torch.deg2rad(turn)
    zoom = torch.exp(_uniform(count, -0.22, 0.22, generator))
    stretch = torch.exp(_uniform(count, -0.08, 0.08, generator))
    sign = torch.where(_chance(count, 0.5, generator), -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = sign * zoom * stretch * torch.cos(angle)
    theta[:, 0, 1] = -sign * zoom * torch.sin(angle)
    theta[:, 1, 0] = zoom * torch.sin(angle)
    theta[:, 1, 1] = zoom / stretch * torch.cos(angle)
    theta[:, :, 2] = _uniform(count * 2, -0.05, 0.05, generator).view(count, 2)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    top, left = (size - CROP[0]) // 2, (size - CROP[1]) // 2
    grid = grid[:, top : top + CROP[0], left : left + CROP[1]]
    outside = hu[:, :1, :1]  # air, or the black of a picture
    moved = F.grid_sample((hu - outside)[:, None], grid, align_corners=False)[:, 0] + outside
    labels = F.grid_sample(mask[:, None].float(), grid, mode="nearest", align_corners=False)
    return moved, labels[:, 0].round().to(torch.uint8)


def _gaussian(image: Tensor, sigma: float) -> Tensor:
    radius = 3
    at = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    x = F.pad(image[:, None], (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, kernel), kernel.transpose(2, 3))[:, 0]


def sharpness_and_noise(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Blur or sharpen within the brain's range of HU, and add noise, white or soft."""
    count = hu.shape[0]
    limited = hu.clamp(-100.0, 200.0)
    blurred = _gaussian(limited, float(_uniform(1, 0.5, 1.6, generator)))
    amount = _uniform(count, -0.5, 1.0, generator) * _chance(count, 0.6, generator)
    hu = hu + amount.view(-1, 1, 1) * (blurred - limited)
    white = torch.randn(hu.shape, generator=generator)
    soft = _gaussian(torch.randn(hu.shape, generator=generator), 1.0) * 3.0
    level = _uniform(count, 0.0, 5.0, generator) * _chance(count, 0.6, generator)
    mix = _uniform(count, 0.0, 1.0, generator).view(-1, 1, 1)
    return hu + level.view(-1, 1, 1) * (mix * white + (1.0 - mix) * soft)


def grey_scale(hu: Tensor, true_hu: Tensor, generator: torch.Generator) -> Tensor:
    """Stretch HU about brain tissue, and clip many as a picture's window would.

    Parameters
    ----------
    true_hu : bool, shape (slices,): vary less where HU were measured
    """
    count = hu.shape[0]
    doubt = torch.where(true_hu, 0.35, 1.0)
    gain = torch.exp(_uniform(count, -0.35, 0.35, generator) * doubt).view(-1, 1, 1)
    shift = (_uniform(count, -8.0, 8.0, generator) * doubt).view(-1, 1, 1)
    hu = (hu - BRAIN_HU) * gain + BRAIN_HU + shift
    clipped = _chance(count, 0.5, generator)
    top = torch.where(clipped, _uniform(count, 60.0, 120.0, generator), 4000.0)
    bottom = torch.where(clipped, _uniform(count, -15.0, 8.0, generator), -4000.0)
    return torch.minimum(torch.maximum(hu, bottom.view(-1, 1, 1)), top.view(-1, 1, 1))


def vary(
    hu: Tensor, mask: Tensor, true_hu: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return a varied copy of slices and masks; every random number comes from `generator`."""
    moved, labels = move(hu, mask, generator)
    varied = sharpness_and_noise(grey_scale(moved, true_hu, generator), generator)
    known = (labels == 0) | (labels == 1)
    return varied, torch.where(known, labels, torch.full_like(labels, UNKNOWN))
