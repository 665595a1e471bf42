"""The rule of a bundle about the series that it accepts, as a row of the selection's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.catalogue import UsableBundle, reads_chests
from radiology.image.series import SeriesHeader
from worker.series.candidate import Candidate, SelectionLimits
from worker.series.rules import REFUSALS, Objection, Refusal

_BODY_PART: Final = "BodyPartExamined"
_OF_ANOTHER_KIND: Final = {"modality", "sop_class", "localizer", "screen", "colour", "body_part"}
_KINDS: Final = ("Modality", _BODY_PART, "ImageType")


def refusals_of(bundle: UsableBundle) -> tuple[Refusal, ...]:
    """All that refuses a series where this bundle is to read it.

    A bundle of schema 3 says itself which part of the body it reads, and how much of it
    (`[accepts]` and the gate "least-length"). One that is read as a chest may leave both unsaid.
    """
    general = not reads_chests(bundle)
    stated = any(criterion.keyword == _BODY_PART for criterion in bundle.criteria)
    unneeded = {"body_part": general or stated, "coverage": general}
    rules = [rule for rule in REFUSALS if not unneeded.get(rule.name, False)]
    return (*rules, bundle_refusal(bundle))


def applies(bundle: UsableBundle, series: Sequence[SeriesHeader]) -> bool:
    """Whether any series is of the kind that a bundle reads, readable or not.

    A head CT with a gap is a head CT: the bundle for heads applies, and its answer is that it
    cannot read it. It does not apply to a study whose series are all of another kind. Without any
    series the kind is not known, and the bundle has to say that there is nothing to read.
    """
    kinds = [one for one in refusals_of(bundle) if one.name in _OF_ANOTHER_KIND]
    stated = [one for one in bundle.criteria if one.keyword in _KINDS]
    limits = SelectionLimits()

    def is_of_its_kind(seen: SeriesHeader) -> bool:
        candidate, header = Candidate.of(seen), series_keywords(seen)
        return all(rule.judge(candidate, limits) is None for rule in kinds) and all(
            criterion.refusal(header) is None for criterion in stated
        )

    return not series or any(is_of_its_kind(one) for one in series)


def bundle_refusal(bundle: UsableBundle) -> Refusal:
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
    agents = sorted({one.contrast_bolus_agent.strip() for one in series.instances} - {""})
    stated: dict[str, object] = {
        "Modality": series.modality,
        "BodyPartExamined": series.body_part_examined,
        "ImageType": image_types,
        "NumberOfSeriesRelatedInstances": series.frame_count,
        "SliceThickness": max(thickness, default=None),
        "SpacingBetweenSlices": max(between, default=None),
        "ContrastBolusAgent": agents,
    }
    return {keyword: value for keyword, value in stated.items() if value not in (None, "", [])}
