"""Severity as a whole: what is refused, what is written down, and the page for physicians."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from chest.values.figures import Side
from chest.values.lobe import Lobe
from chest.values.severity import NOTICE, ImagingFindings, Pneumonia, assess_severity, title_of
from chest.values.severity.bands import Bands
from chest.values.severity.ct_scores import LOBE_BANDS, MOSMED_BANDS
from chest.values.severity.point_scores import (
    CURB_65,
    CURB_65_BANDS,
    FOUR_C,
    FOUR_C_BANDS,
    QCSI,
    QCSI_BANDS,
)
from chest.values.severity.points import PointRule
from chest.values.severity.titles import TITLES, unit_of
from radiology.clinical import ClinicalValues, LesionMeasurement, Ventilation
from radiology.clinical.values import allowed
from radiology.sex import Sex
from tests.peers.programs import REPOSITORY

THEN = datetime(2020, 3, 1, 8, tzinfo=UTC)
IMAGING = ImagingFindings(
    Pneumonia.YES,
    {Side.RIGHT: 32.0, Side.LEFT: 18.0},
    dict(zip(Lobe, (3.0, 0.0, 55.0, 12.0, 30.0), strict=True)),
    LesionMeasurement(THEN + timedelta(hours=30), 900.0),
    LesionMeasurement(THEN, 500.0),
)
VALUES = ClinicalValues(
    age_years=67,
    sex=Sex.MALE,
    symptoms=True,
    respiratory_rate_per_min=26,
    spo2_percent=91,
    on_oxygen=False,
    pao2_fio2_mmhg=280,
    ventilation=Ventilation.NONE,
    shock=False,
    organ_failure_in_icu=False,
    systolic_mmhg=110,
    diastolic_mmhg=70,
    confusion=False,
    gcs=15,
    urea_mmol_l=8.2,
    crp_mg_l=96,
    comorbidity_count=1,
)


def test_one_patient_through_every_rule() -> None:
    """A patient worked out by hand from the published tables."""
    severity = assess_severity(IMAGING, VALUES)
    assert {score.name: score.label for score in severity.scores} == {
        "MosMed CT grade": "CT-2",
        "CT severity score": "10 points",  # 1 + 0 + 4 + 2 + 3
        "Lesion progress": "severe (80 %)",
        "Guideline class": "severe",
        "4C Mortality Score": "high (11 points)",  # 4 + 1 + 1 + 1 + 2 + 0 + 1 + 1
        "CURB-65": "intermediate (2 points)",  # urea, age
        "qCSI": "low (3 points)",  # 1 + 2 + 0
    }


def test_one_point_is_no_points() -> None:
    """The label reads as English."""
    severity = assess_severity(IMAGING, replace(VALUES, spo2_percent=96))
    assert severity.qcsi.label == "low (1 point)"


def test_no_clinical_values_is_no_error() -> None:
    """From images alone the clinical scores are not computed and say what they need."""
    severity = assess_severity(IMAGING, None)
    assert severity == assess_severity(IMAGING, ClinicalValues())
    for score in (severity.four_c, severity.curb_65, severity.qcsi):
        assert not score.computed
        assert score.missing


def test_facts_are_plain_values() -> None:
    """What is stored is JSON, tells everything, and holds nothing that only we can read."""
    shares: Any = {Side.RIGHT: np.float32(32), Side.LEFT: np.float32(1)}
    imaging = replace(IMAGING, share_percent=shares)
    for severity in (assess_severity(imaging, VALUES), assess_severity(imaging, None)):
        facts = severity.facts()
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts
        assert facts["notice"] == NOTICE
        assert all(type(value) in PLAIN for value in _leaves(facts))
    four_c = next(s for s in facts["scores"] if s["name"] == "4C Mortality Score")
    assert four_c["label"] == "not computed"
    assert "crp_mg_l" in four_c["missing"]


PLAIN = (str, int, float, bool, type(None))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value


def test_every_rule_tells_its_source() -> None:
    """Each answer, computed or not, can be looked up."""
    for clinical in (VALUES, None):
        for score in assess_severity(IMAGING, clinical).scores:
            assert "20" in score.source
            assert score.note.endswith(".")


def test_everything_that_can_be_shown_has_a_title() -> None:
    """Each input and each missing name of each rule can be read by a person."""
    for clinical in (VALUES, None):
        for imaging in (IMAGING, ImagingFindings(Pneumonia.UNDETERMINED)):
            for score in assess_severity(imaging, clinical).scores:
                for name in (*score.missing, *(one.name for one in score.inputs)):
                    assert title_of(name)
                assert all(one.unit == unit_of(one.name) for one in score.inputs)
    assert {field.name for field in fields(ClinicalValues)} <= TITLES.keys()


def test_each_lobe_belongs_to_a_lung() -> None:
    """Three lobes on the right, two on the left."""
    assert [lobe.side for lobe in Lobe] == [Side.RIGHT] * 3 + [Side.LEFT] * 2
    assert Lobe.RIGHT_MIDDLE_LOBE.words == "right middle lobe"


PAGE = (REPOSITORY / "docs" / "severity.md").read_text()
SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}


def _rows_under(heading: str) -> set[str]:
    """The rows of the tables of one section."""
    section = PAGE.split(f"### {heading}", 1)[1].split("\n#", 1)[0]
    return {line for line in section.splitlines() if line.startswith("|")}


def _limit(comparison: str, limit: float | bool | str, unit: str) -> str:
    if comparison == "==":
        return "yes" if limit is True else str(limit)
    return f"{SIGNS[comparison]} {limit:g} {unit}".strip()


def test_the_page_has_the_tables_of_the_images() -> None:
    """docs/severity.md says what radiology/severity/ct_scores.py computes."""
    mosmed = {f"| {_limit(b.comparison, b.limit, '%')} | CT-{b.points} |" for b in MOSMED_BANDS}
    assert mosmed <= _rows_under("MosMed")
    lobe = {f"| {_limit(b.comparison, b.limit, '%')} | {b.points} |" for b in LOBE_BANDS}
    assert lobe <= _rows_under("CT severity score")
    assert len(_rows_under("CT severity score")) == len(lobe) + 3  # "none" and the head


@pytest.mark.parametrize(
    ("rule", "bands"), [(FOUR_C, FOUR_C_BANDS), (CURB_65, CURB_65_BANDS), (QCSI, QCSI_BANDS)]
)
def test_the_page_has_the_tables_of_the_point_scores(
    rule: PointRule, bands: dict[str, Bands]
) -> None:
    """Each row of points and each risk group is on the page, and no other."""
    expected = {
        f"| {title_of(name)} | {_limit(b.comparison, b.limit, unit_of(name))} | {b.points} |"
        for name, rows in bands.items()
        for b in rows
    }
    first = 0
    for group in rule.groups:
        span = f"{first}–{group.up_to}" if first < group.up_to else f"{first}"
        expected.add(f"| {span} | {group.grade} | {group.published_outcome} |")
        first = group.up_to + 1
    rows = _rows_under(rule.name)
    assert expected <= rows
    assert len(rows) == len(expected) + 3  # two heads, one line of dashes (they are alike)


def test_the_page_has_every_clinical_value_and_what_it_may_hold() -> None:
    """The keys of the file are the fields of the class, in their order."""
    rows = [row for row in PAGE.splitlines() if row.startswith("| `")]
    assert [row.split(" | ")[:3] for row in rows] == [
        [f"| `{field.name}`", title_of(field.name), allowed(field.name)]
        for field in fields(ClinicalValues)
    ]
