"""Whether images seem to be missing between those of a series that are there."""

from __future__ import annotations

import pytest

from radiology.arrivals.missing import ArrivedSeries, misses_images


def series(
    numbers: list[int | None] | None = None,
    positions: list[float | None] | None = None,
    claimed: int | None = None,
) -> ArrivedSeries:
    """A series; what is not given is unknown of each image."""
    length = len(numbers or positions or [])
    return ArrivedSeries(
        tuple(numbers or [None] * length), tuple(positions or [None] * length), claimed
    )


@pytest.mark.parametrize(
    ("some", "misses"),
    [
        (series([]), False),
        (series([7]), False),
        (series([1, 2, 3, 4]), False),
        (series([4, 2, 3, 1]), False),
        (series([1, 2, 4, 5]), True),
        (series([101, 102, 103]), False),  # begins where the scanner likes
        (series([1, 3, 5, 7, 9]), False),  # every other one, as some reconstructions
        (series([1, 3, 5, 9, 11]), True),
        (series(None, [0.0, 2.5, 5.0, 7.5]), False),
        (series(None, [7.5, 0.0, 5.0, 2.5]), False),
        (series(None, [0.0, 2.5, 7.5, 10.0]), True),
        (series(None, [0.0, 2.5, 7.51, 10.0]), True),
        (series(None, [0.0, 2.499, 5.002, 7.5]), False),  # decimal strings are rounded
        (series(None, [0.0, 2.5, 5.0, 0.0, 2.5, 5.0]), False),  # two phases of a heart
        (series([1, 1, 1], [0.0, 2.5, 7.5]), True),
        (series([1, 1, 1, 1], [0.0, 2.5, 5.0, 10.0]), True),  # numbers say nothing, places do
        (series([1, 2, 3, 4], [0.0, 2.5, 5.0, 10.0]), False),  # numbers say that all is there
        (series([1, 2, None, 4], [0.0, 2.5, 5.0, 7.5]), False),
        (series([1, 2, None, 4]), False),  # nobody can know
        (series([1, 2], claimed=3), True),
        (series([1, 2, 3], claimed=3), False),
        (series([1, 2, 3], claimed=2), False),
        (series([1, 2, 3], claimed=10_001), False),  # no series is so long
        (series([1, 2, 3], claimed=-1), False),
    ],
)
def test_gaps(some: ArrivedSeries, misses: bool) -> None:
    """Numbers decide where each image has one of its own, places otherwise; claims have a limit."""
    assert misses_images(some) is misses
