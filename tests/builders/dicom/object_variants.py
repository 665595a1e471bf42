"""Our objects changed in one thing each, to see what a viewer makes of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from highdicom.seg import Segmentation
from pydicom import Dataset, dcmread
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from radiology.encoding_profile import SegmentScope
from radiology.identity import derived_uid
from tests.builders.chest.analysed_phantom import AnalysedStudy
from worker.encode import EncodedKind, SegmentationVariant, encode_segmentation

Variant = Callable[[AnalysedStudy], Dataset]

_GROUP, _REGION, _SEGMENT = "125007", "111030", "121191"


def report_as_sent(study: AnalysedStudy) -> Dataset:
    """TID 1411 groups with outlines, TID 1501 groups whose figures are inferred from a point."""
    return _reread(study.object(EncodedKind.SR))


def report_with_segments(study: AnalysedStudy) -> Dataset:
    """Every group refers to its segment, and none to a place on a slice."""
    report = report_as_sent(study)
    segmentation = study.object(EncodedKind.SEG)
    for group in _groups(report):
        kept = [one for one in group.ContentSequence if _code(one) != _REGION]
        for one in kept:
            if one.ValueType == "NUM" and "ContentSequence" in one:
                del one.ContentSequence
        group.ContentSequence = [*kept, _segment_item(segmentation)]
    return report


def report_with_another_title(study: AnalysedStudy) -> Dataset:
    """The same content under Oncology Measurement Report, a title that OHIF does not know."""
    report = report_with_segments(study)
    title = Code("126001", "DCM", "Oncology Measurement Report")
    report.ConceptNameCodeSequence[0].CodeValue = title.value
    report.ConceptNameCodeSequence[0].CodeMeaning = title.meaning
    return report


def report_with_one_bare_group(study: AnalysedStudy) -> Dataset:
    """As sent, and one more group, the last, whose figures have no place."""
    report = report_as_sent(study)
    (measurements,) = (one for one in report.ContentSequence if _code(one) == "126010")
    bare = deepcopy(next(_groups(report)))
    for one in bare.ContentSequence:
        if one.ValueType == "UIDREF":
            one.UID = derived_uid("another group", one.UID)
        if one.ValueType == "NUM" and "ContentSequence" in one:
            del one.ContentSequence
    measurements.ContentSequence.append(bare)
    return report


def report_in_words(study: AnalysedStudy) -> Dataset:
    """The answer alone, as codes: no figure."""
    report = report_as_sent(study)
    (measurements,) = (one for one in report.ContentSequence if _code(one) == "126010")
    answer = next(_groups(report))
    answer.ContentSequence = [one for one in answer.ContentSequence if one.ValueType != "NUM"]
    measurements.ContentSequence = [answer]
    return report


def segmentation_as_sent(study: AnalysedStudy) -> Dataset:
    """BINARY, frames without a pixel left out."""
    return _reread(study.object(EncodedKind.SEG))


def segmentation_with_every_frame(study: AnalysedStudy) -> Dataset:
    """BINARY, a frame for every slice and segment."""
    encoded = encode_segmentation(study.context, SegmentationVariant(omit_empty_frames=False))
    assert encoded is not None
    return _reread(encoded)


def segmentation_with_lungs(study: AnalysedStudy) -> Dataset:
    """BINARY, lungs too: segments that overlap."""
    encoded = encode_segmentation(study.context, SegmentationVariant(scope=SegmentScope.ANATOMY))
    assert encoded is not None
    return _reread(encoded)


def segmentation_as_label_map(study: AnalysedStudy) -> Dataset:
    """LABELMAP, uncompressed."""
    return _lesions(study, "LABELMAP", transfer_syntax_uid=ExplicitVRLittleEndian)


def segmentation_as_compressed_label_map(study: AnalysedStudy) -> Dataset:
    """LABELMAP, RLE."""
    return _lesions(study, "LABELMAP", transfer_syntax_uid=RLELossless)


def segmentation_of_probabilities(study: AnalysedStudy) -> Dataset:
    """FRACTIONAL, the first lesion class alone."""
    return _lesions(study, "FRACTIONAL")


def renamed(dataset: Dataset, name: str) -> Dataset:
    """A series and an instance of its own, found by its Series Description."""
    dataset.SeriesDescription = name
    dataset.SeriesInstanceUID = derived_uid("variant series", dataset.SeriesInstanceUID, name)
    dataset.SOPInstanceUID = derived_uid("variant", dataset.SOPInstanceUID, name)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def _lesions(study: AnalysedStudy, kind: str, **options: Any) -> Dataset:
    sent = study.object(EncodedKind.SEG)
    descriptions = Segmentation.from_dataset(sent).SegmentSequence
    labels = study.context.regions.lesions
    if kind == "FRACTIONAL":
        descriptions, labels = descriptions[:1], 0.7 * (labels == 1)
        options["fractional_type"] = "PROBABILITY"
    for number, one in enumerate(descriptions, start=1):
        one.SegmentNumber = number
    return Segmentation(
        source_images=study.context.headers,
        pixel_array=np.asarray(labels),
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=sent.SeriesInstanceUID,
        series_number=1,
        sop_instance_uid=sent.SOPInstanceUID,
        instance_number=1,
        manufacturer="Firstread",
        manufacturer_model_name="variant",
        software_versions="1",
        device_serial_number="1",
        **options,
    )


def _reread(dataset: Dataset) -> Dataset:
    """As PACS gives it back: plain items, without the checks of highdicom's classes."""
    content = io.BytesIO()
    dataset.save_as(content, enforce_file_format=True)
    content.seek(0)
    return dcmread(content)


def _groups(report: Dataset) -> Iterator[Dataset]:
    for container in report.ContentSequence:
        for one in container.get("ContentSequence", []):
            if _code(one) == _GROUP:
                yield one


def _code(item: Dataset) -> str:
    if "ConceptNameCodeSequence" not in item:
        return ""
    return str(item.ConceptNameCodeSequence[0].get("CodeValue", ""))


def _segment_item(segmentation: Dataset) -> Dataset:
    """Referenced Segment (PS3.16 TID 1411 row 7), an IMAGE content item."""
    name, reference, item = Dataset(), Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator = _SEGMENT, "DCM"
    name.CodeMeaning = "Referenced Segment"
    reference.ReferencedSOPClassUID = segmentation.SOPClassUID
    reference.ReferencedSOPInstanceUID = segmentation.SOPInstanceUID
    reference.ReferencedSegmentNumber = 1
    item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
    item.ConceptNameCodeSequence, item.ReferencedSOPSequence = [name], [reference]
    return item
