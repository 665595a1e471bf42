"""Quantification report: the figures of each segment, for programs.

PS3.16 TID 1500 (Measurement Report) with TID 1411 (Volumetric ROI Measurements) groups, each of
which refers to one segment of one segmentation. 3D Slicer (QuantitativeReporting) and dcmqi read
it; OHIF 3.13 shows a report of such groups as a black viewport, so it is for destinations that
ask for it, in a series of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.sr import (
    CodedConcept,
    FindingSite,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset

from radiology import codes
from radiology.answer.measurement import Measurement, MeasurementGroup
from worker.encode.derived_object import (
    EarlierReport,
    EncodedKind,
    ReportForm,
    ResultContext,
    series_and_equipment,
)
from worker.encode.report.document import encode_document, measurement_content
from worker.encode.report.group_parts import Group, algorithm_identification, bare
from worker.encode.report.time_points import time_point, with_earlier
from worker.encode.segmentation.voxels import SegmentVoxels, segment_voxels

_LATERALITIES = (codes.RIGHT, codes.LEFT, codes.BILATERAL)


def encode_quantification_report(
    context: ResultContext, segmentation: Dataset, *, predecessor: EarlierReport | None = None
) -> Dataset:
    """Encode what each segment of a segmentation measures.

    Anatomy has the figures of the reading. Findings are measured on the voxels of the
    segmentation itself, since it decides which of them are a segment of their own.

    Parameters
    ----------
    segmentation : of the same result, binary or label map; the only one that is referred to
    predecessor : the report of this form that is superseded

    Returns
    -------
    Preliminary and unverified. Its UIDs follow from those of the segmentation too, so that each
    form of a segmentation has a report of its own.
    """
    measured = segment_voxels(context, segmentation)
    groups = [
        _group(context, segmentation, segment, measured[int(segment.SegmentNumber)])
        for segment in segmentation.SegmentSequence
        if int(segment.SegmentNumber) in measured
    ]
    return encode_document(
        context,
        measurement_content(context, groups),
        series_and_equipment(
            context, EncodedKind.SR, ReportForm.MACHINE, str(segmentation.SOPInstanceUID)
        ),
        segmentation=segmentation,
        predecessor=predecessor,
    )


def _group(
    context: ResultContext, segmentation: Dataset, segment: Dataset, voxels: SegmentVoxels
) -> Group:
    measured = _group_of(context, segment)
    compared = measured is not None and measured.compared
    group = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(context, segment),
        referenced_segment=ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=int(segment.SegmentNumber),
            source_series=SourceSeriesForSegmentation(context.source.series_instance_uid),
        ),
        finding_category=_concept(segment.SegmentedPropertyCategoryCodeSequence[0]),
        finding_type=_concept(segment.SegmentedPropertyTypeCodeSequence[0]),
        finding_sites=_sites(segment),
        algorithm_id=algorithm_identification(context),
        measurements=bare(
            _measured(context, voxels) if measured is None else measured.measurements
        ),
        **time_point(context, compared=compared, numbered=True),
    )
    return with_earlier(context, group, compared=compared)


def _tracking(context: ResultContext, segment: Dataset) -> TrackingIdentifier:
    """As the segment is tracked; anatomy by its name, as in the report for viewers."""
    label = str(segment.SegmentLabel)
    return TrackingIdentifier(
        uid=str(segment.get("TrackingUID") or context.tracking_uid(label)),
        identifier=str(segment.get("TrackingID") or label),
    )


def _concept(item: Dataset) -> CodedConcept:
    return CodedConcept(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)


def _sites(segment: Dataset) -> list[FindingSite]:
    """Where the segment lies: its anatomic regions, or what it is itself."""
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence", ())
    regions = segment.get("AnatomicRegionSequence")
    if not regions:
        return [FindingSite(_concept(kind), laterality=_laterality(modifiers))]
    return [
        FindingSite(
            _concept(region),
            laterality=_laterality(region.get("AnatomicRegionModifierSequence", ()) or modifiers),
        )
        for region in regions
    ]


def _laterality(modifiers: Sequence[Dataset]) -> CodedConcept | None:
    known = {one.value for one in _LATERALITIES}
    found = [_concept(one) for one in modifiers if one.CodeValue in known]
    return found[0] if found else None


def _group_of(context: ResultContext, segment: Dataset) -> MeasurementGroup | None:
    """What the reading measured of the anatomy that a segment shows in full; None for findings.

    Where there are two groups of a name, the one for programs alone.
    """
    label = str(segment.SegmentLabel)
    named = [
        group
        for group in context.reading.groups
        if group.name == label and group.category == codes.ANATOMICAL_STRUCTURE
    ]
    return min(named, key=lambda one: one.anchor is not None, default=None)


def _measured(context: ResultContext, voxels: SegmentVoxels) -> tuple[Measurement, ...]:
    """Of the voxels themselves."""
    volume_ml = voxels.count * context.volume.voxel_ml
    return (
        Measurement(codes.VOLUME, volume_ml, codes.MILLILITRE, decimals=2),
        Measurement(codes.MEAN_ATTENUATION, voxels.mean_hu, codes.HOUNSFIELD_UNIT, decimals=1),
        Measurement(codes.SLICES_INVOLVED, voxels.slices, codes.SLICES),
    )
