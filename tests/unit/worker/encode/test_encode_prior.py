"""What changed against an earlier CT, in both reports and in the picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom import Dataset

from chest.values.change import (
    Change,
    LesionChange,
    LungMeasurement,
    PriorComparison,
    RegistrationQuality,
    course_of,
)
from chest.values.change_words import change_title
from chest.values.course import Course, CoursePoint
from chest.values.figures import Side
from chest.values.territory import Territory
from radiology.language import Language
from tests.peers.dicom.dcmqi import read_report
from tests.peers.dicom.dcmtk import Dcmtk
from tests.peers.dicom.dicom3tools import dciodvfy
from tests.unit.worker.encode.encoded_chest import (
    ChestContext,
    with_chest,
)
from tests.unit.worker.encode.full_reading import full_context, fully_encoded, fully_segmented
from tests.unit.worker.encode.report_content import (
    comments,
    figures,
    groups_of,
    items,
    of_type,
    report_of,
)
from worker.encode import EarlierReport, EarlierReports, encode_quantification_report
from worker.encode.picture.statements import statements
from worker.encode.picture.wording import worded

NOW = datetime(2026, 3, 3)  # noqa: DTZ001 as headers state it
THEN = datetime(2026, 3, 1)  # noqa: DTZ001


def change(then_ml: float, now_ml: float) -> Change:
    then, now = (LungMeasurement(2000.0, lesions, -800.0, -500.0) for lesions in (then_ml, now_ml))
    return Change(then, now)


def lesion(number: int, then_ml: float, now_ml: float) -> LesionChange:
    course = course_of(then_ml, now_ml)
    return LesionChange(
        course, Side.RIGHT, f"2.25.{number}", (1,), (1,), then_ml, now_ml, None, None
    )


COMPARISON = PriorComparison(
    study_instance_uid="2.25.17",
    then_at=THEN,
    now_at=NOW,
    registration=RegistrationQuality(0.98, 0.9, 0.0),
    lungs={
        Side.TOTAL: change(50.0, 75.0),
        Side.RIGHT: change(50.0, 60.0),
        Side.LEFT: change(0.0, 15.0),
    },
    territories={Territory.RIGHT_LOWER_LOBE: change(40.0, 30.0)},
    lesions=(lesion(1, 0.0, 9.0), lesion(2, 0.0, 8.0), lesion(3, 9.0, 4.0)),
)


@pytest.fixture
def compared() -> ChestContext:
    context = full_context()
    course = Course(points=(), comparisons=(COMPARISON,))
    return with_chest(context, course=course)


def test_lungs_and_lobes_say_what_changed(compared: ChestContext) -> None:
    """Lesion volume then, the change, and the growth where there was something to grow from."""
    groups = groups_of(report_of(compared))
    both, left = figures(groups["Both lungs, lesions"]), figures(groups["Left lung, lesions"])
    assert both["Lesion volume in the prior study"] == 50.0
    assert both["Change of lesion volume"] == 25.0
    assert both["Growth of lesions since the prior study"] == 50.0
    assert left["Change of lesion volume"] == 15.0
    assert "Growth of lesions since the prior study" not in left
    assert figures(groups["Right lower lobe"])["Change of lesion volume"] == -10.0
    assert "Change of lesion volume" not in figures(groups["Left lower lobe"])


def test_every_figure_of_a_change_has_its_place(compared: ChestContext) -> None:
    """OHIF shows nothing of a report with a figure that has none."""
    group = groups_of(report_of(compared))["Both lungs, lesions"]
    assert all(len(number.ContentSequence) == 1 for number in of_type(group, "NUM"))


def test_the_report_for_programs_has_them_too(compared: ChestContext) -> None:
    """By segment: the lung's own change."""
    report = encode_quantification_report(compared, fully_segmented())
    assert figures(groups_of(report)["Right lung"])["Change of lesion volume"] == 10.0


EARLIER_REPORT = EarlierReport("2.25.17", "2.25.18", "2.25.19")


def point(uid: str, at: datetime) -> CoursePoint:
    return CoursePoint(uid, at, 4000.0, 50.0, 1.25, -500.0)


def reports_of(context: ChestContext) -> tuple[Dataset, Dataset]:
    """For viewers and for programs."""
    return report_of(context), encode_quantification_report(context, fully_segmented())


def test_groups_with_a_change_name_both_time_points(compared: ChestContext) -> None:
    """Which study the figures are of, and which one "prior" means; other groups name none."""
    viewer, machine = (groups_of(one) for one in reports_of(compared))
    for group in (viewer["Both lungs, lesions"], viewer["Right lower lobe"], machine["Right lung"]):
        (now,), (identifier,), (earlier,) = (
            items(group, name)
            for name in ("Time Point", "Subject Time Point Identifier", "Compared with")
        )
        assert now.TextValue == "2026-03-03 00:00"
        assert identifier.TextValue == compared.source.study_instance_uid
        assert earlier.TextValue == "Time point 1: 2026-03-01 00:00, study 2.25.17"
    assert not items(viewer["AI triage"], "Time Point")
    assert not items(viewer["Left lower lobe"], "Time Point")


def test_programs_are_told_the_order_and_the_days_between(compared: ChestContext) -> None:
    """As numbers; in the report for viewers a number without a place would leave OHIF black."""
    uid = compared.source.study_instance_uid
    points = (
        point("2.25.16", datetime(2026, 1, 1)),  # noqa: DTZ001
        point("2.25.17", THEN),
        point(uid, NOW),
    )
    course = Course(points, (COMPARISON,))
    compared = with_chest(compared, course=course)
    viewer, machine = (groups_of(one) for one in reports_of(compared))
    told = figures(machine["Right lung"])
    assert told["Time Point Order"] == 3
    assert told["Longitudinal Temporal Offset from Event"] == 2.0
    for group in viewer.values():
        assert not items(group, "Time Point Order")
        assert not items(group, "Longitudinal Temporal Offset from Event")


def test_the_report_of_the_earlier_study_is_evidence(compared: ChestContext) -> None:
    """PS3.3 C.17.2.3: what is of another study is Pertinent Other Evidence; no stranger's is."""
    named = replace(compared, earlier_reports=EarlierReports(prior=EARLIER_REPORT))
    for report in reports_of(named):
        (study,) = report.PertinentOtherEvidenceSequence
        assert study.StudyInstanceUID == "2.25.17"
        (series,) = study.ReferencedSeriesSequence
        assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.19"
    other = EarlierReports(prior=replace(EARLIER_REPORT, study_instance_uid="2.25.5"))
    for report in reports_of(replace(compared, earlier_reports=other)):
        assert "PertinentOtherEvidenceSequence" not in report


@pytest.mark.parametrize("which", [0, 1], ids=["viewer", "machine"])
def test_validators_and_readers_take_time_points(
    compared: ChestContext, tmp_path: Path, dcmtk: Dcmtk, which: int
) -> None:
    """dciodvfy finds no error, dcmtk, dcmqi and highdicom read the report with its time points."""
    named = replace(compared, earlier_reports=EarlierReports(prior=EARLIER_REPORT))
    report, path = reports_of(named)[which], tmp_path / "report.dcm"
    report.save_as(path, enforce_file_format=True)
    assert not dciodvfy(path, work_folder=tmp_path).errors
    assert "Subject Time Point Identifier" in dcmtk.dsrdump(path)
    assert isinstance(srread(path).content, MeasurementReport)
    content, _ = read_report(path, work_folder=tmp_path)
    assert "2026-03-03 00:00" in {group.get("timePoint") for group in content["Measurements"]}


def test_the_change_is_told_in_words(compared: ChestContext) -> None:
    """Since when, how much, and what became of the lesions; in the picture's language too."""
    said = comments(report_of(compared))
    assert "Change since 2026-03-01: lesions 50.0 ml then, 75.0 ml now" in said
    assert "Change since 2026-03-01: 2 new, 1 shrunk" in said
    (shown,) = (one for one, _ in statements(compared) if one.title.startswith("Change"))
    chinese = [worded(text, Language.CHINESE) for line in shown.lines for text in line]
    assert chinese == ["病变由 50.0 ml 变为 75.0 ml", "新发 2", "缩小 1"]
    assert worded(shown.title, Language.CHINESE) == "自 2026-03-01 以来的变化"


def test_an_earlier_study_of_unknown_date_is_named_as_such(compared: ChestContext) -> None:
    """No date is made up."""
    assert change_title(replace(COMPARISON, then_at=None)) == "Change since the earlier study"


def test_without_a_comparison_nothing_is_said_of_change() -> None:
    """No prior is not "no change"."""
    assert not any("hange" in text for text in comments(fully_encoded()["SR"]))
    assert not any(one.title.startswith("Change") for one, _ in statements(full_context()))
