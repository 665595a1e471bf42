"""Charts: what is drawn lies within the picture, in the order of the figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worklist.page.charts import HEIGHT, WIDTH, bar_chart, day_chart, duration

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


@given(st.lists(_SECONDS, max_size=12))
def test_bars_lie_within_the_picture(seconds: list[float | None]) -> None:
    """The longest is the longest, and there is room for its figure."""
    chart = bar_chart([("one", "words", one) for one in seconds])
    assert all(0 <= bar.length <= WIDTH - chart.left - 80 for bar in chart.bars)
    assert all(bar.y + chart.thickness <= chart.height for bar in chart.bars)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.0, "0.0 s"), (8.03, "8.0 s"), (119, "119 s"), (121, "2.0 min"),
     (7199, "120 min"), (7200, "2.0 h"), (200_000, "2.3 days"), (-30.0, "-30.0 s")],
)  # fmt: skip
def test_times_are_told_as_people_do(seconds: float | None, words: str) -> None:
    """In the unit in which they are easily read."""
    assert duration(seconds).replace("\u00a0", " ") == words
