"""The course of a patient's lungs as a plot and a table, and what became of each lesion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from radiology.chest.change import LesionCourse
from worklist.words.translations import translated_row

# Of the plot, in its own units; the margins hold the letters.
WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 24.0, 18.0, 40.0
_LABEL_APART = 92.0  # two dates that are nearer would be written over each other
_MOST_LESIONS = 40
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_ORDER = {
    LesionCourse.NEW: 0,
    LesionCourse.GROWN: 1,
    LesionCourse.RESOLVED: 2,
    LesionCourse.SHRUNK: 3,
    LesionCourse.UNCHANGED: 4,
}


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One study: its place in the plot, and its figures; `labelled` where its date has room."""

    x: float
    y: float
    at: str
    lesion_share_percent: float
    lesion_volume_ml: float
    lung_volume_ml: float
    this_study: bool
    labelled: bool
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the scale."""

    y: float
    words: str


@dataclass(frozen=True, slots=True)
class LesionLine:
    """What became of one lesion; `number` is its own in this study, None where it is gone."""

    number: int | None
    course: str
    side: str
    then_ml: float
    now_ml: float
    growth_percent: float | None


@dataclass(frozen=True, slots=True)
class CourseLines:
    """The course.

    Attributes
    ----------
    points : in the order of time; this study is the last
    path : the points as the `points` of an SVG polyline
    counts : how many lesions became what, in words
    further : how many lesions are not listed
    not_compared : studies that were not used, each with the reason
    unregistered : why lesions are not compared one by one; empty where they are
    """

    points: tuple[PlotPoint, ...]
    path: str
    ticks: tuple[Tick, ...]
    then: str
    counts: tuple[str, ...]
    lesions: tuple[LesionLine, ...]
    further: int
    not_compared: tuple[tuple[str, str], ...]
    unregistered: str

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return len(self.points) > 1 or bool(self.lesions or self.not_compared or self.counts)


def course_lines(reading: Mapping[str, Any]) -> CourseLines:
    """Read what `Reading.facts()` stored; empty where there is no course."""
    course = reading.get("course") or {}
    comparison: Mapping[str, Any] = next(iter(course.get("comparisons") or ()), {})
    points, ticks = _plot(course.get("points") or ())
    lesions = _lesions(comparison.get("lesions") or ())
    return CourseLines(
        points=points,
        path=" ".join(f"{one.x:.1f},{one.y:.1f}" for one in points),
        ticks=ticks,
        then=_day(_moment(comparison.get("then_at"))),
        counts=_counts(lesions),
        lesions=lesions[:_MOST_LESIONS],
        further=max(len(lesions) - _MOST_LESIONS, 0),
        not_compared=tuple(
            (str(one.get("study_instance_uid", "")), translated_row(str(one.get("reason", ""))))
            for one in course.get("not_compared") or ()
        ),
        unregistered=translated_row(str((comparison.get("registration") or {}).get("reason", ""))),
    )


def _plot(stored: Sequence[Mapping[str, Any]]) -> tuple[tuple[PlotPoint, ...], tuple[Tick, ...]]:
    known = [(at, one) for one in stored if (at := _moment(one.get("acquired_at"))) is not None]
    if len(known) < 2 or len({at.tzinfo is None for at, _ in known}) > 1:
        return (), ()
    first, last = known[0][0], known[-1][0]
    length_s = max((last - first).total_seconds(), 1.0)
    shares = [_percent(one) for _, one in known]
    step = _step(max(shares))
    top = step * max(math.ceil(max(shares) / step), 1)
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    xs = [_LEFT + across * (at - first).total_seconds() / length_s for at, _ in known]
    labelled = _labelled(xs)
    points = tuple(
        PlotPoint(
            x=round(x, 1),
            y=round(_TOP + down * (1.0 - share / top), 1),
            at=_day(at),
            lesion_share_percent=share,
            lesion_volume_ml=float(one.get("lesion_volume_ml", 0.0)),
            lung_volume_ml=float(one.get("lung_volume_ml", 0.0)),
            this_study=index == len(known) - 1,
            labelled=labelled[index],
            study_instance_uid=str(one.get("study_instance_uid", "")),
        )
        for index, ((at, one), x, share) in enumerate(zip(known, xs, shares, strict=True))
    )
    ticks = tuple(
        Tick(round(_TOP + down * (1.0 - step * number / top), 1), f"{step * number:g}")
        for number in range(round(top / step) + 1)
    )
    return points, ticks


def _labelled(xs: Sequence[float]) -> list[bool]:
    """Which points have room for their date: the last one always."""
    labelled, next_x = [False] * len(xs), math.inf
    for index in range(len(xs) - 1, -1, -1):
        if next_x - xs[index] >= _LABEL_APART:
            labelled[index], next_x = True, xs[index]
    return labelled


def _step(highest: float) -> float:
    """A round distance of the scale's lines, so that there are about four."""
    rough = max(highest, 0.4) / 4.0
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * nice for nice in _NICE if size * nice >= rough * (1 - 1e-9))


def _lesions(stored: Sequence[Mapping[str, Any]]) -> tuple[LesionLine, ...]:
    known = [one for one in stored if one.get("course") in set(LesionCourse)]
    known.sort(key=lambda one: (_ORDER[LesionCourse(one["course"])], -float(one["now_ml"])))
    return tuple(
        LesionLine(
            number=next(iter(one.get("now_numbers") or ()), None),
            course=str(one["course"]),
            side=str(one.get("side", "")),
            then_ml=float(one["then_ml"]),
            now_ml=float(one["now_ml"]),
            growth_percent=one.get("growth_percent"),
        )
        for one in known
    )


def _counts(lesions: Sequence[LesionLine]) -> tuple[str, ...]:
    number = {course: sum(one.course == course for one in lesions) for course in _ORDER}
    return tuple(f"{count} {course.value}" for course, count in number.items() if count)


def _percent(one: Mapping[str, Any]) -> float:
    share = float(one.get("lesion_share_percent", 0.0))
    return share if math.isfinite(share) and share >= 0 else 0.0


def _moment(stored: object) -> datetime | None:
    try:
        return datetime.fromisoformat(stored) if isinstance(stored, str) else None
    except ValueError:
        return None


def _day(at: datetime | None) -> str:
    """As the scanner's clock said it: the day of an examination is that of its place."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
