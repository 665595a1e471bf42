"""What changed against an earlier CT, in both reports and in the picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from radiology.finding import Side
from radiology.language import Language
from radiology.territory import Territory
from tests.unit.worker.full_reading import full_context, fully_encoded
from tests.unit.worker.report_content import comments, figures, groups_of, of_type, report_of
from worker.encode import encode_quantification_report
from worker.encode.derived_object import ResultContext
from worker.encode.picture_statements import statements
from worker.encode.prior_change import change_title
from worker.encode.wording import worded


@dataclass(frozen=True)
class Region:
    lesion_volume_ml: float


@dataclass(frozen=True)
class Change:
    then: Region
    now: Region

    @property
    def lesion_growth_percent(self) -> float | None:
        if not self.then.lesion_volume_ml:
            return None
        return 100 * (self.now.lesion_volume_ml / self.then.lesion_volume_ml - 1)


@dataclass(frozen=True)
class Lesion:
    course: str


@dataclass(frozen=True)
class Prior:
    then_at: datetime | None = datetime(2026, 3, 1)  # noqa: DTZ001 as headers state it
    lungs: dict[Side, Change] = field(
        default_factory=lambda: {
            Side.TOTAL: Change(Region(50.0), Region(75.0)),
            Side.RIGHT: Change(Region(50.0), Region(60.0)),
            Side.LEFT: Change(Region(0.0), Region(15.0)),
        }
    )
    territories: dict[Territory, Change] = field(
        default_factory=lambda: {
            Territory.RIGHT_LOWER_LOBE: Change(Region(40.0), Region(30.0)),
        }
    )
    lesions: tuple[Lesion, ...] = (Lesion("new"), Lesion("new"), Lesion("shrunk"))


@pytest.fixture
def compared() -> ResultContext:
    return replace(full_context(), prior=Prior())


def test_lungs_and_lobes_say_what_changed(compared: ResultContext) -> None:
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


def test_every_figure_of_a_change_has_its_place(compared: ResultContext) -> None:
    """OHIF shows nothing of a report with a figure that has none."""
    group = groups_of(report_of(compared))["Both lungs, lesions"]
    assert all(len(number.ContentSequence) == 1 for number in of_type(group, "NUM"))


def test_the_report_for_programs_has_them_too(compared: ResultContext) -> None:
    """By segment: the lung's own change."""
    report = encode_quantification_report(compared, fully_encoded()["SEG"])
    assert figures(groups_of(report)["Right lung"])["Change of lesion volume"] == 10.0


def test_the_change_is_told_in_words(compared: ResultContext) -> None:
    """Since when, how much, and what became of the lesions; in the picture's language too."""
    said = comments(report_of(compared))
    assert "Change since 2026-03-01: lesions 50.0 ml then, 75.0 ml now" in said
    assert "Change since 2026-03-01: 2 new, 1 shrunk" in said
    (shown,) = (one for one in statements(compared) if one.title.startswith("Change"))
    chinese = [worded(text, Language.CHINESE) for line in shown.lines for text in line]
    assert chinese == ["病变由 50.0 ml 变为 75.0 ml", "新发 2", "缩小 1"]
    assert worded(shown.title, Language.CHINESE) == "自 2026-03-01 以来的变化"


def test_an_earlier_study_of_unknown_date_is_named_as_such(compared: ResultContext) -> None:
    """No date is made up."""
    assert change_title(Prior(then_at=None)) == "Change since the earlier study"


def test_without_a_comparison_nothing_is_said_of_change() -> None:
    """No prior is not "no change"."""
    assert not any("hange" in text for text in comments(fully_encoded()["SR"]))
    assert not any(one.title.startswith("Change") for one in statements(full_context()))
