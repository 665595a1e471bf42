"""A bundle says which series it wants, and why it does not want another."""

from __future__ import annotations

import pytest

from models.catalogue import UsableBundle

CHEST: dict[str, object] = {
    "Modality": "CT",
    "SliceThickness": 2.0,
    "BodyPartExamined": "CHEST",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "NumberOfSeriesRelatedInstances": 148,
}


def test_ordinary_chest_ct_is_wanted(in_use: UsableBundle) -> None:
    assert in_use.series_refusals(CHEST) == ()


def test_what_need_not_be_there_may_be_absent(in_use: UsableBundle) -> None:
    assert in_use.series_refusals({"Modality": "CT"}) == ()


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("Modality", "MR", "Modality"),
        ("Modality", None, "Modality is missing"),
        ("SliceThickness", 12.5, "SliceThickness 12.5 is not at most 10"),
        ("SliceThickness", "thick", "SliceThickness is not a number"),
        ("SliceThickness", float("nan"), "SliceThickness nan is not at most 10"),
        ("BodyPartExamined", "HEAD", "BodyPartExamined"),
        ("ImageType", ("ORIGINAL", "PRIMARY", "LOCALIZER"), "ImageType"),
        ("NumberOfSeriesRelatedInstances", 3, "is not at least 12"),
    ],
)
def test_other_series_is_refused_with_the_reason(
    in_use: UsableBundle, keyword: str, value: object, reason: str
) -> None:
    refusals = in_use.series_refusals({**CHEST, keyword: value})
    assert len(refusals) == 1
    assert reason in refusals[0]
