"""The measurement groups of the report for viewers: those of the reading, each with its place.

PS3.16 TID 1501 (Measurement and Qualitative Evaluation Group), TID 1411 (Volumetric ROI
Measurements), TID 300 (Measurement), TID 4019 (Algorithm Identification).

What OHIF 3.11 to 3.13 needs, found by trying (an SR that breaks one of these is a black viewport
without a message): every group has an SCOORD, in a TID 1411 group as image region, in a TID 1501
group as the only child of each NUM; every group has a tracking identifier and a tracking UID of
its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom.sr import (
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)

from radiology.answer.anchor import Anchor, Mark
from radiology.answer.measurement import MeasurementGroup
from radiology.answer.reading import Reading
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.report.group_parts import (
    Group,
    algorithm_identification,
    at_point,
    bare,
    evaluations,
    finding_sites,
    image_regions,
    source_image,
    tracking,
)
from worker.encode.report.placement import ANATOMY_OUTLINES, FINDING_OUTLINES, Placing
from worker.encode.report.time_points import time_point, with_earlier


def measurement_groups(context: ResultContext) -> list[Group]:
    """Every group of the reading that has a place in the images, in its order.

    A reading that outlines nothing says what it says of the slice that it is shown by, as a whole.
    """
    if not context.masks.has_any:
        return [
            _of_the_slice(context, measured, in_full=place == 0)
            for place, measured in enumerate(measured_groups(context.reading))
        ]
    anchored = [(one, one.anchor) for one in context.reading.groups if one.anchor is not None]
    placing = Placing(context, [group for group, _ in anchored])
    shown = [(group, anchor) for group, anchor in anchored if placing.is_shown(anchor)]
    return [
        _group(context, placing, group, anchor, in_full=place == 0)
        for place, (group, anchor) in enumerate(shown)
    ]


def _group(
    context: ResultContext,
    placing: Placing,
    group: MeasurementGroup,
    anchor: Anchor,
    *,
    in_full: bool,
) -> Group:
    """A group that points (TID 1501), or whose regions are outlined (TID 1411)."""
    slices = placing.slices(anchor)
    shared: dict[str, Any] = {
        "tracking_identifier": tracking(context, group),
        "finding_category": None if group.category is None else coded(group.category),
        "finding_type": coded(group.kind),
        "finding_sites": finding_sites(group.sites),
        "algorithm_id": algorithm_identification(context, in_full=in_full),
        "qualitative_evaluations": evaluations(group.statements),
        **time_point(context, compared=group.compared),
    }
    if anchor.mark is Mark.POINT:
        point = placing.point(anchor, slices[0])
        made: Group = MeasurementsAndQualitativeEvaluations(
            measurements=at_point(context, group.measurements, slices[0], point), **shared
        )
    else:
        limits = FINDING_OUTLINES if _shows_findings(context, anchor) else ANATOMY_OUTLINES
        made = VolumetricROIMeasurementsAndQualitativeEvaluations(
            measurements=bare(group.measurements),
            referenced_regions=[
                region
                for index in slices
                for region in image_regions(context, index, placing.mask(anchor, index), limits)
            ],
            **shared,
        )
    return with_earlier(context, made, compared=group.compared)


def measured_groups(reading: Reading) -> list[MeasurementGroup]:
    """The groups that hold a measurement."""
    return [one for one in reading.groups if one.measurements]


def _of_the_slice(context: ResultContext, group: MeasurementGroup, *, in_full: bool) -> Group:
    """A group whose region is the whole key slice: the only place that it can honestly name."""
    index = context.masks.key_slice
    rows, columns = context.volume.shape[1:]
    edge = [(0.5, 0.5), (columns - 0.5, 0.5), (columns - 0.5, rows - 0.5), (0.5, rows - 0.5)]
    around = ImageRegion(
        "POLYLINE", np.array([*edge, edge[0]], dtype=float), source_image(context, index)
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(context, group),
        finding_category=None if group.category is None else coded(group.category),
        finding_type=coded(group.kind),
        finding_sites=finding_sites(group.sites),
        algorithm_id=algorithm_identification(context, in_full=in_full),
        qualitative_evaluations=evaluations(group.statements),
        measurements=bare(group.measurements),
        referenced_regions=[around],
        **time_point(context, compared=group.compared),
    )


def _shows_findings(context: ResultContext, anchor: Anchor) -> bool:
    return any(context.reading.region(name).is_finding for name in anchor.regions)
