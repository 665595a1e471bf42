"""The patient's body in a CT: what lies inside the skin, without table, mattress, blanket and air.

What a network takes for lung outside of it is none. The body is the largest connected mass of soft
tissue once thin things have been taken away, and what it encloses in each slice. It is looked for
on a coarse grid: skin is thicker than its pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.connected import Masks, at_edge_of_slice, parts, parts_by_slice
from models.shifts import grown, grown_within, shrunk
from radiology.image.blocks import joined_blocks

_SOFT_ABOVE_HU = -400.0
_PADDING_BELOW_HU = -1200.0  # outside the field of view
_THIN_MM = 10.0  # a table's plate, a blanket
_REGROWN_MM = 40.0  # along soft tissue: a thin chest wall, and edges that were rounded off
_GAP_MM = 4.0  # a wall with a gap this wide still encloses
_COARSE_MM = 2.5  # pixels up to this are averaged, two by two


def find_body(hounsfield: NDArray[np.float32], lung: Masks, pixel_mm: float) -> Masks:
    """Where the body is.

    Parameters
    ----------
    hounsfield : shape (slices, rows, columns), HU
    lung : what a network takes for lung; where the field of view cuts it off, it closes the wall
    pixel_mm : the side of a pixel

    Returns
    -------
    Shape of `hounsfield`; all false where there is no soft tissue.
    """
    even = not any(side % 2 for side in hounsfield.shape[1:])
    step = 2 if even and pixel_mm <= _COARSE_MM else 1
    coarse, coarse_lung = _averaged(hounsfield, step), lung[:, ::step, ::step]
    coarse_mm = pixel_mm * step
    soft = coarse > _SOFT_ABOVE_HU
    fits = _disc(_THIN_MM / 2.0 / coarse_mm)
    thick = grown(shrunk(soft, fits), fits)
    labels, counts = parts(thick, 26)
    if not counts.any():
        return np.zeros(lung.shape, dtype=bool)
    body = labels == int(counts.argmax())
    steps = max(round(_REGROWN_MM / coarse_mm), 1)
    tissue = grown_within(body, steps, soft)
    wall = tissue | (coarse_lung & _cut_off(coarse < _PADDING_BELOW_HU))
    filled = _enclosed(wall, max(round(_GAP_MM / 2.0 / coarse_mm), 1))
    fine: Masks = filled.repeat(step, axis=1).repeat(step, axis=2)
    return fine


def _averaged(hounsfield: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    if step == 1:
        return hounsfield
    averaged: NDArray[np.float32] = joined_blocks(hounsfield, (1, step, step), np.float32)
    averaged /= np.float32(step * step)
    return averaged


def _disc(radius: float) -> Masks:
    """A disc within a slice, shape (n, n)."""
    reach = max(round(radius), 1)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc: Masks = rows**2 + columns**2 <= max(radius, 1.0) ** 2 + 0.5
    return disc


def _cut_off(padding: Masks) -> Masks:
    """Pixels beside the edge of the picture or of the field of view."""
    beside = grown(padding, _disc(2.0))
    beside[:, :2] = beside[:, -2:] = beside[:, :, :2] = beside[:, :, -2:] = True
    return beside


def _enclosed(wall: Masks, gap: int) -> Masks:
    """The wall and what it encloses in each slice; gaps of up to twice `gap` pixels are closed."""
    margin = ((0, 0), (gap + 1, gap + 1), (gap + 1, gap + 1))
    fits = _disc(gap)
    closed = shrunk(grown(np.pad(wall, margin), fits), fits)
    labels, counts = parts_by_slice(~closed)
    around = at_edge_of_slice(labels, counts.size - 1)
    around[0] = False  # the wall itself
    inner = slice(gap + 1, -gap - 1)
    return ~around[labels[:, inner, inner]]
