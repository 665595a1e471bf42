"""Makes figures and a reading of masks, gates and the answer for the study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chest.case_level import CaseAnswer
from chest.gates import Acquisition
from chest.judge_severity import judge_severity
from chest.model.chest_model import ChestModel
from chest.values.effusion import Effusion
from chest.values.figures import LungFigures, Side
from chest.values.other_disease import OtherDisease
from chest.values.reading import ChestReading
from chest.values.regions import ChestRegions, LesionLabel, LungLabel
from chest.values.territory import Boundary, Territories, TerritoryFigures
from radiology.clinical import ClinicalContext
from radiology.image.heat_map import HeatMap
from radiology.image.volume import Volume
from radiology.outcome import GateSeverity, Outcome, QualityGate
from radiology.region import pixels_by_slice

_SIDES = {Side.RIGHT: LungLabel.RIGHT, Side.LEFT: LungLabel.LEFT}


@dataclass(frozen=True)
class _LesionVoxels:
    """The voxels of all lesions: few, and all that is measured beside the volume of a lung.

    Attributes
    ----------
    sides, kinds, hounsfield, slices : of each voxel
    """

    sides: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    hounsfield: NDArray[np.float32]
    slices: NDArray[np.intp]

    @classmethod
    def of(cls, volume: Volume, regions: ChestRegions) -> _LesionVoxels:
        box = regions.box
        lesions = regions.lesions[box]
        at = np.nonzero(lesions)
        return cls(regions.lungs[box][at], lesions[at], volume.hounsfield[box][at], at[0])


def _side_figures(
    side: Side, volume: Volume, regions: ChestRegions, lesions: _LesionVoxels
) -> LungFigures:
    """Measure one lung."""
    inside = lesions.sides == _SIDES[side]
    kinds, attenuation = lesions.kinds[inside], lesions.hounsfield[inside]
    voxel_ml = volume.voxel_ml
    return LungFigures(
        side=side,
        lung_volume_ml=int(np.count_nonzero(regions.lungs[regions.box] == _SIDES[side])) * voxel_ml,
        lesion_volume_ml=int(kinds.size) * voxel_ml,
        ground_glass_ml=int(np.count_nonzero(kinds == LesionLabel.GROUND_GLASS)) * voxel_ml,
        consolidation_ml=int(np.count_nonzero(kinds == LesionLabel.CONSOLIDATION)) * voxel_ml,
        lesion_mean_hu=float(attenuation.mean(dtype=np.float64)) if kinds.size else None,
        slices_involved=int(np.unique(lesions.slices[inside]).size),
    )


def _total(right: LungFigures, left: LungFigures, slices_involved: int) -> LungFigures:
    """Both lungs together; the mean HU is weighted by volume."""
    lesion_ml = right.lesion_volume_ml + left.lesion_volume_ml
    weighted = sum(
        lung.lesion_mean_hu * lung.lesion_volume_ml
        for lung in (right, left)
        if lung.lesion_mean_hu is not None
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
    lesions = _LesionVoxels.of(volume, regions)
    right, left = (
        _side_figures(side, volume, regions, lesions) for side in (Side.RIGHT, Side.LEFT)
    )
    involved = int(np.unique(lesions.slices).size)
    return {Side.RIGHT: right, Side.LEFT: left, Side.TOTAL: _total(right, left, involved)}


def _key_slice(lesion_areas: NDArray[np.int64], lung_areas: NDArray[np.int64]) -> int | None:
    """The slice with most lesion, or with most lung where there is no lesion."""
    areas = lesion_areas if lesion_areas.any() else lung_areas
    return int(np.argmax(areas)) if areas.any() else None


@dataclass(frozen=True)
class Evidence:
    """What a reading is made from.

    Attributes
    ----------
    regions : on the grid of the volume as it was given
    figures : measured on them
    gates : all that were applied
    case : None when a gate refuses
    territories, boundaries : lobes or zones, and the fissures between them
    divided : where they lie, on the grid of the volume as it was given
    heat_maps : by slice of the volume as it was given
    acquisition : what headers say of the scan and its patient
    context : what was given of the patient beside the study; None for nothing
    effusion : beside the lungs; `regions` leave it out
    other_disease : what else the opacities and the lungs may be; None when a gate refuses
    """

    regions: ChestRegions
    figures: Mapping[Side, LungFigures]
    gates: tuple[QualityGate, ...]
    case: CaseAnswer | None = None
    territories: tuple[TerritoryFigures, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    divided: Territories | None = None
    heat_maps: Mapping[int, HeatMap] = field(default_factory=dict)
    acquisition: Acquisition = field(default_factory=Acquisition)
    context: ClinicalContext | None = None
    effusion: Effusion | None = None
    other_disease: OtherDisease | None = None


def refuses(gates: Iterable[QualityGate]) -> bool:
    """Whether a gate makes the reading not assessable."""
    return any(not gate.passed and gate.severity is GateSeverity.REFUSES for gate in gates)


def interpret(evidence: Evidence, model: ChestModel) -> ChestReading:
    """Say what the evidence means.

    Returns
    -------
    A reading whose outcome is "not assessable" when a gate refuses; then there is no suspicion
    score, and what was measured is still given where lungs were found.
    """
    regions, case = evidence.regions, evidence.case
    lung_areas = pixels_by_slice(regions.lungs)
    lesion_areas = pixels_by_slice(regions.lesions)
    found = evidence.gates[0].passed
    outcome, severity = Outcome.NOT_ASSESSABLE, None
    if case is not None:
        outcome = Outcome.FINDINGS if case.suspected else Outcome.NO_FINDINGS
        severity = judge_severity(
            evidence.figures,
            evidence.territories,
            evidence.acquisition,
            suspected=case.suspected,
            context=evidence.context,
        )
    return ChestReading(
        outcome=outcome,
        algorithm=model.bundle.algorithm,
        suspicion=case.suspicion if case else None,
        suspicion_threshold=model.case.point.suspicion_threshold,
        figures=evidence.figures if found else {},
        gates=evidence.gates,
        key_slice=_key_slice(lesion_areas, lung_areas),
        regions=regions if found else None,
        viral=case.viral if case else None,
        signs=case.signs if case else (),
        rules=case.rules if case else (),
        confidence=case.confidence if case else None,
        territories=evidence.territories,
        boundaries=evidence.boundaries,
        divided=evidence.divided,
        severity=severity,
        effusion=evidence.effusion if case else None,
        other_disease=evidence.other_disease if case else None,
        heat_maps=evidence.heat_maps if case else {},
    )
