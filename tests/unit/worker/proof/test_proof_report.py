"""Proof of a report: a reader is led to the right place, or the result does not leave."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset

from radiology.encoding_profile import EncodingChoice, EncodingProfile
from radiology.errors import ResultMismatch
from tests.unit.worker.encode.encoded_chest import Chest, result_context
from tests.unit.worker.proof.test_proof import made_of, prove


def drawings(report: Dataset, graphic: str) -> list[Dataset]:
    return [
        item
        for element in report.iterall()
        if element.keyword == "ContentSequence"
        for item in element.value
        if item.get("GraphicType") == graphic
    ]


def moved(report: Dataset, graphic: str, right: float, down: float) -> None:
    (first, *_) = drawings(report, graphic)
    points = np.array(first.GraphicData, float).reshape(-1, 2) + np.array([right, down])
    first.GraphicData = points.ravel().tolist()


def enlarged(report: Dataset) -> None:
    """Fewer points on the edge: each is right, and the area is not."""
    first = max(drawings(report, "POLYLINE"), key=lambda one: len(one.GraphicData))
    points = np.array(first.GraphicData, float).reshape(-1, 2)
    few = points[: len(points) // 4]
    first.GraphicData = np.concatenate([few, few[:1]]).ravel().tolist()


def on_the_next_slice(report: Dataset, graphic: str) -> None:
    first = drawings(report, graphic)[0]
    named = first.ContentSequence[0].ReferencedSOPSequence[0]
    stem, number = str(named.ReferencedSOPInstanceUID).rsplit(".", 1)
    named.ReferencedSOPInstanceUID = f"{stem}.{int(number) + 3}"


def mirrored_outline(report: Dataset) -> None:
    first = drawings(report, "POLYLINE")[0]
    points = np.array(first.GraphicData, float).reshape(-1, 2)
    points[:, 0] = 67 - points[:, 0]
    first.GraphicData = points.ravel().tolist()


def with_a_stranger_as_evidence(report: Dataset) -> None:
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID = "1.9"


def with_evidence_of_another_study(report: Dataset) -> None:
    report.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID = "1.9"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda report: moved(report, "POLYLINE", 1, 0), "not on the edge"),
        (lambda report: moved(report, "POLYLINE", 0, 4), "not on the edge"),
        (mirrored_outline, "not on the edge"),
        (lambda report: on_the_next_slice(report, "POLYLINE"), "not on the edge"),
        (lambda report: moved(report, "POLYLINE", -60, 0), "leaves the picture"),
        (lambda report: moved(report, "POINT", 0, -28), "does not lie in what was segmented"),
        (lambda report: moved(report, "POINT", 0, 400), "leaves the picture"),
        (enlarged, "another area"),
        (with_a_stranger_as_evidence, "not of the source"),
        (with_evidence_of_another_study, "evidence is of another study"),
    ],
)
def test_a_wrong_report_is_caught(spoil: Callable[[Dataset], None], said: str) -> None:
    """Each way in which a reader could be led to another place."""
    context = result_context(chest=Chest(spacing_mm=(10, 3, 2.5), shape=(14, 122, 134)))
    if spoil in (mirrored_outline,) or "leaves" in said or "segmented" in said:
        context = result_context()
    made = made_of(context, EncodingChoice())
    spoil(made[1].dataset)
    with pytest.raises(ResultMismatch, match=said):
        prove(context, made[:2])


def test_a_report_for_machines_must_name_segments_that_there_are() -> None:
    """Of the very segmentation that goes with it."""
    context = result_context()
    made = made_of(context, EncodingChoice(EncodingProfile.MACHINE))
    report = made[2].dataset
    (first, *_) = (
        one
        for element in report.iterall()
        if element.keyword == "ReferencedSOPSequence"
        for one in element.value
        if "ReferencedSegmentNumber" in one
    )
    first.ReferencedSegmentNumber = 9
    with pytest.raises(ResultMismatch, match="A segment is named"):
        prove(context, made[:3])
    with pytest.raises(ResultMismatch, match="not of the source"):
        prove(context, made[2:3])
