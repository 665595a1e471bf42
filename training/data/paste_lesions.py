"""Paint synthetic opacities into lungs: soft-edged blobs with texture, of known kind.

They teach the network what disease looks like at true HU, where no drawn lesions exist, and
they are the only lesions on slices of full field of view. What looks like disease and is none is
painted too: the denser dependent part, and the domes of the diaphragm.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from training.data.slices import LESION_CONSOLIDATION, LESION_GROUND_GLASS

_GROWS = 0.25  # of a dome's radius, from a slice to the one below (ours)
_CONSOLIDATION_FROM_HU = -300.0  # aeration lost; doctors' consolidation lies above, mostly
_SOLID_SHARE = 0.35  # of what is painted: airless lung at the pleura, which looks like the wall


def smooth_noise(count: int, cells: int, size: int, generator: torch.Generator) -> Tensor:
    """Noise of unit variance at the scale of size/cells pixels, shape (count, 1, size, size)."""
    coarse = torch.randn(count, 1, cells, cells, generator=generator)
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _field(lung: Tensor, generator: torch.Generator, *, at_pleura: bool) -> Tensor:
    """Where a lesion likes to be: blobs of a random size, rather below the pleura and behind."""
    size = lung.shape[-1]
    cells = int(_uniform(5, 12 if at_pleura else 22, generator))
    field = smooth_noise(1, cells, size, generator)[0, 0]
    field = field + 0.35 * smooth_noise(1, cells * 3, size, generator)[0, 0]
    depth = F.avg_pool2d(lung.float()[None, None], 25, 1, 12)[0, 0]
    field = field - _uniform(2.0 if at_pleura else 0.0, 2.5, generator) * (depth - 0.6)
    rows = torch.linspace(-1, 1, size)[:, None]
    return field + _uniform(-0.2, 1.0, generator) * rows


def paste_lesion(
    hu: Tensor, lung: Tensor, lesion: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Paint one group of opacities of one density into a slice.

    Parameters
    ----------
    hu : shape (channels, rows, columns): the slice, between its neighbours where there are some
    lung : bool, shape (rows, columns)
    lesion : shape (rows, columns), labels so far
    generator : source of randomness

    Returns
    -------
    New `hu` and `lesion`; unchanged where there is too little lung.
    """
    area = int(lung.sum())
    if area < 600:
        return hu, lesion
    solid = _uniform(0.0, 1.0, generator) < _SOLID_SHARE
    field = _field(lung, generator, at_pleura=solid)
    share = 10.0 ** _uniform(-2.2, -0.35, generator)
    level = torch.quantile(field[lung], 1.0 - share)
    softness = _uniform(0.04, 0.12 if solid else 0.35, generator)
    alpha = torch.sigmoid((field - level) / softness) * lung
    base = _uniform(-40.0, 70.0, generator) if solid else _uniform(-720.0, 60.0, generator)
    texture = (
        _uniform(5.0, 35.0 if solid else 110.0, generator)
        * smooth_noise(1, int(_uniform(30, 120, generator)), hu.shape[-1], generator)[0, 0]
    )
    opacity = torch.clamp(base + texture, max=120.0)
    # An opacity never makes tissue darker: vessels stay visible through ground glass.
    painted = torch.where(opacity > hu, hu + alpha * (opacity - hu), hu)
    # A faint rim that no reader would draw is not labelled.
    visible = (alpha > 0.5) & lung
    kind = LESION_CONSOLIDATION if base > _CONSOLIDATION_FROM_HU else LESION_GROUND_GLASS
    labelled = torch.where(visible & (lesion != LESION_CONSOLIDATION), kind, lesion)
    return painted, labelled.to(lesion.dtype)


def darken_dependent_part(hu: Tensor, lung: Tensor, generator: torch.Generator) -> Tensor:
    """Add the gentle density gradient of gravity to the back of the lungs; not a lesion."""
    rows = torch.linspace(-1, 1, hu.shape[-2])[:, None]
    start = _uniform(-0.3, 0.4, generator)
    gradient = torch.clamp(rows - start, min=0.0) * _uniform(20.0, 150.0, generator)
    return hu + gradient * lung


def raise_diaphragm(
    hu: Tensor, lung: Tensor, lesion: Tensor, side: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Let a dome of the diaphragm rise into one lung: round, smooth, soft-edged, and not lung.

    Where a slice cuts the top of a dome, lung and liver are averaged into something that looks
    like an opacity; no training mask shows one. In the slice below the dome is larger, in the one
    above smaller. Parameters as of `paste_lesion`.

    Returns
    -------
    New `hu`, `lung` and `lesion`; unchanged where that lung is too small.
    """
    inside = lung == side
    area = int(inside.sum())
    if area < 1500:
        return hu, lung, lesion
    places = torch.nonzero(inside).float()
    centre = places.mean(0) + places.std(0) * torch.randn(2, generator=generator) * 0.4
    radius = area**0.5 * _uniform(0.12, 0.5, generator)
    rows = torch.arange(hu.shape[-2])[:, None] - centre[0]
    columns = (torch.arange(hu.shape[-1])[None, :] - centre[1]) * _uniform(0.75, 1.35, generator)
    distance = torch.sqrt(rows**2 + columns**2) / radius
    softness = _uniform(0.02, 0.22, generator)
    weight = _uniform(0.35, 1.0, generator) ** 0.5
    # Channels run from below to above; the slice itself is the middle one.
    grown = 1.0 + _GROWS * (hu.shape[0] // 2 - torch.arange(hu.shape[0])).view(-1, 1, 1)
    alpha = torch.sigmoid((grown - distance) / softness) * weight
    raised = hu + alpha * (_uniform(20.0, 90.0, generator) - hu) * inside
    dome = inside & (alpha[hu.shape[0] // 2] > 0.3)
    return raised, torch.where(dome, 0, lung), torch.where(dome, 0, lesion)
