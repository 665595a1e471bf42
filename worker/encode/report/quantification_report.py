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
from radiology.chest.change import Change
from radiology.chest.figures import LungFigures, Side
from worker.encode.derived_object import (
    EarlierReport,
    ObjectKind,
    ReportForm,
    ResultContext,
    series_and_equipment,
)
from worker.encode.figures import (
    Figure,
    attenuation_figure,
    change_figures,
    percent_figure,
    volume_figure,
)
from worker.encode.report.document import encode_document, measurement_content
from worker.encode.report.group_parts import Group, algorithm_identification, bare
from worker.encode.report.territory_groups import (
    territory_change,
    territory_figures,
    territory_name,
)
from worker.encode.report.time_points import time_point, with_earlier
from worker.encode.segmentation.voxels import SegmentVoxels, segment_voxels

_LUNGS = {"Right lung": Side.RIGHT, "Left lung": Side.LEFT}  # by Segment Label
_LATERALITIES = (codes.RIGHT, codes.LEFT, codes.BILATERAL)


def encode_quantification_report(
    context: ResultContext, segmentation: Dataset, *, predecessor: EarlierReport | None = None
) -> Dataset:
    """Encode what each segment of a segmentation measures.

    Lungs and lobes have the figures of the reading. Lesions are measured on the voxels of the
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
            context, ObjectKind.SR, ReportForm.MACHINE, str(segmentation.SOPInstanceUID)
        ),
        segmentation=segmentation,
        predecessor=predecessor,
    )


def _group(
    context: ResultContext, segmentation: Dataset, segment: Dataset, voxels: SegmentVoxels
) -> Group:
    change = _change(context, segment)
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
        measurements=bare(_figures(context, segment, voxels)),
        **time_point(context, change, numbered=True),
    )
    return with_earlier(context, group, change)


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


def _change(context: ResultContext, segment: Dataset) -> Change | None:
    """What changed in a lung or a lobe, where it was compared."""
    label = str(segment.SegmentLabel)
    for territory in context.territories:
        if territory_name(territory.territory) == label:
            return territory_change(context, territory.territory)
    side = _LUNGS.get(label)
    return None if context.prior is None or side is None else context.prior.lungs.get(side)


def _figures(context: ResultContext, segment: Dataset, voxels: SegmentVoxels) -> list[Figure]:
    """The reading's figures of a lung or a lobe; else those of the voxels themselves."""
    reading, label = context.reading, str(segment.SegmentLabel)
    for territory in context.territories:
        if territory_name(territory.territory) == label:
            return territory_figures(context, territory)
    side = _LUNGS.get(label)
    if side is not None and side in reading.figures:
        return _lung_figures(context, reading.figures[side])
    return [
        volume_figure(codes.VOLUME, voxels.count * context.volume.voxel_ml),
        attenuation_figure(voxels.mean_hu),
        Figure(codes.SLICES_INVOLVED, voxels.slices, codes.SLICES),
    ]


def _lung_figures(context: ResultContext, figures: LungFigures) -> list[Figure]:
    found = [
        volume_figure(codes.VOLUME, figures.lung_volume_ml),
        volume_figure(codes.LESION_VOLUME, figures.lesion_volume_ml),
        percent_figure(codes.LESION_SHARE, figures.lesion_share_percent),
    ]
    if figures.lesion_mean_hu is not None:
        mean_hu = round(figures.lesion_mean_hu, 1)
        found += [
            Figure(codes.LESION_ATTENUATION, mean_hu, codes.HOUNSFIELD_UNIT),
            volume_figure(codes.GROUND_GLASS_VOLUME, figures.ground_glass_ml),
            volume_figure(codes.CONSOLIDATION_VOLUME, figures.consolidation_ml),
        ]
    if context.prior is not None:
        found += change_figures(context.prior.lungs.get(figures.side))
    return found
