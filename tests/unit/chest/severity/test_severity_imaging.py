"""Severity from images: MosMed, the CT severity score, and growth between two CTs."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chest.values.figures import Side
from chest.values.lobe import Lobe
from chest.values.severity import (
    ImagingFindings,
    Pneumonia,
    ct_severity_score,
    lesion_progress,
    mosmed_grade,
)
from radiology.clinical import LesionMeasurement

THEN = datetime(2020, 3, 1, 8, tzinfo=UTC)
SHARES = st.floats(0, 100)


def lungs(right: float | None, left: float | None) -> ImagingFindings:
    """Pneumonia with these shares; None is "not measured"."""
    shares = {Side.RIGHT: right, Side.LEFT: left}
    given_shares = {side: share for side, share in shares.items() if share is not None}
    return ImagingFindings(Pneumonia.YES, given_shares)


def lobes(*shares: float, pneumonia: Pneumonia = Pneumonia.YES) -> ImagingFindings:
    """Lobe shares in the order of `Lobe`; fewer than five leave the last ones out."""
    return ImagingFindings(pneumonia, lobe_share_percent=dict(zip(Lobe, shares, strict=False)))


def pair(before: float, after: float, hours: float = 36.0) -> ImagingFindings:
    """Two studies with these lesion volumes in ml."""
    return ImagingFindings(
        Pneumonia.YES,
        measurement=LesionMeasurement(THEN + timedelta(hours=hours), after),
        prior=LesionMeasurement(THEN, before),
    )


@pytest.mark.parametrize(
    ("share", "grade"),
    [
        (0, "CT-1"),
        (24.99, "CT-1"),
        (25, "CT-2"),
        (25.01, "CT-2"),
        (49.99, "CT-2"),
        (50, "CT-3"),
        (75, "CT-3"),
        (75.01, "CT-4"),
        (100, "CT-4"),
    ],
)
@pytest.mark.parametrize("worse", [Side.RIGHT, Side.LEFT])
def test_mosmed_grades_the_worse_lung(share: float, grade: str, worse: Side) -> None:
    """At each limit, whichever lung it is."""
    imaging = lungs(share, 0) if worse is Side.RIGHT else lungs(0, share)
    score = mosmed_grade(imaging)
    assert (score.grade, f"CT-{score.value}", score.missing) == (grade, grade, ())


def test_mosmed_without_pneumonia_is_ct_0() -> None:
    """What a network painted into lungs without pneumonia does not count, and that is said."""
    score = mosmed_grade(ImagingFindings(Pneumonia.NO, {Side.RIGHT: 0.4, Side.LEFT: 0.1}))
    assert (score.grade, score.value) == ("CT-0", 0)
    assert "not counted" in score.note


def test_mosmed_with_one_lung_is_a_lower_limit() -> None:
    """The lung that was not measured may be the worse one; beyond CT-4 there is nothing."""
    score = mosmed_grade(lungs(30, None))
    assert (score.value, score.grade, score.at_least) == (None, None, "CT-2")
    assert score.missing == ("left_lung",)
    highest = mosmed_grade(lungs(None, 80))
    assert (highest.value, highest.grade) == (None, "CT-4")
    nothing = mosmed_grade(lungs(None, None))
    assert (nothing.label, nothing.missing) == ("not computed", ("right_lung", "left_lung"))


@pytest.mark.parametrize(
    ("share", "points"),
    [
        (0, 0),
        (0.01, 1),
        (4.99, 1),
        (5, 2),
        (25, 2),
        (25.01, 3),
        (25.5, 3),
        (26, 3),
        (49, 3),
        (49.5, 3),
        (49.99, 3),
        (50, 4),
        (75, 4),
        (75.01, 5),
        (100, 5),
    ],
)
@pytest.mark.parametrize("place", range(5))
def test_each_lobe_scores_by_the_published_bands(share: float, points: int, place: int) -> None:
    """At each limit and between the published whole numbers, for each of the five lobes."""
    shares = [0.0] * 5
    shares[place] = share
    score = ct_severity_score(lobes(*shares))
    assert score.value == points
    assert score.grade is None


def test_ct_severity_score_worked_by_hand() -> None:
    """3 % (1), 10 % (2), 30 % (3), 60 % (4), 90 % (5) are 15; five full lobes are 25."""
    assert ct_severity_score(lobes(3, 10, 30, 60, 90)).label == "15 points"
    assert ct_severity_score(lobes(*[100.0] * 5)).value == 25


@pytest.mark.parametrize("known", range(5))
def test_ct_severity_score_needs_five_lobes(known: int) -> None:
    """Four lobes give no score, and the fifth is named; with or without pneumonia."""
    for pneumonia in (Pneumonia.YES, Pneumonia.NO):
        score = ct_severity_score(lobes(*[60.0] * known, pneumonia=pneumonia))
        assert score.value is None
        assert score.missing == tuple(lobe.value for lobe in list(Lobe)[known:])
        assert "zones" in score.note


def test_undetermined_pneumonia_is_not_graded() -> None:
    """Opacities that may be anything have no grade of pneumonia."""
    imaging = ImagingFindings(
        Pneumonia.UNDETERMINED,
        {Side.RIGHT: 80.0, Side.LEFT: 80.0},
        dict.fromkeys(Lobe, 80.0),
    )
    for score in (mosmed_grade(imaging), ct_severity_score(imaging)):
        assert not score.computed
        assert score.at_least is None
        assert "undetermined" in score.note


def test_without_pneumonia_the_lobes_score_nothing() -> None:
    """As for MosMed: what was painted by mistake is not involvement."""
    assert ct_severity_score(lobes(*[0.3] * 5, pneumonia=Pneumonia.NO)).value == 0


@given(shares=st.tuples(*[SHARES] * 5), place=st.integers(0, 4), more=SHARES)
def test_more_lesion_never_scores_less(shares: tuple[float, ...], place: int, more: float) -> None:
    """Neither in a lobe nor in a lung."""
    worse = list(shares)
    worse[place] = max(shares[place], more)
    before, after = ct_severity_score(lobes(*shares)), ct_severity_score(lobes(*worse))
    assert before.value is not None
    assert after.value is not None
    assert after.value >= before.value
    lighter, heavier = mosmed_grade(lungs(*shares[:2])), mosmed_grade(lungs(*worse[:2]))
    assert (heavier.value or 0) >= (lighter.value or 0)


@given(shares=st.permutations([(lobe, 13.0 * n) for n, lobe in enumerate(Lobe)]))
def test_the_order_in_which_lobes_come_does_not_matter(
    shares: list[tuple[Lobe, float]],
) -> None:
    """The same lobes give the same answer, down to the order of the inputs."""
    sorted_first = ImagingFindings(Pneumonia.YES, lobe_share_percent=dict(sorted(shares)))
    as_they_came = ImagingFindings(Pneumonia.YES, lobe_share_percent=dict(shares))
    assert ct_severity_score(as_they_came) == ct_severity_score(sorted_first)


@pytest.mark.parametrize(
    ("after", "grade"),
    [(50, "criterion not met"), (150, "criterion not met"), (150.1, "severe"), (400, "severe")],
)
def test_growth_of_more_than_half_is_severe(after: float, grade: str) -> None:
    """100 ml, then just half as much again, then a little more."""
    score = lesion_progress(pair(100, after))
    assert score.grade == grade
    assert score.value == pytest.approx(after - 100)


def test_progress_says_what_it_compared() -> None:
    """Both volumes, the time between and the growth stand in the note and in the inputs."""
    score = lesion_progress(pair(120, 200, hours=30))
    assert "lesion volume: 120.0 ml, then 200.0 ml 30.0 h later (+67 %" in score.note
    assert {one.name: one.value for one in score.inputs} == {
        "prior_lesion_volume_ml": 120.0,
        "lesion_volume_ml": 200.0,
        "interval_hours": 30.0,
        "growth_percent": pytest.approx(66.67, abs=0.01),
    }
    assert score.label == "severe (66.7 %)"


@pytest.mark.parametrize(
    ("hours", "computed"),
    [(-36, False), (0, False), (23.99, False), (24, True), (48, True), (48.01, False), (96, False)],
)
def test_progress_only_within_24_to_48_hours(hours: float, computed: bool) -> None:
    """Outside the interval there is no answer, however much grew; a later "prior" is none."""
    score = lesion_progress(pair(100, 400, hours))
    assert score.computed is computed
    if not computed:
        assert f"{hours:.1f} h apart" in score.note
        assert {one.name for one in score.inputs} >= {"lesion_volume_ml", "interval_hours"}


def test_progress_falls_back_from_volume_to_share() -> None:
    """Where one study has no volume the shares are compared, and the note says so."""
    imaging = ImagingFindings(
        Pneumonia.YES,
        measurement=LesionMeasurement(THEN + timedelta(hours=24), 300.0, 16.0),
        prior=LesionMeasurement(THEN, None, 10.0),
    )
    score = lesion_progress(imaging)
    assert score.grade == "severe"
    assert score.value == pytest.approx(60)
    assert "lesion share of both lungs: 10.0 %, then 16.0 %" in score.note


def test_progress_without_anything_to_compare() -> None:
    """No prior, no common quantity, no lesion before, or a clock without its zone: no answer."""
    now = LesionMeasurement(THEN + timedelta(hours=24), 300.0)
    only_now = lesion_progress(ImagingFindings(Pneumonia.YES, measurement=now))
    assert (only_now.computed, only_now.missing) == (False, ("prior_measurement",))
    no_images = lesion_progress(ImagingFindings(Pneumonia.YES))
    assert no_images.missing == ("measurement", "prior_measurement")
    for prior, reason in (
        (LesionMeasurement(THEN, None, 4.0), "neither volume nor share"),
        (LesionMeasurement(THEN, 0.0), "no lesion to grow from"),
        (LesionMeasurement(THEN.replace(tzinfo=None), 10.0), "time zone"),
    ):
        score = lesion_progress(ImagingFindings(Pneumonia.YES, measurement=now, prior=prior))
        assert not score.computed
        assert reason in score.note


def test_what_was_measured_without_pneumonia_does_not_progress() -> None:
    """A trace that is taken for lesion doubles easily; it makes nobody severely ill."""
    score = lesion_progress(replace(pair(1, 2, 36), pneumonia=Pneumonia.NO))
    assert not score.computed
    assert "no pneumonia was found" in score.note
    assert lesion_progress(replace(pair(1, 2, 36), pneumonia=Pneumonia.UNDETERMINED)).computed


@pytest.mark.parametrize("share", [-0.1, 100.1, math.nan, math.inf])
def test_a_share_that_cannot_be_is_a_defect(share: float) -> None:
    """Shares come from our own measuring: a wrong one must not become a grade."""
    with pytest.raises(ValueError, match="0 to 100"):
        lungs(share, 0)
    with pytest.raises(ValueError, match="0 to 100"):
        lobes(share)
    with pytest.raises(ValueError, match="0 to 100"):
        LesionMeasurement(THEN, lesion_share_percent=share)


def test_a_volume_that_cannot_be_is_a_defect() -> None:
    """A lesion volume is never negative."""
    with pytest.raises(ValueError, match="0 ml or more"):
        LesionMeasurement(THEN, -1.0)
