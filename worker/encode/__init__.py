"""A reading as DICOM objects: segmentation, reports, key picture and summary.

Pure: the same `ResultContext` gives the same bytes.
"""

from __future__ import annotations

from worker.encode.derived_object import (
    DISCLAIMER,
    EarlierReport,
    EarlierReports,
    EncodedKind,
    EncodedObject,
    ResultContext,
)
from worker.encode.picture.key_picture import encode_secondary_capture, render_key_picture
from worker.encode.proof import prove_note, prove_objects
from worker.encode.recipes import Recipe, SegmentationVariant, united
from worker.encode.report.measurement_report import encode_measurement_report
from worker.encode.report.quantification_report import encode_quantification_report
from worker.encode.results import encode_results, plan_results
from worker.encode.segmentation.build import encode_segmentation
from worker.encode.shown_reading import ShownReading

__all__ = [
    "DISCLAIMER",
    "EarlierReport",
    "EarlierReports",
    "EncodedKind",
    "EncodedObject",
    "Recipe",
    "ResultContext",
    "SegmentationVariant",
    "ShownReading",
    "encode_measurement_report",
    "encode_quantification_report",
    "encode_results",
    "encode_secondary_capture",
    "encode_segmentation",
    "plan_results",
    "prove_note",
    "prove_objects",
    "render_key_picture",
    "united",
]
