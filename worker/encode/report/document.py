"""The parts that both reports share: observer, subject, and the document around them.

PS3.3 A.35.13 (Comprehensive 3D SR IOD), C.17.2 (SR Document General), PS3.16 TID 1500
(Measurement Report), TID 1204 (Language), TID 1004 (Device Observer Identifying Attributes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

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
from worker.encode.derived_object import EarlierReport, ResultContext, settle
from worker.encode.neutral_instance import neutral_instance
from worker.encode.report.group_parts import Group
from worker.encode.report.text import Line, report_lines


def encode_document(
    context: ResultContext,
    content: MeasurementReport,
    arguments: dict[str, Any],
    *,
    segmentation: Dataset | None = None,
    predecessor: EarlierReport | None = None,
) -> Dataset:
    """Put a document around its content.

    Preliminary and unverified: no person has looked at it (PS3.3 C.17.2.1).

    Parameters
    ----------
    arguments : as `series_and_equipment` gives them
    segmentation : of the same result; listed as evidence beside what was analysed (C.17.2.3)
    predecessor : the document that this one supersedes (Predecessor Documents, C.17.2.2)
    """
    evidence = [neutral_instance(context, instance) for instance in context.source.instances]
    report = Comprehensive3DSR(
        evidence=[
            *evidence,
            *([] if segmentation is None else [segmentation]),
            *_evidence_of_prior(context),
        ],
        content=_handed_over(content),
        is_complete=True,
        is_final=False,
        is_verified=False,
        previous_versions=None if predecessor is None else [_named(predecessor)],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        coding_schemes=[private_coding_scheme()],
        **arguments,
    )
    return settle(report, context)


class _HandedOver(ContainerContentItem):
    """The root of content that only one document is made of.

    highdicom makes a deep copy of it, to give it out again when asked: nobody asks, and the copy
    takes nearly half of the document's time.
    """

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


def _handed_over(content: MeasurementReport) -> Dataset:
    root: Dataset = content[0]
    root.__class__ = _HandedOver
    return root


def _evidence_of_prior(context: ResultContext) -> list[Dataset]:
    """The report of the earlier study, where it was compared with (Pertinent Other Evidence).

    That report alone: what we know of the earlier study is what it says.
    """
    comparison, report = context.reading.comparison, context.earlier_reports.prior
    if comparison is None or report is None:
        return []
    is_of_it = report.study_instance_uid == comparison.earlier.study_instance_uid
    return [_named(report)] if is_of_it else []


def _named(report: EarlierReport) -> Dataset:
    item = Dataset()
    item.SOPClassUID = Comprehensive3DSRStorage
    item.StudyInstanceUID = report.study_instance_uid
    item.SeriesInstanceUID = report.series_instance_uid
    item.SOPInstanceUID = report.sop_instance_uid
    return item


def measurement_content(context: ResultContext, groups: Sequence[Group]) -> MeasurementReport:
    """TID 1500: who observed, on which key image, the groups, and what is said in words."""
    report = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_observer(context)),
        procedure_reported=coded(context.reading.report.procedure),
        imaging_measurements=list(groups),
        title=coded(codes.IMAGING_MEASUREMENT_REPORT),
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(
            coded(codes.ENGLISH)
        ),
        referenced_images=[_library_image(context)],
    )
    report[0].ContentSequence.append(_in_words(report_lines(context)))
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


def _in_words(lines: Sequence[Line]) -> ContainerContentItem:
    """What a reader must know, as text (TID 1500 row 12 and below)."""
    container = ContainerContentItem(
        name=coded(codes.QUALITATIVE_EVALUATIONS), relationship_type="CONTAINS"
    )
    container.ContentSequence = ContentSequence(
        [
            TextContentItem(coded(name), plain_text(text), relationship_type="CONTAINS")
            for name, text in lines
        ]
    )
    return container


def _library_image(context: ResultContext) -> Dataset:
    """The key image, the only one that is described (TID 1600): each costs 4 kB.

    Of a multi-frame image no geometry is given, since its frames differ: highdicom describes
    that of cross-sectional modalities only.
    """
    source = context.source
    source_slice = source.slices[context.masks.key_slice]
    image = neutral_instance(context, source_slice)
    if source_slice.frame_number is not None:
        image.Modality = ""
        return image
    image.PixelSpacing = list(source.pixel_spacing_mm)
    image.SliceThickness = source.slice_thickness_mm
    image.ImagePositionPatient = list(source_slice.position_mm)
    image.ImageOrientationPatient = list(source.orientation)
    return image
