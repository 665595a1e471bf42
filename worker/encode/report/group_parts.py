"""The parts of a measurement group: identity, site, algorithm, figures and places.

PS3.16 TID 300 (Measurement), TID 4019 (Algorithm Identification), TID 1501 and TID 1411.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CoordinatesForMeasurement,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    SourceImageForRegion,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)

from radiology import codes
from radiology.codes import Code
from radiology.region import Mask
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import ResultContext
from worker.encode.figures import Figure
from worker.encode.outline import OutlineLimits, interior_point, outlines

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations

# An outline costs 0.4 kB and 8 bytes a point. With such limits the groups stay below 45 kB, and
# lobes add 4 kB each; the evidence adds 0.12 kB for each instance that was analysed.
LUNG_OUTLINES = OutlineLimits(most_points=96, most_outlines=2, least_area_px=60)


def tracking(context: ResultContext, name: str) -> TrackingIdentifier:
    """Name and UID of what a group is about; without them OHIF shows nothing of the report."""
    return TrackingIdentifier(uid=context.tracking_uid(name), identifier=name)


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


def lung_site(laterality: Code) -> FindingSite:
    """A lung, or both."""
    return FindingSite(anatomic_location=coded(codes.LUNG), laterality=coded(laterality))


def source_image(context: ResultContext, index: int) -> SourceImageForRegion:
    """The image or frame that a slice came from."""
    source_slice = context.source.slices[index]
    return SourceImageForRegion(
        referenced_sop_class_uid=source_slice.sop_class_uid,
        referenced_sop_instance_uid=source_slice.sop_instance_uid,
        referenced_frame_numbers=source_slice.frame_numbers,
    )


def bare(figures: Sequence[Figure]) -> list[Measurement]:
    """Measurements of a group whose place is given as regions."""
    return [Measurement(coded(one.name), one.value, coded(one.unit)) for one in figures]


def at_point(
    context: ResultContext,
    figures: Sequence[Figure],
    index: int,
    mask: Mask,
    away_from: Mask | None = None,
) -> list[Measurement]:
    """Measurements that are each inferred from a point inside the mask of a slice.

    With `away_from` that point lies far from those pixels: OHIF writes figures beside their point.
    """
    point = np.array([interior_point(mask, away_from)])
    return [
        Measurement(
            coded(one.name),
            one.value,
            coded(one.unit),
            referenced_coordinates=[
                CoordinatesForMeasurement("POINT", point, source_image(context, index))
            ],
        )
        for one in figures
    ]


def image_regions(
    context: ResultContext, index: int, mask: Mask, limits: OutlineLimits
) -> list[ImageRegion]:
    """The outlines of a mask on its slice."""
    return [
        ImageRegion("POLYLINE", outline, source_image(context, index))
        for outline in outlines(mask, limits)
    ]
