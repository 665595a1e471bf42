"""Heat maps of the slices with lesions, on the slices of the volume as it was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chest.case_level import POSITIVE_FROM_PERCENT
from chest.model.chest_model import SliceAnswer, SliceHeat
from chest.values.regions import ChestRegions
from models.schema_2.preprocess import SquareFit
from radiology.image.heat_map import HeatMap
from radiology.image.volume import AxisOrder
from radiology.region import pixels_by_slice


def positive_slices(regions: ChestRegions) -> set[int]:
    """Slices in which lesions are at least as large a share of the lung as a finding asks for."""
    lung = pixels_by_slice(regions.lungs)
    lesion = pixels_by_slice(regions.lesions)
    percent = 100.0 * lesion / np.maximum(lung, 1)
    return {int(one) for one in np.flatnonzero(percent >= POSITIVE_FROM_PERCENT)}


def _on_canonical(heat: SliceHeat, fit: SquareFit) -> HeatMap:
    """From the box on the network's square to the slice's own pixels."""
    row_scale, column_scale = fit.pixel_scale
    return HeatMap(
        levels=np.rint(np.clip(heat.levels, 0.0, 1.0) * 255.0).astype(np.uint8),
        top=(heat.box.top - fit.top) * row_scale,
        left=(heat.box.left - fit.left) * column_scale,
        height=heat.box.side * row_scale,
        width=heat.box.side * column_scale,
    )


def _turned_back(heat: HeatMap, order: AxisOrder, fit: SquareFit) -> HeatMap:
    """Undo the turns within the slice."""
    if order.flipped[1]:
        heat = heat.upside_down(fit.rows)
    if order.flipped[2]:
        heat = heat.mirrored(fit.columns)
    return heat.transposed() if order.permutation == (0, 2, 1) else heat


def heat_maps_of(
    answers: Sequence[SliceAnswer], regions: ChestRegions, order: AxisOrder, fit: SquareFit
) -> dict[int, HeatMap]:
    """Heat maps of the classified slices with lesions.

    Parameters
    ----------
    answers, regions : of the canonical volume
    order : how the given volume was turned to the canonical one
    fit : how a canonical slice lies on the network's square

    Returns
    -------
    By index into the slices of the volume as given; empty for one that was not acquired in axial
    slices, since a map of an axial slice lies across all of its images.
    """
    if order.permutation[0] != 0:
        return {}
    last = regions.lungs.shape[0] - 1
    positive = positive_slices(regions)
    return {
        last - answer.index if order.flipped[0] else answer.index: _turned_back(
            _on_canonical(answer.heat, fit), order, fit
        )
        for answer in answers
        if answer.heat is not None and answer.index in positive
    }
