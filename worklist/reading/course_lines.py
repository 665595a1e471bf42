"""The course of a patient as a plot and a table, and the change of each thing that is followed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from radiology.answer.lesions import Became, Followed
from radiology.answer.measurement import Measurement
from radiology.answer.reading import Reading, TimePoint
from radiology.codes import Code
from radiology.unit_words import unit_words
from worklist.reading.figures import leading_measurement
from worklist.words.declared_titles import titled
from worklist.words.translations import translated, translated_row

# Of the plot, in its own units; the margins hold the letters.
WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 24.0, 18.0, 40.0
_LABEL_APART = 92.0  # two dates that are nearer would be written over each other
_MOST_FOLLOWED = 40
_MOST_DECIMALS = 1
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_ORDER = (Became.NEW, Became.GROWN, Became.RESOLVED, Became.SHRUNK, Became.UNCHANGED)


@dataclass(frozen=True, slots=True)
class CourseColumn:
    """What is measured at each time; the first one is plotted."""

    title: str
    unit: str
    decimals: int


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One study: its place in the plot, and its figures; `labelled` where its date has room.

    `cells` are the figures of the columns; None where nothing was measured.
    """

    x: float
    y: float
    at: str
    value: float
    cells: tuple[float | None, ...]
    this_study: bool
    labelled: bool
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the scale."""

    y: float
    words: str


@dataclass(frozen=True, slots=True)
class FollowedLine:
    """What became of one lesion; `number` is its own in this study, None where it is gone."""

    number: int | None
    became: str
    place: str
    then: float
    now: float
    unit: str
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

    columns: tuple[CourseColumn, ...] = ()
    points: tuple[PlotPoint, ...] = ()
    path: str = ""
    ticks: tuple[Tick, ...] = ()
    then: str = ""
    counts: tuple[str, ...] = ()
    followed: tuple[FollowedLine, ...] = ()
    further: int = 0
    not_compared: tuple[tuple[str, str], ...] = ()
    unregistered: str = ""

    @property
    def any(self) -> bool:
        """Whether there is something to show."""
        return len(self.points) > 1 or bool(self.followed or self.not_compared or self.counts)


def course_lines(reading: Reading | None) -> CourseLines:
    """The course of a reading; empty where there is none."""
    if reading is None:
        return CourseLines()
    concepts = _concepts(reading)
    points, ticks = _plot(reading.course, concepts)
    followed = sorted(reading.followed, key=lambda one: (_ORDER.index(one.became), -one.now.value))
    compared = reading.comparison
    return CourseLines(
        columns=tuple(_column(concept, reading) for concept in concepts),
        points=points,
        path=" ".join(f"{one.x:.1f},{one.y:.1f}" for one in points),
        ticks=ticks,
        then="" if compared is None else _day(compared.earlier.acquired_at),
        counts=_counts(followed),
        followed=tuple(_followed_line(one) for one in followed[:_MOST_FOLLOWED]),
        further=max(len(followed) - _MOST_FOLLOWED, 0),
        not_compared=tuple(
            (study.study_instance_uid, translated_row(study.reason)) for study in reading.left_out
        ),
        unregistered="" if compared is None else translated_row(compared.reason),
    )


def measured_at(point: TimePoint, concept: Code) -> Measurement | None:
    """What was measured of a concept at one time."""
    return next((one for one in point.measurements if one.concept == concept), None)


def _concepts(reading: Reading) -> tuple[Code, ...]:
    """What is known of every study, that first which the summary tells first."""
    if not reading.course:
        return ()
    known = [
        measurement.concept
        for measurement in reading.course[-1].measurements
        if all(measured_at(point, measurement.concept) is not None for point in reading.course)
    ]
    leading = leading_measurement(reading)
    first = None if leading is None else leading.concept
    return tuple(sorted(known, key=lambda concept: concept != first))


def _column(concept: Code, reading: Reading) -> CourseColumn:
    measured = measured_at(reading.course[-1], concept)
    unit = "" if measured is None else unit_words(measured.unit)
    places = 0 if measured is None or measured.decimals is None else measured.decimals
    return CourseColumn(titled(concept.meaning, reading.report), unit, min(places, _MOST_DECIMALS))


def _plot(
    course: Sequence[TimePoint], concepts: Sequence[Code]
) -> tuple[tuple[PlotPoint, ...], tuple[Tick, ...]]:
    known = [(one.acquired_at, one) for one in course if one.acquired_at is not None]
    if len(known) < 2 or not concepts or len({at.tzinfo is None for at, _ in known}) > 1:
        return (), ()
    first, last = known[0][0], known[-1][0]
    length_s = max((last - first).total_seconds(), 1.0)
    cells = [tuple(_value(one, concept) for concept in concepts) for _, one in known]
    values = [max(one[0] or 0.0, 0.0) for one in cells]
    step = _step(max(values))
    top = step * max(math.ceil(max(values) / step), 1)
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    xs = [_LEFT + across * (at - first).total_seconds() / length_s for at, _ in known]
    labelled = _labelled(xs)
    points = tuple(
        PlotPoint(
            x=round(xs[index], 1),
            y=round(_TOP + down * (1.0 - values[index] / top), 1),
            at=_day(at),
            value=values[index],
            cells=cells[index],
            this_study=index == len(known) - 1,
            labelled=labelled[index],
            study_instance_uid=point.study_instance_uid,
        )
        for index, (at, point) in enumerate(known)
    )
    ticks = tuple(
        Tick(round(_TOP + down * (1.0 - step * number / top), 1), f"{step * number:g}")
        for number in range(round(top / step) + 1)
    )
    return points, ticks


def _value(point: TimePoint, concept: Code) -> float | None:
    measured = measured_at(point, concept)
    return None if measured is None else float(measured.value)


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


def _counts(followed: Sequence[Followed]) -> tuple[str, ...]:
    counts = Counter(one.became for one in followed)
    return tuple(f"{counts[one]} {translated(one.value)}" for one in _ORDER if counts[one])


def _followed_line(followed: Followed) -> FollowedLine:
    return FollowedLine(
        followed.number,
        followed.became.value,
        followed.place,
        float(followed.then.value),
        float(followed.now.value),
        unit_words(followed.now.unit),
        followed.growth_percent,
    )


def _day(at: datetime | None) -> str:
    """As the scanner's clock said it: the day of an examination is that of its place."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
