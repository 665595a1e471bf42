"""The neighbourhood of a surface, flattened: the values at each distance above and below it.

Once a surface is roughly known, averaging along it brings out a fissure that no single place
shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from chest.lobes.reduced_lung import FloatArray, Mask
from chest.lobes.slab import HEIGHT_MM, PLACE_MM, Millimetres, Slab

REACH_MM = 30.0  # above and below; steps of 1 mm
_ALONG_MM = 8.0  # a fissure is even over some centimetres, noise is not
_SHEET_MM = 1.5
_LEAST_VISIBLE = 0.1  # of the neighbourhood along the surface


@dataclass(frozen=True)
class Relief:
    """What lies around a surface.

    Attributes
    ----------
    sheet : float32, shape (aside, along, heights)
        How much brighter than just above and below, along the surface, in standard deviations
        over this whole neighbourhood.
    visible : bool, same shape; elsewhere there is disease, wall or vessel
    """

    sheet: FloatArray
    visible: Mask

    def sheet_at(
        self, offset_mm: NDArray[np.floating], around_mm: NDArray[np.floating]
    ) -> FloatArray:
        """Sheet at offsets from the surface, and at each of some distances around them.

        Parameters
        ----------
        offset_mm : shape (aside, along)
        around_mm : shape (n,)

        Returns
        -------
        Shape (aside, along, n); 0 beyond the reach and where nothing is visible.
        """
        place = offset_mm[..., None] + around_mm + REACH_MM
        low = np.floor(place).astype(np.int64)
        inside = (low >= 0) & (low < self.sheet.shape[2] - 1)
        low = low.clip(0, self.sheet.shape[2] - 2)
        part = place - low
        lower = np.take_along_axis(self.sheet, low, axis=2)
        upper = np.take_along_axis(self.sheet, low + 1, axis=2)
        between: FloatArray = (lower * (1.0 - part) + upper * part) * inside
        return between

    def visible_at(self, offset_mm: Millimetres) -> Mask:
        """Whether the places at offsets from the surface can be seen, shape (aside, along)."""
        level = np.rint(offset_mm + REACH_MM).astype(np.int64)
        inside = (level >= 0) & (level < self.visible.shape[2])
        found = np.take_along_axis(
            self.visible, level.clip(0, self.visible.shape[2] - 1)[..., None], axis=2
        )
        seen: Mask = found[..., 0] & inside
        return seen


def relief_of(slab: Slab, surface_mm: Millimetres) -> Relief:
    """Lay the neighbourhood of a surface flat and measure sheets in it.

    Parameters
    ----------
    surface_mm : heights at the slab's nodes, shape (aside, along)
    """
    offsets = np.arange(-REACH_MM, REACH_MM + 0.5, 1.0)
    place = (surface_mm[..., None] + offsets - slab.height_mm[0]) / HEIGHT_MM
    low = np.floor(place).astype(np.int64)
    inside = (low >= 0) & (low < slab.height_mm.size - 1)
    low = low.clip(0, slab.height_mm.size - 2)
    part = (place - low).astype(np.float32)

    def laid_flat(values: FloatArray) -> FloatArray:
        lower = np.take_along_axis(values, low, axis=2)
        upper = np.take_along_axis(values, low + 1, axis=2)
        flat: FloatArray = (lower + part * (upper - lower)) * inside
        return flat

    width = (_ALONG_MM / PLACE_MM, _ALONG_MM / PLACE_MM, 0.0)
    weight = ndimage.gaussian_filter(laid_flat(slab.visible), width, truncate=2.5)
    texture = ndimage.gaussian_filter(laid_flat(slab.texture), width, truncate=2.5)
    enough = weight > _LEAST_VISIBLE
    mean = np.where(enough, texture / np.maximum(weight, 1e-3), np.float32(0))
    sheet = -(_SHEET_MM**2) * ndimage.gaussian_filter1d(mean, _SHEET_MM, axis=2, order=2)
    visible = (laid_flat(slab.aerated) > 0.5) & enough
    spread = float(np.median(np.abs(sheet[visible]))) * 1.4826 if visible.any() else 0.0
    return Relief(np.where(visible, sheet / max(spread, 1e-6), np.float32(0)), visible)


def share_with_sheet(relief: Relief, offset_mm: Millimetres, least: float) -> tuple[float, int]:
    """Share of the visible places of a surface where a sheet lies within 1 mm.

    Parameters
    ----------
    least : standard deviations from which on it counts

    Returns
    -------
    The share, and the number of visible places.
    """
    visible = relief.visible_at(offset_mm)
    places = int(np.count_nonzero(visible))
    sheet = relief.sheet_at(offset_mm, np.array([-1.0, 0.0, 1.0])).max(axis=2)
    return float(np.count_nonzero(sheet[visible] > least)) / max(places, 1), places
