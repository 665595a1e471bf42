"""From masks to figures, gates and a suspicion score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from radiology.finding import LungFigures, Outcome, QualityGate, Reading, Side
from radiology.region import ChestRegions, LesionLabel, LungLabel
from radiology.volume import Volume

LEAST_LUNG_ML = 500.0  # both lungs; an adult's breathed out hold 2 l, and a child is no adult
LEAST_LUNG_SLICES = 8
MOST_CUT_SHARE = 0.5  # of the largest lung cross-section, on the first or the last slice

_SIDES = {Side.RIGHT: LungLabel.RIGHT, Side.LEFT: LungLabel.LEFT}


def _side_figures(side: Side, volume: Volume, regions: ChestRegions) -> LungFigures:
    """Measure one lung."""
    lung = regions.lungs == _SIDES[side]
    # Lesions are few voxels: everything but the lung volume is counted on them alone.
    at = np.nonzero(regions.lesions)
    inside = lung[at]
    kinds = regions.lesions[at][inside]
    attenuation = volume.hounsfield[at][inside]
    voxel_ml = volume.voxel_ml
    return LungFigures(
        side=side,
        lung_volume_ml=int(np.count_nonzero(lung)) * voxel_ml,
        lesion_volume_ml=int(kinds.size) * voxel_ml,
        ground_glass_ml=int(np.count_nonzero(kinds == LesionLabel.GROUND_GLASS)) * voxel_ml,
        consolidation_ml=int(np.count_nonzero(kinds == LesionLabel.CONSOLIDATION)) * voxel_ml,
        lesion_mean_hu=float(attenuation.mean(dtype=np.float64)) if kinds.size else None,
        slices_involved=int(np.unique(at[0][inside]).size),
    )


def _total(right: LungFigures, left: LungFigures, slices_involved: int) -> LungFigures:
    """Both lungs together; the mean HU is weighted by volume."""
    lesion_ml = right.lesion_volume_ml + left.lesion_volume_ml
    weighted = sum(
        one.lesion_mean_hu * one.lesion_volume_ml
        for one in (right, left)
        if one.lesion_mean_hu is not None
    )
    return LungFigures(
        side=Side.TOTAL,
        lung_volume_ml=right.lung_volume_ml + left.lung_volume_ml,
        lesion_volume_ml=lesion_ml,
        ground_glass_ml=right.ground_glass_ml + left.ground_glass_ml,
        consolidation_ml=right.consolidation_ml + left.consolidation_ml,
        lesion_mean_hu=weighted / lesion_ml if lesion_ml > 0 else None,
        slices_involved=slices_involved,
    )


def measure(volume: Volume, regions: ChestRegions) -> dict[Side, LungFigures]:
    """Figures of the right lung, the left lung and both.

    Parameters
    ----------
    volume, regions : on the same grid; lesions lie within lungs
    """
    right = _side_figures(Side.RIGHT, volume, regions)
    left = _side_figures(Side.LEFT, volume, regions)
    involved = int(np.count_nonzero(regions.lesions.any(axis=(1, 2))))
    return {Side.RIGHT: right, Side.LEFT: left, Side.TOTAL: _total(right, left, involved)}


def _gates(lung_ml: float, lung_areas: NDArray[np.int64]) -> tuple[QualityGate, ...]:
    """Check that there are lungs, enough of them, and that none is cut off."""
    slices = int(np.count_nonzero(lung_areas))
    largest = max(int(lung_areas.max(initial=0)), 1)
    cut = max(int(lung_areas[0]), int(lung_areas[-1])) / largest if lung_areas.size else 0.0
    checks = (
        (
            "lungs found",
            lung_ml >= LEAST_LUNG_ML,
            f"{lung_ml:.0f} ml",
            f"at least {LEAST_LUNG_ML:.0f} ml",
            "No lungs were found, or too little of them.",
        ),
        (
            "slices with lung",
            slices >= LEAST_LUNG_SLICES,
            f"{slices}",
            f"at least {LEAST_LUNG_SLICES}",
            "Too few slices show lung.",
        ),
        (
            "lungs covered",
            cut <= MOST_CUT_SHARE,
            f"{100 * cut:.0f} %",
            f"at most {100 * MOST_CUT_SHARE:.0f} %",
            "The series ends in the middle of the lungs.",
        ),
    )
    return tuple(
        QualityGate(name, passed, seen, limit, "" if passed else reason)
        for name, passed, seen, limit, reason in checks
    )


def _key_slice(lesion_areas: NDArray[np.int64], lung_areas: NDArray[np.int64]) -> int | None:
    """The slice with most lesion, or with most lung where there is no lesion."""
    areas = lesion_areas if lesion_areas.any() else lung_areas
    return int(np.argmax(areas)) if areas.any() else None


def interpret(volume: Volume, regions: ChestRegions, bundle: Bundle) -> Reading:
    """Say what the masks mean.

    Parameters
    ----------
    volume, regions : on the same grid; the first axis runs along slices

    Returns
    -------
    A reading whose outcome is "not assessable" when a gate failed; then there is no suspicion
    score, and what was measured is still given where lungs were found.
    """
    lung_areas = np.count_nonzero(regions.lungs, axis=(1, 2)).astype(np.int64)
    lesion_areas = np.count_nonzero(regions.lesions, axis=(1, 2)).astype(np.int64)
    figures = measure(volume, regions)
    gates = _gates(figures[Side.TOTAL].lung_volume_ml, lung_areas)
    found = gates[0].passed
    suspicion: float | None = None
    outcome = Outcome.NOT_ASSESSABLE
    threshold = bundle.operating_point.suspicion_threshold
    if all(gate.passed for gate in gates):
        share = figures[Side.TOTAL].lesion_share_percent
        suspicion = bundle.operating_point.suspicion(share)
        outcome = Outcome.FINDINGS if suspicion >= threshold else Outcome.NO_FINDINGS
    return Reading(
        outcome=outcome,
        algorithm=bundle.algorithm,
        suspicion=suspicion,
        suspicion_threshold=threshold,
        figures=figures if found else {},
        gates=gates,
        key_slice=_key_slice(lesion_areas, lung_areas),
        regions=regions if found else None,
    )
