"""Vary a batch of views: place, size, side, grey scale, sharpness, noise, a hidden part."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from models.schema_2.view import CHANNELS
from training.classification.views import VIEW, WIDE_VIEW

_ATTENUATIONS = [CHANNELS.index("attenuation"), CHANNELS.index("whole")]
_HIDDEN_LEAST, _HIDDEN_MOST = 20, 60  # pixels, side of the square that is blanked


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _move(views: Tensor, generator: torch.Generator) -> Tensor:
    count = views.shape[0]
    angle = torch.deg2rad(_uniform(count, -18.0, 18.0, generator))
    zoom = torch.exp(_uniform(count, -0.22, 0.12, generator)) * (VIEW / WIDE_VIEW)
    stretch = torch.exp(_uniform(count, -0.1, 0.1, generator))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = mirror * zoom * stretch * torch.cos(angle)
    theta[:, 0, 1] = -mirror * zoom * torch.sin(angle)
    theta[:, 1, 0] = zoom * torch.sin(angle)
    theta[:, 1, 1] = zoom / stretch * torch.cos(angle)
    theta[:, :, 2] = _uniform(count * 2, -0.1, 0.1, generator).view(count, 2)
    grid = F.affine_grid(theta, [count, views.shape[1], VIEW, VIEW], align_corners=False)
    return F.grid_sample(views, grid, align_corners=False)


def _attenuation(image: Tensor, generator: torch.Generator) -> Tensor:
    """Shift the window, sharpen or blur, add noise; shape (slices, 2, rows, columns)."""
    count = image.shape[0]

    def each(low: float, high: float) -> Tensor:
        return _uniform(count, low, high, generator).view(-1, 1, 1, 1)

    bent = image.clamp(min=0.0) ** torch.exp(each(-0.25, 0.25))
    image = bent * torch.exp(each(-0.15, 0.15)) + each(-0.06, 0.06)
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    image = image + each(-0.8, 1.0) * (each(0.0, 1.0) < 0.5) * (blurred - image)
    noise = torch.randn(image.shape, generator=generator)
    return (image + each(0.0, 0.05) * noise).clamp(0.0, 1.0)


def _hide(views: Tensor, generator: torch.Generator) -> Tensor:
    """Blank a square of some views, so that no single place decides."""
    for view in views:
        if float(torch.rand((), generator=generator)) < 0.3:
            side = int(torch.randint(_HIDDEN_LEAST, _HIDDEN_MOST, (), generator=generator))
            row, column = torch.randint(0, VIEW - side, (2,), generator=generator).tolist()
            view[:, row : row + side, column : column + side] = 0.0
    return views


def vary_views(views: Tensor, generator: torch.Generator) -> Tensor:
    """Return varied views; every random number comes from `generator`.

    Parameters
    ----------
    views : float32, shape (slices, 5, 224, 224), 0…1

    Returns
    -------
    float32, shape (slices, 5, 192, 192), 0…1
    """
    moved = _move(views, generator)
    varied = _attenuation(moved[:, _ATTENUATIONS], generator)
    moved[:, _ATTENUATIONS] = varied
    return _hide(moved, generator)
