"""Measurement report: the answer and its figures as a structured report that viewers show.

PS3.3 A.35.13 (Comprehensive 3D SR IOD), C.17.2 (SR Document General), PS3.16 TID 1500
(Measurement Report). The root title is (126000, DCM): OHIF reads measurements from no other.
"""

from __future__ import annotations

from highdicom.sr import (
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    TextContentItem,
)
from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian

from radiology import codes
from worker.encode.coded_concepts import coded, plain_text, private_coding_scheme
from worker.encode.derived_object import (
    DISCLAIMER,
    ObjectKind,
    ReportForm,
    ResultContext,
    neutral_instance,
    series_and_equipment,
    settle,
)
from worker.encode.key_slices import key_slice
from worker.encode.measurement_groups import measurement_groups


def encode_measurement_report(
    context: ResultContext, *, segmentation: Dataset | None = None
) -> Dataset | None:
    """Encode the answer of a reading and the figures behind it.

    Preliminary and unverified: no person has looked at it (PS3.3 C.17.2.1).

    Parameters
    ----------
    segmentation : of the same result; listed as evidence

    Returns
    -------
    None when no lungs were found: there is no place in the images to point at.
    """
    if not context.has_lungs:
        return None
    named = () if segmentation is None else (str(segmentation.SOPInstanceUID),)
    report = Comprehensive3DSR(
        evidence=_evidence(context, segmentation),
        content=_content(context),
        is_complete=True,
        is_final=False,
        is_verified=False,
        previous_versions=_predecessors(context),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        coding_schemes=[private_coding_scheme()],
        **series_and_equipment(context, ObjectKind.SR, ReportForm.VIEWER, *named),
    )
    return settle(report, context)


def _content(context: ResultContext) -> MeasurementReport:
    """TID 1500: who observed, on which key image, the groups, and what is said in words."""
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(context)),
        procedure_reported=coded(codes.CT_CHEST),
        imaging_measurements=measurement_groups(context),
        title=coded(codes.IMAGING_MEASUREMENT_REPORT),
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            coded(codes.ENGLISH)
        ),
        referenced_images=[_library_image(context)],
    )
    report[0].ContentSequence.append(_comments(context))
    return report


def _observer(context: ResultContext) -> ObserverContext:
    """The device that observed (TID 1004)."""
    algorithm = context.algorithm
    return ObserverContext(
        observer_type=coded(codes.DEVICE),
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=context.device_uid,
            name="Firstread",
            manufacturer_name=algorithm.manufacturer,
            model_name=algorithm.label,
            serial_number=context.device_serial_number,
        ),
    )


def _comments(context: ResultContext) -> ContainerContentItem:
    """What a reader must know, as text (TID 1500 row 12 and below)."""
    container = ContainerContentItem(
        name=coded(codes.QUALITATIVE_EVALUATIONS), relationship_type="CONTAINS"
    )
    container.ContentSequence = ContentSequence(
        [
            TextContentItem(coded(codes.COMMENT), plain_text(line), relationship_type="CONTAINS")
            for line in comment_lines(context)
        ]
    )
    return container


def comment_lines(context: ResultContext) -> list[str]:
    """The answer in words: urgency and its rule, or why there is none, and the disclaimer."""
    reading, triage = context.reading, context.triage
    if triage is not None:
        return [DISCLAIMER, f"Urgency: {triage.urgency.value} ({triage.rule})"]
    return [
        DISCLAIMER,
        "NOT ASSESSABLE: this study was not cleared by the algorithm; read it as if it had "
        "not been analysed",
        *(
            f"{gate.name}: {gate.reason or 'failed'} (seen {gate.seen}, needed {gate.limit})"
            for gate in reading.failed_gates
        ),
    ]


def _library_image(context: ResultContext) -> Dataset:
    """The key image, the only one that is described (TID 1600): each costs 4 kB.

    Of a multi-frame image no geometry is given, since its frames differ: highdicom describes
    that of cross-sectional modalities only.
    """
    source = context.source
    source_slice = source.slices[key_slice(context)]
    image = neutral_instance(context, source_slice)
    if source_slice.frame_number is not None:
        image.Modality = ""
        return image
    image.PixelSpacing = list(source.pixel_spacing_mm)
    image.SliceThickness = source.slice_thickness_mm
    image.ImagePositionPatient = list(source_slice.position_mm)
    image.ImageOrientationPatient = list(source.orientation)
    return image


def _evidence(context: ResultContext, segmentation: Dataset | None) -> list[Dataset]:
    """All instances that were analysed, and the segmentation (PS3.3 C.17.2.3)."""
    evidence = [neutral_instance(context, instance) for instance in context.source.instances]
    return evidence if segmentation is None else [*evidence, segmentation]


def _predecessors(context: ResultContext) -> list[Dataset] | None:
    """The report that this one supersedes (PS3.3 C.17.2.2)."""
    previous = context.predecessor
    if previous is None:
        return None
    item = Dataset()
    item.SOPClassUID = Comprehensive3DSRStorage
    item.StudyInstanceUID = previous.study_instance_uid
    item.SeriesInstanceUID = previous.series_instance_uid
    item.SOPInstanceUID = previous.sop_instance_uid
    return [item]
