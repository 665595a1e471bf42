"""Replayed arrivals: how long studies wait, and how many are begun too soon."""

from __future__ import annotations

from statistics import median

import pytest

from benchmarks.assembly.__main__ import LIMITS
from benchmarks.assembly.patterns import LATER_THAN_ANY_WAIT, PATTERNS
from benchmarks.assembly.replay import Adaptive, Fixed, Replayed, figures, outcomes
from radiology.arrivals.rhythm import Rhythm

_STUDIES = 40
_AT_FIRST = 12  # while the sender is a stranger


@pytest.fixture(scope="module")
def replayed() -> dict[str, list[Replayed]]:
    """Some studies of a sender by each pattern, its first ones among them."""
    return {
        name: outcomes(draw, Adaptive(LIMITS), studies=_STUDIES, seed=7)
        for name, draw in PATTERNS.items()
    }


def test_a_known_sender(replayed: dict[str, list[Replayed]]) -> None:
    """The median wait is under a second, and fewer than one start in a hundred is premature."""
    some = [
        one
        for name, those in replayed.items()
        if name != LATER_THAN_ANY_WAIT
        for one in those[_AT_FIRST:]
    ]
    assert median(one.wait_s for one in some) < 1.0
    assert sum(one.is_premature for one in some) < 0.01 * len(some)


def test_every_study_is_read_whole_in_the_end(replayed: dict[str, list[Replayed]]) -> None:
    """Whatever was premature, a version follows that holds all, within the longest wait."""
    for those in replayed.values():
        assert all(0 <= one.wait_s <= LIMITS.longest_s + 0.5 for one in those)


def test_a_series_minutes_later_makes_a_second_version(
    replayed: dict[str, list[Replayed]],
) -> None:
    """And is not waited for."""
    assert all(len(one.starts) == 2 for one in replayed[LATER_THAN_ANY_WAIT])
    assert figures(replayed[LATER_THAN_ANY_WAIT]).median_s < 1.0


def test_what_was_learnt_survives_a_restart() -> None:
    """A rhythm that was stored and read goes on as if nothing had been."""
    draw = PATTERNS["an association for each series"]
    before = Adaptive(LIMITS)
    outcomes(draw, before, studies=20, seed=1)
    after = Adaptive(LIMITS, Rhythm.from_facts(before.rhythm.facts()))
    assert outcomes(draw, after, studies=20, seed=2) == outcomes(draw, before, studies=20, seed=2)
    assert after.rhythm == before.rhythm


def test_the_fixed_rule_is_the_old_one() -> None:
    """A release and a second, or five seconds; a sweep is up to half a second late."""
    released = outcomes(PATTERNS["one association with all"], Fixed(), studies=20, seed=3)
    assert all(1.0 <= one.wait_s <= 1.6 for one in released)
    open_still = outcomes(PATTERNS["a sender that never releases"], Fixed(), studies=20, seed=3)
    assert all(5.0 <= one.wait_s <= 5.5 for one in open_still)
