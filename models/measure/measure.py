"""Measure what a bundle declares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.connected import parts
from models.declared.measurements import DeclaredMeasurement, MeasurementKind
from models.measure.concepts import USUAL
from models.measure.diameter import largest_diameter_mm
from models.measure.regions import Masks, united
from models.run.run_network import Found
from radiology.answer.measurement import Measurement, NormalRange
from radiology.image.volume import Volume
from radiology.region import mean_hu, slices_involved, volume_ml

_COUNTED = (MeasurementKind.COUNT, MeasurementKind.SLICES, MeasurementKind.SLICES_ABOVE)


def measure_all(
    declared: Mapping[str, DeclaredMeasurement], found: Found, volume: Volume
) -> dict[str, float | None]:
    """The value of each measurement; None where there is nothing to measure.

    Parameters
    ----------
    found : on the grid of `volume`
    """
    masks: dict[tuple[str, ...], Masks] = {}

    def mask_of(names: tuple[str, ...]) -> Masks:
        if names not in masks:
            masks[names] = united(found.labels, names)
        return masks[names]

    values: dict[str, float | None] = {}
    for name, measured in declared.items():
        if measured.score:
            values[name] = _of_score(measured, found)
        elif measured.kind is MeasurementKind.SHARE:
            values[name] = _share_percent(mask_of(measured.of), mask_of(measured.within))
        else:
            values[name] = _of_mask(measured.kind, mask_of(measured.of), volume)
    return {name: _finite(value) for name, value in values.items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _of_score(measured: DeclaredMeasurement, found: Found) -> float | None:
    if measured.kind is MeasurementKind.SCORE:
        return found.study_scores[measured.score]
    scores = found.slice_scores[measured.score]
    if measured.kind is MeasurementKind.SLICES_ABOVE:
        return float(np.count_nonzero(scores >= measured.threshold))
    return float(scores.max()) if scores.size else None


def _share_percent(mask: Masks, within: Masks) -> float | None:
    total = np.count_nonzero(within)
    return 100.0 * float(np.count_nonzero(mask & within)) / float(total) if total else None


def _of_mask(kind: MeasurementKind, mask: Masks, volume: Volume) -> float | None:
    if kind is MeasurementKind.VOLUME:
        return volume_ml(mask, volume)
    if kind is MeasurementKind.MEAN_HU:
        return mean_hu(mask, volume)
    if kind is MeasurementKind.DEVIATION_HU:
        inside = volume.hounsfield[mask]
        return float(inside.std(dtype=np.float64)) if inside.size else None
    if kind is MeasurementKind.SLICES:
        return float(slices_involved(mask))
    if kind is MeasurementKind.LARGEST_DIAMETER:
        return largest_diameter_mm(mask, volume) if mask.any() else None
    _, counts = parts(mask, 26)
    if kind is MeasurementKind.COUNT:
        return float(np.count_nonzero(counts))
    return float(counts.max(initial=0)) * volume.voxel_ml


def as_measurement(measured: DeclaredMeasurement, value: float) -> Measurement:
    """A value with its concept, unit and normal range."""
    usual = USUAL[measured.kind]
    normal = None if measured.normal is None else NormalRange(*measured.normal)
    return Measurement(
        concept=measured.concept or usual.concept,
        value=round(value) if measured.kind in _COUNTED else value,
        unit=usual.unit,
        decimals=None if measured.kind in _COUNTED else usual.decimals,
        derivation=usual.derivation,
        normal=normal,
    )
