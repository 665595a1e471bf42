"""The measurement groups of the report: one for the answer, one per class, lung and figure set.

PS3.16 TID 1501 (Measurement and Qualitative Evaluation Group), TID 1411 (Volumetric ROI
Measurements), TID 300 (Measurement), TID 4019 (Algorithm Identification).

What OHIF 3.11 to 3.13 needs, found by trying (an SR that breaks one of these is a black viewport
without a message): every group has an SCOORD, in a TID 1411 group as image region, in a TID 1501
group as the only child of each NUM; every group has a tracking identifier and a tracking UID of
its own. OHIF draws the first image region of a group only, so the one on the key slice is first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CoordinatesForMeasurement,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForRegion,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)

from radiology import codes
from radiology.codes import Code
from radiology.finding import LungFigures, Outcome, Side, Urgency
from radiology.region import Mask
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.figures import (
    Figure,
    attenuation_figure,
    mean_hu,
    percent,
    slices_figure,
    volume_figure,
)
from worker.encode.key_slices import (
    figures_by_side,
    fullest,
    key_slice,
    lesion_areas,
    lung_areas,
    lung_mask,
    spread,
)
from worker.encode.outline import OutlineLimits, interior_point, outlines
from worker.encode.segments import SEGMENTS, Segment

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations

# An outline costs 0.4 kB and 8 bytes a point. With these limits the groups stay below 45 kB; the
# evidence adds 0.12 kB for each instance that was analysed.
LESION_SLICES = 3  # the key slice and two more
LESION_OUTLINES = OutlineLimits(most_points=48, most_outlines=3)
LUNG_OUTLINES = OutlineLimits(most_points=96, most_outlines=2, least_area_px=60)

_SIDES = {
    Side.TOTAL: ("Both lungs", codes.BILATERAL),
    Side.RIGHT: ("Right lung", codes.RIGHT),
    Side.LEFT: ("Left lung", codes.LEFT),
}

_SUMMARIES = {
    Outcome.FINDINGS: codes.SUCCEEDED_WITH_FINDINGS,
    Outcome.NO_FINDINGS: codes.SUCCEEDED_WITHOUT_FINDINGS,
    Outcome.NOT_ASSESSABLE: codes.FAILED,
}
_PRIORITIES = {
    Urgency.URGENT: codes.URGENT,
    Urgency.SUSPECTED: codes.SUSPECTED,
    Urgency.ROUTINE: codes.ROUTINE,
}


def measurement_groups(context: ResultContext) -> list[Group]:
    """Every group of the report, the answer first.

    A reading that is not assessable has the answer alone: figures beside it would be read.
    """
    groups: list[Group] = [_triage(context)]
    if context.reading.outcome is Outcome.NOT_ASSESSABLE:
        return groups
    if context.has_findings:
        groups += [
            _lesion_class(context, segment)
            for segment in SEGMENTS
            if segment.is_lesion and segment.areas(context.areas).any()
        ]
        groups += [
            _lesions_of_side(context, figures)
            for figures in figures_by_side(context)
            if lesion_areas(context, figures.side).any()
        ]
    groups += [
        _lung(context, figures)
        for figures in figures_by_side(context)
        if lung_areas(context, figures.side).any()
    ]
    return groups


def _triage(context: ResultContext) -> Group:
    """The answer (TID 1501)."""
    reading, index = context.reading, key_slice(context)
    lesions = context.regions.lesions[index] > 0
    showing = (
        lesions if context.has_findings and lesions.any() else context.regions.lungs[index] > 0
    )
    if reading.outcome is Outcome.NOT_ASSESSABLE:
        figures = [Figure(codes.FAILED_CHECKS, len(reading.failed_gates), codes.CHECKS)]
    else:
        figures = [
            Figure(codes.PROBABILITY, percent(reading.suspicion or 0.0), codes.PERCENT),
            Figure(codes.THRESHOLD_VALUE, percent(reading.suspicion_threshold), codes.PERCENT),
        ]
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(context, "AI triage"),
        finding_type=coded(codes.TRIAGE),
        finding_sites=[_site(codes.BILATERAL)],
        algorithm_id=_algorithm(context, in_full=True),
        measurements=_at_point(context, figures, index, showing),
        qualitative_evaluations=_evaluations(context),
    )


def _evaluations(context: ResultContext) -> list[QualitativeEvaluation]:
    """Outcome (CID 6047) and urgency; "routine" is never said of what could not be assessed."""
    outcome = context.reading.outcome
    said = [(codes.PROCESSING_SUMMARY, _SUMMARIES[outcome])]
    if outcome is Outcome.NOT_ASSESSABLE:
        said.append((codes.QUALITY_ASSESSMENT, codes.NOT_ASSESSABLE))
    if context.triage is not None:
        said.append((codes.PRIORITY, _PRIORITIES[context.triage.urgency]))
    return [QualitativeEvaluation(coded(name), coded(value)) for name, value in said]


def _lesion_class(context: ResultContext, segment: Segment) -> Group:
    """A lesion class in both lungs, outlined (TID 1411); tracked as its segment is."""
    areas = segment.areas(context.areas)
    slices = spread(areas, fullest(areas, key_slice(context)), LESION_SLICES)
    total = context.reading.figures.get(Side.TOTAL)
    ground_glass = segment.kind is codes.GROUND_GLASS_OPACITY
    figures = [attenuation_figure(mean_hu(context, segment, areas)), slices_figure(areas)]
    if total is not None:
        volume_ml = total.ground_glass_ml if ground_glass else total.consolidation_ml
        figures.insert(0, volume_figure(codes.VOLUME, volume_ml))
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(context.tracking_uid(segment.label), segment.label),
        finding_category=coded(segment.category),
        finding_type=coded(segment.kind),
        finding_sites=[_site(segment.laterality)],
        algorithm_id=_algorithm(context),
        measurements=_bare(figures),
        referenced_regions=[
            region
            for index in slices
            for region in _image_regions(
                context, index, segment.mask(context.regions, index), LESION_OUTLINES
            )
        ],
    )


def _lesions_of_side(context: ResultContext, of_side: LungFigures) -> Group:
    """What the lesions of a lung, or of both, amount to (TID 1501)."""
    name, laterality = _SIDES[of_side.side]
    areas = lesion_areas(context, of_side.side)
    index = fullest(areas, key_slice(context))
    figures = [
        volume_figure(codes.VOLUME, of_side.lesion_volume_ml),
        Figure(codes.LESION_SHARE, round(of_side.lesion_share_percent, 2), codes.PERCENT),
        volume_figure(codes.GROUND_GLASS_VOLUME, of_side.ground_glass_ml),
        volume_figure(codes.CONSOLIDATION_VOLUME, of_side.consolidation_ml),
        Figure(codes.SLICES_INVOLVED, of_side.slices_involved, codes.SLICES),
    ]
    if of_side.lesion_mean_hu is not None:
        figures.insert(2, attenuation_figure(of_side.lesion_mean_hu))
    inside = lung_mask(context, of_side.side, index) & (context.regions.lesions[index] > 0)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(context, f"{name}, lesions"),
        finding_category=coded(codes.ABNORMAL_STRUCTURE),
        finding_type=coded(codes.ABNORMAL_OPACITY),
        finding_sites=[_site(laterality)],
        algorithm_id=_algorithm(context),
        measurements=_at_point(context, figures, index, inside),
    )


def _lung(context: ResultContext, of_side: LungFigures) -> Group:
    """The volume of a lung, outlined on its key slice (TID 1411), or of both (TID 1501)."""
    name, laterality = _SIDES[of_side.side]
    index = fullest(lung_areas(context, of_side.side), key_slice(context))
    mask = lung_mask(context, of_side.side, index)
    figures = [volume_figure(codes.VOLUME, of_side.lung_volume_ml)]
    shared: dict[str, Any] = {
        "tracking_identifier": _tracking(context, name),
        "finding_category": coded(codes.ANATOMICAL_STRUCTURE),
        "finding_type": coded(codes.LUNG),
        "finding_sites": [_site(laterality)],
        "algorithm_id": _algorithm(context),
    }
    if of_side.side is Side.TOTAL:
        return MeasurementsAndQualitativeEvaluations(
            measurements=_at_point(context, figures, index, mask), **shared
        )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        measurements=_bare(figures),
        referenced_regions=_image_regions(context, index, mask, LUNG_OUTLINES),
        **shared,
    )


# --- What a group is made of --------------------------------------------------------------------


def _tracking(context: ResultContext, name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=context.tracking_uid(name), identifier=name)


def _algorithm(context: ResultContext, *, in_full: bool = False) -> AlgorithmIdentification:
    """Name and version (TID 4019); once per report also the digest and who made it."""
    algorithm = context.algorithm
    if not in_full:
        return AlgorithmIdentification(name=algorithm.name, version=algorithm.version)
    return AlgorithmIdentification(
        name=algorithm.name,
        version=algorithm.version,
        parameters=[f"sha256={algorithm.bundle_digest}"],
        family=coded(codes.ARTIFICIAL_INTELLIGENCE),
        manufacturer=algorithm.manufacturer,
    )


def _site(laterality: Code) -> FindingSite:
    return FindingSite(anatomic_location=coded(codes.LUNG), laterality=coded(laterality))


def _source(context: ResultContext, index: int) -> SourceImageForRegion:
    source_slice = context.source.slices[index]
    return SourceImageForRegion(
        referenced_sop_class_uid=source_slice.sop_class_uid,
        referenced_sop_instance_uid=source_slice.sop_instance_uid,
        referenced_frame_numbers=source_slice.frame_numbers,
    )


def _bare(figures: Sequence[Figure]) -> list[Measurement]:
    return [Measurement(coded(one.name), one.value, coded(one.unit)) for one in figures]


def _at_point(
    context: ResultContext, figures: Sequence[Figure], index: int, mask: Mask
) -> list[Measurement]:
    """Measurements that are each inferred from a point inside the mask of a slice."""
    point = np.array([interior_point(mask)])
    return [
        Measurement(
            coded(one.name),
            one.value,
            coded(one.unit),
            referenced_coordinates=[
                CoordinatesForMeasurement("POINT", point, _source(context, index))
            ],
        )
        for one in figures
    ]


def _image_regions(
    context: ResultContext, index: int, mask: Mask, limits: OutlineLimits
) -> list[ImageRegion]:
    return [
        ImageRegion("POLYLINE", outline, _source(context, index))
        for outline in outlines(mask, limits)
    ]
