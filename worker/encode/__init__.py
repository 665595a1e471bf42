"""A reading as DICOM objects: segmentation, measurement report and key picture.

Pure: the same `ResultContext` gives the same bytes.
"""

from __future__ import annotations

from PIL import Image

from worker.encode.derived_object import (
    DISCLAIMER,
    EncodedObject,
    ObjectKind,
    PredecessorReport,
    ResultContext,
)
from worker.encode.measurement_report import encode_measurement_report
from worker.encode.overlay import encode_secondary_capture, render_key_picture
from worker.encode.quantification_report import encode_quantification_report
from worker.encode.segmentation import encode_segmentation
from worker.encode.shown_reading import ShownReading

__all__ = [
    "DISCLAIMER",
    "EncodedObject",
    "ObjectKind",
    "PredecessorReport",
    "ResultContext",
    "ShownReading",
    "encode_measurement_report",
    "encode_quantification_report",
    "encode_results",
    "encode_secondary_capture",
    "encode_segmentation",
    "render_key_picture",
]


def encode_results(
    context: ResultContext,
    *,
    picture: Image.Image | None = None,
    omit_empty_frames: bool = True,
) -> tuple[EncodedObject, ...]:
    """Encode everything that a reading sends to PACS.

    Findings give segmentation, report and picture; no findings and "not assessable" give report
    and picture; without lungs there is nothing that could be shown.

    Parameters
    ----------
    picture : as `render_key_picture` drew it, if the caller has it already
    omit_empty_frames : see `encode_segmentation`

    Returns
    -------
    In the order in which they are to be sent: what the report names as evidence comes before it.
    """
    if not context.has_lungs:
        return ()
    segmentation = encode_segmentation(context, omit_empty_frames=omit_empty_frames)
    report = encode_measurement_report(context, segmentation=segmentation)
    capture = encode_secondary_capture(
        context, render_key_picture(context) if picture is None else picture
    )
    made = ((ObjectKind.SEG, segmentation), (ObjectKind.SR, report), (ObjectKind.SC, capture))
    return tuple(EncodedObject(kind, dataset) for kind, dataset in made if dataset is not None)
