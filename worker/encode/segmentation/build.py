"""Segmentation: lesions, and anatomy on request, on the frames of the source.

PS3.3 A.51 (Segmentation IOD), C.8.20.2 (Segmentation Image Module), C.7.6.16 (Multi-frame
Functional Groups), and DICOM Supplement 243 (label maps). Type BINARY or LABELMAP: FRACTIONAL is
not shown by every viewer.

highdicom lays out the functional groups from a stand-in of one pixel per slice and segment; the
real pixels are packed or compressed afterwards. With the real masks a BINARY one would need one
array with an axis for the segments (which overlap), 1.1 GB and six times as
long for 300 slices of 512 × 512.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from itertools import islice

import numpy as np
from highdicom import (
    AlgorithmIdentificationSequence,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
)
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import JPEGLSLosslessEncoder, RLELosslessEncoder
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from radiology import codes
from radiology.encoding_profile import SegmentationForm, SegmentScope
from radiology.region import LabelMap, Mask
from worker.encode.coded_concepts import coded
from worker.encode.derived_object import (
    DISCLAIMER,
    EncodedKind,
    ResultContext,
    series_and_equipment,
    series_description,
    settle,
)
from worker.encode.neutral_instance import neutral_instance
from worker.encode.recipes import SegmentationVariant
from worker.encode.segmentation.plan import (
    PlannedSegment,
    labelled_frames,
    plan_segments,
)
from worker.encode.source_study import SourceSlice


def encode_segmentation(
    context: ResultContext, variant: SegmentationVariant | None = None
) -> Dataset | None:
    """Encode the regions of a reading with findings.

    Parameters
    ----------
    variant : form, scope and frames; None for the default

    Returns
    -------
    None when there is nothing to show: no findings, or no voxel of one. Anatomy alone is not sent.
    """
    if not context.masks.has_outlined_findings:
        return None
    variant = variant or SegmentationVariant()
    segments = plan_segments(context, variant)
    laid_out = _lay_out(context, segments, variant)
    frames = [_frame(item, laid_out) for item in laid_out.PerFrameFunctionalGroupsSequence]
    _refer_to_source(laid_out, context, frames)
    laid_out.Rows, laid_out.Columns = context.volume.shape[1:]
    laid_out.ContentCreatorName = ""  # type 2 (PS3.3 Section 10.9); highdicom leaves it out
    if variant.form.is_labelmap:
        laid_out.SegmentsOverlap = "NO"
        _compress(laid_out, labelled_frames(segments, [index for _, index in frames]), variant.form)
    else:
        overlap = any(one.tracking is None for one in segments)  # lesions lie in organs
        laid_out.SegmentsOverlap = "YES" if overlap else "NO"
        laid_out.PixelData = _packed(segments[number - 1].mask(index) for number, index in frames)
    return settle(laid_out, context)


def _lay_out(
    context: ResultContext, segments: Sequence[PlannedSegment], variant: SegmentationVariant
) -> Segmentation:
    """A complete object with frames of a single pixel."""
    held = np.stack([one.areas > 0 for one in segments], axis=-1)[:, np.newaxis, np.newaxis, :]
    is_labelmap = variant.form.is_labelmap
    source = context.source
    laid_out = Segmentation(
        source_images=_stand_ins(context),
        pixel_array=held.max(axis=-1).astype(np.uint8) if is_labelmap else held,
        segmentation_type="LABELMAP" if is_labelmap else "BINARY",
        segment_descriptions=[_description(context, segment) for segment in segments],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=PixelMeasuresSequence(
            pixel_spacing=source.pixel_spacing_mm, slice_thickness=source.slice_thickness_mm
        ),
        plane_orientation=PlaneOrientationSequence("PATIENT", source.orientation),
        omit_empty_frames=variant.omit_empty_frames,
        content_label=context.reading.report.content_label,
        content_description=DISCLAIMER,
        **series_and_equipment(
            context, EncodedKind.SEG, variant.word, f"tracked {context.most_tracked_lesions}"
        ),
    )
    laid_out.SeriesDescription = _series_description(context, variant.scope)
    organisation = context.uid("dimension organization")
    laid_out.DimensionOrganizationSequence[0].DimensionOrganizationUID = organisation
    for index in laid_out.DimensionIndexSequence:
        index.DimensionOrganizationUID = organisation
    return laid_out


def _series_description(context: ResultContext, scope: SegmentScope) -> str:
    """What is segmented: "AI lungs, lobes and lesions (Firstread)"."""
    anatomy = [plural for _, plural in context.reading.report.anatomy]
    shown = {
        SegmentScope.LESIONS: [],
        SegmentScope.ANATOMY: anatomy[:1],
        SegmentScope.ALL: anatomy,
    }[scope]
    beside = f"{', '.join(shown)} and " if shown else ""
    return series_description(context, f"AI {beside}lesions")


def _description(context: ResultContext, segment: PlannedSegment) -> SegmentDescription:
    """One item of the Segment Sequence (PS3.3 C.8.20.2 and Section 10.17)."""
    algorithm, tracking = context.algorithm, segment.tracking
    description = SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label,
        segmented_property_category=coded(segment.category),
        segmented_property_type=coded(segment.kind),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=algorithm.name,
            family=coded(codes.ARTIFICIAL_INTELLIGENCE),
            version=algorithm.version,
            source=algorithm.manufacturer,
            parameters={"sha256": algorithm.bundle_digest},
        ),
        tracking_id=tracking.identifier if tracking else None,
        tracking_uid=tracking.uid if tracking else None,
        anatomic_regions=None if segment.anatomy is None else [coded(segment.anatomy)],
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
    if segment.description:
        description.SegmentDescription = segment.description
    if segment.laterality is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [coded(segment.laterality)]
    return description


def _stand_ins(context: ResultContext) -> list[Dataset]:
    """One-pixel CT images at the places of the slices.

    Each is named after its slice, so that `_frame` finds it again. Single-frame whatever the
    source is: highdicom asks more of multi-frame sources than Enhanced CT guarantees.
    """
    source, stand_ins = context.source, []
    for index, source_slice in enumerate(source.slices):
        stand_in = neutral_instance(context, source_slice)
        stand_in.SOPClassUID = CTImageStorage
        stand_in.SOPInstanceUID = f"{_STAND_IN_ROOT}{index}"
        stand_in.Rows = stand_in.Columns = 1
        stand_in.ImagePositionPatient = list(source_slice.position_mm)
        stand_in.ImageOrientationPatient = list(source.orientation)
        stand_in.PixelSpacing = list(source.pixel_spacing_mm)
        stand_in.SliceThickness = source.slice_thickness_mm
        stand_in.PositionReferenceIndicator = source.position_reference_indicator
        for element in source.lossy:
            stand_in.add(deepcopy(element))
        stand_ins.append(stand_in)
    return stand_ins


_STAND_IN_ROOT = "2.25."


def _source_item(frame_groups: Dataset) -> Dataset:
    item: Dataset = frame_groups.DerivationImageSequence[0].SourceImageSequence[0]
    return item


def _frame(frame_groups: Dataset, laid_out: Dataset) -> tuple[int, int]:
    """Segment number, 0 for a frame of a label map, and slice index."""
    shared, number = laid_out.SharedFunctionalGroupsSequence[0], 0
    holder = frame_groups if "SegmentIdentificationSequence" in frame_groups else shared
    if "SegmentIdentificationSequence" in holder:
        number = int(holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
    stand_in_uid = str(_source_item(frame_groups).ReferencedSOPInstanceUID)
    return number, int(stand_in_uid.removeprefix(_STAND_IN_ROOT))


def _refer_to_source(
    laid_out: Dataset, context: ResultContext, frames: Sequence[tuple[int, int]]
) -> None:
    """Put the source instances and their frames in place of the stand-ins.

    PS3.3 C.7.6.16.2.6 (Derivation Image), C.12.2 (Common Instance Reference): OHIF drops a
    segmentation without Referenced Series Sequence.
    """
    slices, groups = context.source.slices, laid_out.PerFrameFunctionalGroupsSequence
    for frame_groups, (_, index) in zip(groups, frames, strict=True):
        item, source_slice = _source_item(frame_groups), slices[index]
        item.ReferencedSOPClassUID = source_slice.sop_class_uid
        item.ReferencedSOPInstanceUID = source_slice.sop_instance_uid
        if source_slice.frame_number is not None:
            item.ReferencedFrameNumber = source_slice.frame_number
    references = [_reference(instance) for instance in context.source.instances]
    laid_out.SourceImageSequence = references
    series = laid_out.ReferencedSeriesSequence[0]
    series.ReferencedInstanceSequence = [
        _reference(instance) for instance in context.source.instances
    ]


def _reference(instance: SourceSlice) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = instance.sop_class_uid
    item.ReferencedSOPInstanceUID = instance.sop_instance_uid
    return item


def _packed(frames: Iterator[Mask]) -> bytes:
    """Pixels as bits, first pixel in the lowest bit, frames without gaps (PS3.5 Section 8.1.1).

    Eight frames at a time: they fill whole bytes whatever their size.
    """
    packed = bytearray()
    while block := list(islice(frames, 8)):
        packed += np.packbits(np.stack(block).ravel(), bitorder="little").tobytes()
    return bytes(packed) + b"\0" * (len(packed) % 2)


def _compress(laid_out: Dataset, frames: Iterable[LabelMap], form: SegmentationForm) -> None:
    """Put in the frames of a label map, each compressed by itself (PS3.5 Annex A.4)."""
    encoder, plugin = _ENCODERS[form]
    laid_out.PixelData = encapsulate(
        [
            encoder.encode(
                np.ascontiguousarray(frame),
                encoding_plugin=plugin,
                rows=laid_out.Rows,
                columns=laid_out.Columns,
                number_of_frames=1,
                samples_per_pixel=1,
                bits_allocated=8,
                bits_stored=8,
                pixel_representation=0,
                photometric_interpretation="MONOCHROME2",
            )
            for frame in frames
        ]
    )
    laid_out["PixelData"].VR = "OB"
    laid_out["PixelData"].is_undefined_length = True
    laid_out.file_meta.TransferSyntaxUID = encoder.UID


# The plugin is named: GDCM's RLE encoder, which pydicom would try first, aborts the process.
_ENCODERS = {
    SegmentationForm.LABELMAP_RLE: (RLELosslessEncoder, "pydicom"),
    SegmentationForm.LABELMAP_JPEG_LS: (JPEGLSLosslessEncoder, "pyjpegls"),
}
