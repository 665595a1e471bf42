"""The parts of a measurement group: identity, site, algorithm, figures and places.

PS3.16 TID 300 (Measurement), TID 4019 (Algorithm Identification), TID 1501 and TID 1411.
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
    MeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    SourceImageForRegion,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from highdicom.sr import Measurement as NumItem

from radiology import codes
from radiology.answer.measurement import Measurement, MeasurementGroup
from radiology.answer.statement import Statement
from radiology.codes import Code
from radiology.region import Mask
from radiology.site import Site
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.outline import OutlineLimits, outlines

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations


def tracking(context: ResultContext, group: MeasurementGroup) -> TrackingIdentifier:
    """Name and UID of what a group is about; without them OHIF shows nothing of the report."""
    uid = group.tracking_uid or context.tracking_uid(group.name)
    return TrackingIdentifier(uid=uid, identifier=group.name)


def algorithm_identification(
    context: ResultContext, *, in_full: bool = False
) -> AlgorithmIdentification:
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


def finding_sites(sites: Sequence[Site]) -> list[FindingSite] | None:
    """Where a group's finding is; None where nothing is said of it."""
    return [
        FindingSite(
            anatomic_location=coded(site.anatomy),
            laterality=None if site.laterality is None else coded(site.laterality),
        )
        for site in sites
    ] or None


def evaluations(statements: Sequence[Statement]) -> list[QualitativeEvaluation] | None:
    """The coded answers of a group; None where there are none."""
    return [
        QualitativeEvaluation(coded(statement.concept), coded(statement.answer))
        for statement in statements
        if isinstance(statement.answer, Code)
    ] or None


def source_image(context: ResultContext, index: int) -> SourceImageForRegion:
    """The image or frame that a slice came from."""
    source_slice = context.source.slices[index]
    return SourceImageForRegion(
        referenced_sop_class_uid=source_slice.sop_class_uid,
        referenced_sop_instance_uid=source_slice.sop_instance_uid,
        referenced_frame_numbers=source_slice.frame_numbers,
    )


def bare(measurements: Sequence[Measurement]) -> list[NumItem]:
    """Measurements of a group whose place is given as regions."""
    return [_number(one) for one in measurements]


def at_point(
    context: ResultContext,
    measurements: Sequence[Measurement],
    index: int,
    point: tuple[float, float],
) -> list[NumItem]:
    """Measurements that are each inferred from a point of a slice, given as column and row."""
    at = np.array([point])
    return [
        _number(
            measurement,
            referenced_coordinates=[
                CoordinatesForMeasurement("POINT", at, source_image(context, index))
            ],
        )
        for measurement in measurements
    ]


def _number(measurement: Measurement, **place: Any) -> NumItem:
    return NumItem(
        coded(measurement.concept),
        measurement.written,
        coded(measurement.unit),
        derivation=None if measurement.derivation is None else coded(measurement.derivation),
        method=None if measurement.method is None else coded(measurement.method),
        **place,
    )


def image_regions(
    context: ResultContext, index: int, mask: Mask, limits: OutlineLimits
) -> list[ImageRegion]:
    """The outlines of a mask on its slice."""
    return [
        ImageRegion("POLYLINE", outline, source_image(context, index))
        for outline in outlines(mask, limits)
    ]
