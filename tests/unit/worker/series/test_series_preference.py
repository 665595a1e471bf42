"""Of several series that could be analysed, the best is chosen."""

from __future__ import annotations

from typing import Any

import pytest

from radiology.image.series import SeriesHeader
from tests.builders.dicom.headers import CORONAL, series_header, without_instances
from worker.series.select_series import SeriesOutcome, select_series
from worker.series.words import Kernel, kernel_of

GOOD = series_header("2.25.1.1")


def _decide(series: SeriesHeader, *others: SeriesHeader) -> SeriesOutcome:
    """The decision about the first series in a study with the others."""
    return select_series([series, *others]).decisions[0]


FLAWED: list[tuple[str, SeriesHeader, str, str, str]] = [
    # what, the series, the preference, what it saw, what the chosen series has
    (
        "a gap",
        without_instances(series_header("2.25.1.2"), 70, 71),
        "even_stack",
        "SliceMissing",
        "even stack",
    ),
    (
        "secondary",
        series_header("2.25.1.2", image_type=("DERIVED", "SECONDARY", "AXIAL")),
        "primary",
        "SECONDARY",
        "PRIMARY",
    ),
    (
        "unspecified unit",
        series_header("2.25.1.2", rescale_type="US"),
        "stated_units",
        "unspecified",
        "HU",
    ),
    (
        "coronal",
        series_header("2.25.1.2", normal=(0.0, 1.0, 0.0), image_orientation_patient=CORONAL),
        "axial",
        "not axial",
        "axial",
    ),
    (
        "thick",
        series_header("2.25.1.2", slices=38, spacing_mm=8.0),
        "thick_slices",
        "8 mm",
        "2 mm",
    ),
    (
        "thin slices far apart",
        series_header("2.25.1.2", slices=30, spacing_mm=10.0, slice_thickness=1.0),
        "thick_slices",
        "10 mm",
        "2 mm",
    ),
    (
        "sharp",
        series_header("2.25.1.2", convolution_kernel="B70f"),
        "sharp_kernel",
        "B70f: sharp",
        "D40s: soft",
    ),
]


@pytest.mark.parametrize(
    ("series", "rule", "seen", "better"),
    [row[1:] for row in FLAWED],
    ids=[row[0] for row in FLAWED],
)
def test_a_flawed_series_is_refused_beside_a_better_one(
    series: SeriesHeader, rule: str, seen: str, better: str
) -> None:
    """The reason names what the chosen series has in its place."""
    decision = _decide(series, GOOD)
    assert (decision.chosen, decision.rule, decision.seen) == (False, rule, seen)
    assert decision.limit == f"{better} in the chosen series"


@pytest.mark.parametrize(
    ("series", "seen"),
    [(row[1], row[3]) for row in FLAWED],
    ids=[row[0] for row in FLAWED],
)
def test_a_flawed_series_is_chosen_with_a_warning_when_it_is_the_only_one(
    series: SeriesHeader, seen: str
) -> None:
    """An only thick series is read, and the reader is told."""
    decision = _decide(series)
    assert decision.chosen
    assert any(seen in warning for warning in decision.warnings)


BETTER: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    # what, the better series, the other one, the preference that decides
    (
        "whole chest of 5 mm before a detail of 1 mm",
        {"slices": 60, "spacing_mm": 5.0},
        {"slices": 120, "spacing_mm": 1.0},
        "full_coverage",
    ),
    (
        "chest of 2 mm before a whole body of 5 mm",
        {"slices": 150, "spacing_mm": 2.0},
        {"slices": 300, "spacing_mm": 5.0},
        "slice_distance",
    ),
    (
        "thin and sharp before thick and soft",
        {"convolution_kernel": "B70f"},
        {"slices": 38, "spacing_mm": 8.0},
        "thick_slices",
    ),
    (
        "5 mm and soft before 1 mm and sharp",
        {"slices": 60, "spacing_mm": 5.0},
        {"slices": 300, "spacing_mm": 1.0, "convolution_kernel": "BONE"},
        "sharp_kernel",
    ),
    (
        "1 mm before 0.5 mm",
        {"slices": 300, "spacing_mm": 1.0},
        {"slices": 600, "spacing_mm": 0.5},
        "slice_distance",
    ),
    ("soft before lung", {}, {"convolution_kernel": "LUNG"}, "kernel"),
    ("soft before unknown", {}, {"convolution_kernel": "Xyz"}, "kernel"),
    (
        "1 mm before 2 mm",
        {"slices": 300, "spacing_mm": 1.0},
        {"slices": 150, "spacing_mm": 2.0},
        "thinner",
    ),
    ("longer before shorter", {"slices": 150}, {"slices": 140}, "coverage"),
]


@pytest.mark.parametrize(
    ("better", "other", "rule"), [row[1:] for row in BETTER], ids=[row[0] for row in BETTER]
)
def test_the_better_of_two_good_series_is_chosen(
    better: dict[str, Any], other: dict[str, Any], rule: str
) -> None:
    """The order of the preferences decides, and the loser tells which of them it was."""
    first = series_header("2.25.1.9", **better)
    second = series_header("2.25.1.2", **other)
    selection = select_series([second, first])
    assert selection.chosen == first
    assert selection.decisions[0].rule == rule


def test_equal_series_are_told_apart_by_their_uid() -> None:
    """Two copies of a series: always the same one is chosen."""
    twin = series_header("2.25.1.2")
    assert select_series([twin, GOOD]).chosen == GOOD
    assert _decide(twin, GOOD).rule == "equal"


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("B30f", Kernel.SOFT),
        ("D40s", Kernel.SOFT),
        ("I31f\\3", Kernel.SOFT),
        ("Br40d\\3", Kernel.SOFT),
        ("B50f", Kernel.LUNG),
        ("B60f", Kernel.LUNG),
        ("Bl57d", Kernel.LUNG),
        ("B70f", Kernel.SHARP),
        ("STANDARD", Kernel.SOFT),
        ("CHEST", Kernel.SOFT),
        ("LUNG", Kernel.LUNG),
        ("BONE", Kernel.SHARP),
        ("BONEPLUS", Kernel.SHARP),
        ("FC08", Kernel.SOFT),
        ("FC13", Kernel.SOFT),
        ("FC30", Kernel.SHARP),
        ("FC51", Kernel.LUNG),
        ("FC86", Kernel.LUNG),
        ("B", Kernel.SOFT),
        ("YA", Kernel.SOFT),
        ("L", Kernel.LUNG),
        ("YD", Kernel.SHARP),
        ("", Kernel.UNKNOWN),
        ("something", Kernel.UNKNOWN),
    ],
)
def test_kernels_of_the_makers_are_known(name: str, kernel: Kernel) -> None:
    """The names that Siemens, GE, Philips and Canon give their kernels say how sharp they are."""
    assert kernel_of(name) is kernel
