"""Charts: what is drawn lies within the picture, in the order of the figures."""

from __future__ import annotations

import contextvars

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.language import Language
from worklist.page.charts import HEIGHT, WIDTH, bar_chart, day_chart, duration
from worklist.words.translations import use_language

_SECONDS = st.none() | st.floats(0, 1e7)


@given(st.lists(_SECONDS, min_size=1, max_size=92))
def test_lines_lie_within_the_picture(seconds: list[float | None]) -> None:
    """More time is higher up, a day without a figure has no mark, and ticks reach the longest."""
    days = [f"2026-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(len(seconds))]
    chart = day_chart(days, [("all", "all", dict(zip(days, seconds, strict=True)))])
    (line,) = chart.lines
    came = [one for one in seconds if one is not None]
    assert len(line.points) == len(came)
    assert line.path.count("M") + line.path.count("L") == len(came)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line.points)
    heights = [y for _, y in line.points]
    for (one, y), (other, z) in zip(
        zip(came, heights, strict=True), zip(came[1:], heights[1:], strict=True), strict=False
    ):
        assert one >= other or y >= z
    assert 2 <= len(chart.y_ticks) <= 8
    assert len(chart.x_ticks) <= 10
    assert chart.is_empty == (not came)


def test_days_are_days_in_the_readers_language() -> None:
    """The one unit that is no symbol."""

    def said() -> str:
        use_language(Language.CHINESE)
        return duration(200_000)

    assert contextvars.copy_context().run(said) == "2.3\u00a0天"


@pytest.mark.parametrize("longest_s", [0.3, 1.0, 1.9, 7.0, 45.0, 150.0, 5000.0, 40_000.0])
def test_ticks_say_where_they_stand(longest_s: float) -> None:
    """Marks that lie equally far apart are said equally far apart."""
    chart = day_chart(["2026-11-01"], [("all", "all", {"2026-11-01": longest_s})])
    seconds = {"s": 1.0, "min": 60.0, "h": 3600.0}
    said = [words.split("\u00a0") for _, words in chart.y_ticks[1:]]
    at = [float(number) * seconds[unit] for number, unit in said]
    assert at == pytest.approx([at[0] * (place + 1) for place in range(len(at))])


@given(st.lists(_SECONDS, max_size=12))
def test_bars_lie_within_the_picture(seconds: list[float | None]) -> None:
    """The longest is the longest, and there is room for its figure."""
    chart = bar_chart([("one", "words", one) for one in seconds])
    assert all(0 <= bar.length <= WIDTH - chart.left - 80 for bar in chart.bars)
    assert all(bar.y + chart.thickness <= chart.height for bar in chart.bars)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.0, "0.0 s"), (8.03, "8.0 s"), (119, "119 s"), (121, "2.0 min"),
     (7199, "120 min"), (7200, "2.0 h"), (200_000, "2.3 days"), (-30.0, "−30.0 s")],
)  # fmt: skip
def test_times_are_told_as_people_do(seconds: float | None, words: str) -> None:
    """In the unit in which they are easily read."""
    assert duration(seconds).replace("\u00a0", " ") == words
