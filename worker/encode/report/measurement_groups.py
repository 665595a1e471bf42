"""The measurement groups of the report: one for the answer, one per class, lung and figure set.

PS3.16 TID 1501 (Measurement and Qualitative Evaluation Group), TID 1411 (Volumetric ROI
Measurements), TID 300 (Measurement), TID 4019 (Algorithm Identification).

What OHIF 3.11 to 3.13 needs, found by trying (an SR that breaks one of these is a black viewport
without a message): every group has an SCOORD, in a TID 1411 group as image region, in a TID 1501
group as the only child of each NUM; every group has a tracking identifier and a tracking UID of
its own. OHIF draws the first image region of a group only, and its first five figures; it writes
the figures of all groups of a slice over that slice. So on the key slice of a reading with findings
stand the answer, what both lungs' lesions amount to, and the class that there is most of; each
other group is on the fullest of the other slices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom.sr import (
    MeasurementsAndQualitativeEvaluations,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)

from radiology import codes
from radiology.chest.figures import LungFigures, Side
from radiology.outcome import Outcome
from radiology.region import Mask
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.figures import (
    Figure,
    attenuation_figure,
    change_figures,
    mean_hu,
    percent_figure,
    slices_figure,
    volume_figure,
)
from worker.encode.key_slices import (
    figures_by_side,
    fullest,
    fullest_beside,
    key_slice,
    lesion_areas,
    lung_areas,
    lung_mask,
    spread,
)
from worker.encode.outline import OutlineLimits, outlines
from worker.encode.report.answer_groups import severity_groups, sign_groups, triage_group
from worker.encode.report.group_parts import (
    LUNG_OUTLINES,
    Group,
    algorithm_identification,
    at_point,
    bare,
    image_regions,
    lung_site,
    tracking,
)
from worker.encode.report.territory_groups import territory_groups
from worker.encode.report.time_points import time_point, with_earlier
from worker.encode.segments import SEGMENTS, Segment

_CLASSES = tuple(one for one in SEGMENTS if one.is_lesion)

LESION_SLICES = 3  # the key slice and two more
LESION_OUTLINES = OutlineLimits(most_points=48, most_outlines=3)

_SIDES = {
    Side.TOTAL: ("Both lungs", codes.BILATERAL),
    Side.RIGHT: ("Right lung", codes.RIGHT),
    Side.LEFT: ("Left lung", codes.LEFT),
}


def measurement_groups(context: ResultContext) -> list[Group]:
    """Every group of the report, the answer first.

    A reading that is not assessable has the answer alone: figures beside it would be read.
    """
    groups: list[Group] = [triage_group(context)]
    if context.reading.outcome is Outcome.NOT_ASSESSABLE:
        return groups
    if context.has_findings:
        groups += sign_groups(context)
    groups += severity_groups(context)
    if context.has_findings:
        groups += [
            _lesion_class(context, segment)
            for segment in _CLASSES
            if segment.areas(context.areas).any()
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
    return groups + territory_groups(context) if context.has_findings else groups


def _lesion_class(context: ResultContext, segment: Segment) -> Group:
    """A lesion class in both lungs, outlined (TID 1411); tracked as its segment is."""
    areas = segment.areas(context.areas)
    key = key_slice(context)
    choose = fullest if segment is _leading_class(context) else fullest_beside
    slices = spread(areas, choose(areas, key), LESION_SLICES)
    total = context.reading.figures.get(Side.TOTAL)
    ground_glass = segment.kind is codes.GROUND_GLASS_OPACITY
    figures = [attenuation_figure(mean_hu(context, segment, areas)), slices_figure(areas)]
    if total is not None:
        volume_ml = total.ground_glass_ml if ground_glass else total.consolidation_ml
        figures.insert(0, volume_figure(codes.VOLUME, volume_ml))
        if total.lung_volume_ml > 0:
            share = 100.0 * (volume_ml / total.lung_volume_ml)
            figures.insert(1, percent_figure(codes.LESION_SHARE, share))
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(context.tracking_uid(segment.label), segment.label),
        finding_category=coded(segment.category),
        finding_type=coded(segment.kind),
        finding_sites=[lung_site(segment.laterality)],
        algorithm_id=algorithm_identification(context),
        measurements=bare(figures),
        referenced_regions=[
            region
            for index in slices
            for region in image_regions(
                context, index, segment.mask(context.regions, index), LESION_OUTLINES
            )
        ],
    )


def _lesions_of_side(context: ResultContext, of_side: LungFigures) -> Group:
    """What the lesions of a lung, or of both, amount to (TID 1501)."""
    name, laterality = _SIDES[of_side.side]
    areas = lesion_areas(context, of_side.side)
    key = key_slice(context)
    index = fullest(areas, key) if of_side.side is Side.TOTAL else fullest_beside(areas, key)
    change = None if context.prior is None else context.prior.lungs.get(of_side.side)
    figures = [
        volume_figure(codes.VOLUME, of_side.lesion_volume_ml),
        percent_figure(codes.LESION_SHARE, of_side.lesion_share_percent),
        *change_figures(change),
    ]
    if of_side.lesion_mean_hu is not None:
        figures.append(attenuation_figure(of_side.lesion_mean_hu))
    figures += [
        volume_figure(codes.GROUND_GLASS_VOLUME, of_side.ground_glass_ml),
        volume_figure(codes.CONSOLIDATION_VOLUME, of_side.consolidation_ml),
        Figure(codes.SLICES_INVOLVED, of_side.slices_involved, codes.SLICES),
    ]
    inside = _pointed_at(context, of_side.side, index)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, f"{name}, lesions"),
        finding_category=coded(codes.ABNORMAL_STRUCTURE),
        finding_type=coded(codes.ABNORMAL_OPACITY),
        finding_sites=[lung_site(laterality)],
        algorithm_id=algorithm_identification(context),
        measurements=at_point(context, figures, index, inside),
        **time_point(context, change),
    )
    return with_earlier(context, group, change)


def _leading_class(context: ResultContext) -> Segment:
    """The class that there is most of on the key slice."""
    key = key_slice(context)
    return max(_CLASSES, key=lambda segment: int(segment.areas(context.areas)[key]))


def _pointed_at(context: ResultContext, side: Side, index: int) -> Mask:
    """The lesions of a lung on a slice.

    Of both lungs, those in the lung without the largest outline of the leading class, whose own
    figures are written beside it; where that lung has none, the lung itself.
    """
    lesions: Mask = context.regions.lesions[index] > 0
    if side is not Side.TOTAL:
        return lung_mask(context, side, index) & lesions
    drawn = outlines(_leading_class(context).mask(context.regions, index), LESION_OUTLINES)
    if not drawn:
        return lesions
    left, top = drawn[0].min(axis=0).astype(int)
    right, bottom = drawn[0].max(axis=0).astype(int)
    outlined = np.zeros_like(lesions)
    outlined[top:bottom, left:right] = True
    lungs = [lung_mask(context, one, index) for one in (Side.RIGHT, Side.LEFT)]
    other = min(lungs, key=lambda lung: int(np.count_nonzero(lung & outlined)))
    if not other.any():
        return lesions
    return other & lesions if (other & lesions).any() else other


def _lung(context: ResultContext, of_side: LungFigures) -> Group:
    """The volume of a lung, outlined (TID 1411), or of both (TID 1501)."""
    name, laterality = _SIDES[of_side.side]
    choose = fullest_beside if context.has_findings else fullest
    index = choose(lung_areas(context, of_side.side), key_slice(context))
    mask = lung_mask(context, of_side.side, index)
    figures = [volume_figure(codes.VOLUME, of_side.lung_volume_ml)]
    shared: dict[str, Any] = {
        "tracking_identifier": tracking(context, name),
        "finding_category": coded(codes.ANATOMICAL_STRUCTURE),
        "finding_type": coded(codes.LUNG),
        "finding_sites": [lung_site(laterality)],
        "algorithm_id": algorithm_identification(context),
    }
    if of_side.side is Side.TOTAL:
        return MeasurementsAndQualitativeEvaluations(
            measurements=at_point(context, figures, index, mask), **shared
        )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        measurements=bare(figures),
        referenced_regions=image_regions(context, index, mask, LUNG_OUTLINES),
        **shared,
    )
