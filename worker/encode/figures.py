"""Figures as they are written down: a number, rounded, with its code and unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiology import codes
from radiology.chest.change import Change
from radiology.codes import Code
from worker.encode.derived_object import ResultContext
from worker.encode.segments import Segment


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, rounded to what it is worth, and what it says."""

    name: Code
    value: float
    unit: Code


def percent(share: float) -> float:
    """A share of 1 in percent, as it is stored and shown."""
    return round(100.0 * share, 1)


def percent_figure(name: Code, share_percent: float) -> Figure:
    """A share that is given in percent, to 0.01 %: of a lung that is half a millilitre."""
    return Figure(name, round(share_percent, 2), codes.PERCENT)


def volume_figure(name: Code, volume_ml: float) -> Figure:
    """A volume, to 0.01 ml."""
    return Figure(name, round(volume_ml, 2), codes.MILLILITRE)


def change_figures(change: Change | None) -> list[Figure]:
    """Lesion volume then, how much more it is now, and the growth where there was any then."""
    if change is None:
        return []
    then_ml, now_ml = change.then.lesion_volume_ml, change.now.lesion_volume_ml
    figures = [
        volume_figure(codes.PRIOR_LESION_VOLUME, then_ml),
        volume_figure(codes.LESION_VOLUME_CHANGE, now_ml - then_ml),
    ]
    growth = change.lesion_growth_percent
    return figures if growth is None else [*figures, percent_figure(codes.LESION_GROWTH, growth)]


def attenuation_figure(mean_hu: float) -> Figure:
    """A mean attenuation, to 0.1 HU."""
    return Figure(codes.MEAN_ATTENUATION, round(mean_hu, 1), codes.HOUNSFIELD_UNIT)


def slices_figure(areas: NDArray[np.int64]) -> Figure:
    """On how many slices something lies."""
    return Figure(codes.SLICES_INVOLVED, int(np.count_nonzero(areas)), codes.SLICES)


def mean_hu(context: ResultContext, segment: Segment, areas: NDArray[np.int64]) -> float:
    """Mean over the voxels of a segment, slice by slice: the whole mask would be large."""
    total = 0.0
    for index in np.flatnonzero(areas).tolist():
        mask = segment.mask(context.regions, index)
        total += float(context.volume.hounsfield[index][mask].sum(dtype=np.float64))
    return total / int(areas.sum())
