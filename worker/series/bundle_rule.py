"""What a bundle says about the series that it accepts, as one more row of the selection's table."""

from __future__ import annotations

from models.bundle import Bundle
from radiology.image.series import SeriesHeader
from worker.series.candidate import Candidate, SelectionLimits
from worker.series.rules import Objection, Refusal


def bundle_refusal(bundle: Bundle) -> Refusal:
    """The rule that a series must be one that this bundle accepts."""

    def test(candidate: Candidate, _: SelectionLimits) -> Objection | None:
        reasons = bundle.series_refusals(series_keywords(candidate.series))
        if not reasons:
            return None
        return Objection(
            seen="",
            limit=f"{bundle.name} {bundle.version}",
            reason="The model does not accept it: " + "; ".join(reasons),
        )

    return Refusal("accepted by the model", test)


def series_keywords(series: SeriesHeader) -> dict[str, object]:
    """The series as DICOM keywords, for a bundle's comparisons.

    Where slices differ the largest distance stands for all: it is the one that may be too large.
    Keywords without a value are left out.
    """
    frames = [frame for _, frame in series.frames]
    thickness = [frame.slice_thickness for frame in frames if frame.slice_thickness is not None]
    between = [
        frame.spacing_between_slices for frame in frames if frame.spacing_between_slices is not None
    ]
    image_types = sorted({word for frame in frames for word in frame.image_type})
    stated: dict[str, object] = {
        "Modality": series.modality,
        "BodyPartExamined": series.body_part_examined,
        "ImageType": image_types,
        "NumberOfSeriesRelatedInstances": series.frame_count,
        "SliceThickness": max(thickness, default=None),
        "SpacingBetweenSlices": max(between, default=None),
    }
    return {keyword: value for keyword, value in stated.items() if value not in (None, "", [])}
