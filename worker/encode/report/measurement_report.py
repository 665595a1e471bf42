"""Measurement report: the answer and its figures as a structured report that viewers show.

PS3.3 A.35.13 (Comprehensive 3D SR IOD), PS3.16 TID 1500 (Measurement Report). The root title is
(126000, DCM): OHIF reads measurements from no other.
"""

from __future__ import annotations

from pydicom import Dataset

from worker.encode.derived_object import (
    EncodedKind,
    ReportForm,
    ResultContext,
    series_and_equipment,
)
from worker.encode.report.document import encode_document, measurement_content
from worker.encode.report.measurement_groups import measurement_groups


def encode_measurement_report(
    context: ResultContext, *, segmentation: Dataset | None = None
) -> Dataset | None:
    """Encode the answer of a reading and the figures behind it.

    Parameters
    ----------
    segmentation : of the same result; listed as evidence

    Returns
    -------
    None where there is nothing to show, or neither a place to point at nor a measurement.
    """
    groups = measurement_groups(context) if context.can_be_shown else []
    if not groups:
        return None
    named = () if segmentation is None else (str(segmentation.SOPInstanceUID),)
    return encode_document(
        context,
        measurement_content(context, groups),
        series_and_equipment(context, EncodedKind.SR, ReportForm.VIEWER, *named),
        segmentation=segmentation,
        predecessor=context.earlier_reports.predecessor,
    )
