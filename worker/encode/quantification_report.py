"""Quantification report: a group for each segment, for programs that compute with the voxels.

PS3.16 TID 1500 (Measurement Report) with TID 1411 (Volumetric ROI Measurements) groups, each of
which refers to a segment. 3D Slicer reads it where it refers to one segmentation only. OHIF 3.13
shows a black viewport for it, so it stands in a series of its own and goes only where it is asked
for.
"""

from __future__ import annotations

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    LanguageOfContentItemAndDescendants,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from radiology import codes
from radiology.codes import Code
from worker.encode.coded_concepts import coded, private_coding_scheme
from worker.encode.derived_object import (
    ObjectKind,
    ReportForm,
    ResultContext,
    neutral_instance,
    series_and_equipment,
    settle,
)
from worker.encode.segmentation_frames import voxels_by_segment


def encode_quantification_report(context: ResultContext, segmentation: Dataset) -> Dataset:
    """Encode the volume of each segment.

    Parameters
    ----------
    segmentation : of the same result, in any form
    """
    source = [neutral_instance(context, instance) for instance in context.source.instances]
    report = Comprehensive3DSR(
        evidence=[*source, segmentation],
        content=_content(context, segmentation),
        is_complete=True,
        is_final=False,
        is_verified=False,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        coding_schemes=[private_coding_scheme()],
        **series_and_equipment(
            context, ObjectKind.SR, ReportForm.MACHINE, str(segmentation.SOPInstanceUID)
        ),
    )
    return settle(report, context)


def _content(context: ResultContext, segmentation: Dataset) -> MeasurementReport:
    algorithm, voxels = context.algorithm, voxels_by_segment(segmentation)
    observer = ObserverContext(
        observer_type=coded(codes.DEVICE),
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=context.device_uid,
            name="Firstread",
            manufacturer_name=algorithm.manufacturer,
            model_name=algorithm.label,
            serial_number=context.device_serial_number,
        ),
    )
    return MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=coded(codes.CT_CHEST),
        imaging_measurements=[
            _group(context, segmentation, item, voxels[int(item.SegmentNumber)])
            for item in segmentation.SegmentSequence
            if int(item.SegmentNumber) > 0  # 0 is the background of a label map
        ],
        title=coded(codes.IMAGING_MEASUREMENT_REPORT),
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            coded(codes.ENGLISH)
        ),
    )


def _group(
    context: ResultContext, segmentation: Dataset, item: Dataset, voxels: int
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    label = str(item.SegmentLabel)
    volume_ml = round(voxels * context.volume.voxel_ml, 2)
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=item.get("TrackingUID") or context.tracking_uid(label),
            identifier=item.get("TrackingID") or label,
        ),
        referenced_segment=ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=int(item.SegmentNumber),
            source_series=SourceSeriesForSegmentation(context.source.series_instance_uid),
        ),
        finding_category=_code(item.SegmentedPropertyCategoryCodeSequence[0]),
        finding_type=_code(item.SegmentedPropertyTypeCodeSequence[0]),
        finding_sites=[FindingSite(anatomic_location=coded(codes.LUNG))],
        algorithm_id=AlgorithmIdentification(
            name=context.algorithm.name, version=context.algorithm.version
        ),
        measurements=[Measurement(coded(codes.VOLUME), volume_ml, coded(codes.MILLILITRE))],
    )


def _code(item: Dataset) -> CodedConcept:
    return coded(Code(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning))
