"""docs/case-level.md and docs/lobes.md give the limits that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from chest import case_level, gates
from chest import plausibility_gates as plausible
from chest.lobes import fissure
from chest.lobes.find import THICKEST_SLICES_MM
from chest.lobes.reduced_lung import VESSEL_HU
from chest.model.choose_slices import MIRRORED_SLICES, MOST_SLICES
from models.schema_2.case import CaseRule

_DOCS = Path(__file__).resolve().parents[3] / "docs"


def _rows(page: str) -> dict[str, str]:
    """The rows of all tables of a page, by their first cell without its marks."""
    lines = (_DOCS / page).read_text().splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| ")]
    return {cells[0].strip(" `"): " | ".join(cells[1:]) for cells in rows}


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        (CaseRule.LESION_SHARE, "1 %"),
        (CaseRule.CONSECUTIVE_SLICES, "3 slices"),
        (CaseRule.POSITIVE_SLICES, "10 %"),
        (CaseRule.MAXIMUM, "2.5 %"),
    ],
)
def test_rules_have_the_limits_of_the_page(rule: CaseRule, limit: str) -> None:
    assert f"| {limit}" in _rows("case-level.md")[rule.value].replace("  ", " ")
    assert case_level._LIMITS[rule] == float(limit.split()[0])


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("lungs found", [f"under {gates.LEAST_LUNG_ML:g} ml"]),
        ("slices with lung", [f"under {gates.LEAST_LUNG_SLICES}"]),
        ("lungs covered", [f"above {limit:g} %" for limit in gates.CUT_PERCENT]),
        (
            "lungs in the field of view",
            [f"above {limit:g} %" for limit in gates.CUT_IN_PLANE_PERCENT],
        ),
        ("lungs in proportion", [f"under {gates.LEAST_BODY_PERCENT:g} %"]),
        ("noise", [f"above {limit:g} HU" for limit in gates.NOISE_HU]),
        ("motion", [f"more than {gates.MOST_JUMPS} jumps", "above 5 mm"]),
        ("contrast phase", [f"from {gates.ENHANCED_FROM_HU:g} HU"]),
        ("slice thickness", [f"above {limit:g} mm" for limit in gates.SLICE_MM]),
        ("pixel size", [f"above {gates.LARGEST_PIXEL_MM:g} mm"]),
        (
            "lung volume",
            [f"under {gates.SMALL_LUNG_ML:g} ml"]
            + [f"above {limit:.0f} ml" for limit in gates.LARGE_LUNG_ML],
        ),
        ("adult", [f"under {gates.ADULT_FROM_YEARS:g} years"]),
        ("lungs inside the body", [f"above {plausible.MOST_OUTSIDE_PERCENT:g} % outside"]),
        ("trachea", [f"under {plausible.LEAST_TRACHEA_MM:g} mm"]),
        ("density of consolidation", [f"{limit:g} HU" for limit in plausible.CONSOLIDATION_HU]),
        ("density of ground glass", [f"{limit:g} HU" for limit in plausible.GROUND_GLASS_HU]),
        (
            "lesions along the lungs",
            [f"above {plausible.MOST_AT_ENDS_PERCENT:g} %", f"{plausible.END_MM:g} mm"],
        ),
        ("lung in the key slice", [f"under {100 * plausible.LITTLE_LUNG:g} %"]),
    ],
)
def test_gates_have_the_limits_of_the_page(gate: str, told: list[str]) -> None:
    row = _rows("case-level.md")[gate]
    assert all(one in row for one in told)


def test_the_page_counts_slices_as_the_classifier_does() -> None:
    page = (_DOCS / "case-level.md").read_text()
    assert f"Up to {MOST_SLICES} slices" in page
    assert MIRRORED_SLICES == 6
    assert "The six with most lesion" in page
    assert case_level.POSITIVE_FROM_PERCENT == 1.0
    assert "at least 1 % of its lung" in page


def test_the_limits_of_a_seen_fissure_are_those_of_the_page() -> None:
    rows = _rows("lobes.md")
    assert rows["confidence"].strip() == f"{fissure.LEAST_CONFIDENCE:.2f}"
    assert rows["part of the surface that neither disease nor vessels hide"].strip() == (
        f"{fissure.LEAST_VISIBLE:.0%}".replace("%", " %")
    )
    score = rows["score of the search, in standard deviations of surfaces at random"]
    assert float(score) == fissure.LEAST_SCORE
    page = (_DOCS / "lobes.md").read_text()
    assert f"more than {THICKEST_SLICES_MM:.0f} mm apart" in page
    assert f"({VESSEL_HU:.0f} HU above" in page
