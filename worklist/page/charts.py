"""Charts as plain geometry: the places of lines, bars and labels. The template draws the SVG.

Every chart stands beside a table with the same figures, so a screen reader passes over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10

from worklist.words.translations import translated

WIDTH, HEIGHT = 720.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 84.0, 12.0, 12.0, 36.0  # labels are large on a phone
_MOST_LABELS = 7  # of days under the axis
_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))
_BAR, _GAP, _TEXT = 18.0, 6.0, 250.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `points` for its marks, `path` between days that have a figure."""

    key: str
    words: str
    points: tuple[tuple[float, float], ...]
    path: str


@dataclass(frozen=True, slots=True)
class DayChart:
    """Lines over days; ticks are places and what stands there."""

    lines: tuple[Line, ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM

    @property
    def is_empty(self) -> bool:
        """Whether no day has a figure: then its axis is of nothing."""
        return not any(line.points for line in self.lines)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its words to the left and its figure to the right."""

    key: str
    words: str
    figure: str
    y: float
    length: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars below each other."""

    bars: tuple[Bar, ...]
    height: float
    width: float = WIDTH
    left: float = _TEXT
    thickness: float = _BAR


def duration(seconds: float | None) -> str:
    """A time as people say it; a dash where there is none."""
    if seconds is None:
        return "–"
    if abs(seconds) >= 48 * 3600:
        return translated("{n} days").replace("{n} ", f"{seconds / 86400:.1f}\u00a0")
    for size, unit in _UNITS:
        if abs(seconds) >= 2 * size or unit == "s":
            value = seconds / size
            figure = f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
            return f"{figure}\u00a0{unit}".replace("-", "−")
    return ""


def day_chart(
    days: Sequence[str], lines: Sequence[tuple[str, str, Mapping[str, float | None]]]
) -> DayChart:
    """Lines of times over days.

    Parameters
    ----------
    days : in ISO form, all of the period
    lines : key, words, and seconds by day
    """
    found = [one for _, _, values in lines for one in values.values() if one is not None]
    top, step = _scale(max(found, default=1.0))
    wide = (WIDTH - RIGHT - LEFT) / max(len(days), 1)
    x_of = {day: round(LEFT + wide * (at + 0.5), 1) for at, day in enumerate(days)}

    def y_of(seconds: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * seconds / top, 1)

    every = ceil(len(days) / _MOST_LABELS)
    ticks = [step * number for number in range(round(top / step) + 1)]
    return DayChart(
        lines=tuple(
            _line(key, words, [(x_of[day], y_of(at)) if (at := values.get(day)) is not None
                               else None for day in days])
            for key, words, values in lines
        ),
        y_ticks=tuple((y_of(at), duration(at) if at else "0") for at in ticks),
        x_ticks=tuple((x_of[day], day[5:]) for at, day in enumerate(days) if at % every == 0),
    )  # fmt: skip


def _line(key: str, words: str, places: Sequence[tuple[float, float] | None]) -> Line:
    """A day without a figure interrupts the line."""
    path, drawing = [], False
    for place in places:
        if place is not None:
            path.append(f"{'L' if drawing else 'M'}{place[0]} {place[1]}")
        drawing = place is not None
    return Line(key, words, tuple(one for one in places if one is not None), " ".join(path))


def bar_chart(rows: Sequence[tuple[str, str, float | None]]) -> BarChart:
    """Bars of times: key, words, seconds."""
    most = max((seconds for _, _, seconds in rows if seconds is not None), default=0.0) or 1.0
    room = WIDTH - _TEXT - 100.0
    return BarChart(
        bars=tuple(
            Bar(key, words, duration(seconds), at * (_BAR + _GAP),
                round(room * (seconds or 0.0) / most, 1))
            for at, (key, words, seconds) in enumerate(rows)
        ),
        height=len(rows) * (_BAR + _GAP),
    )  # fmt: skip


def _scale(most_s: float) -> tuple[float, float]:
    """End of the axis and the distance of its ticks: two to five, each of which `duration` says
    as it is, with one decimal."""
    most_s = max(most_s, 1.0)
    unit = next(size for size, _ in _UNITS if most_s >= 2 * size or size == 1.0)
    rough = most_s / unit / 4
    power = 10.0 ** int(log10(rough)) if rough >= 1 else 10.0 ** -ceil(-log10(rough))
    factors = (1, 2, 2.5, 5, 10) if power >= 1.0 else (1, 2, 5, 10)
    step = next(factor * power for factor in factors if factor * power >= rough) * unit
    return step * ceil(most_s / step), step
