"""When a study is taken for whole: what is known of the sender, and the limits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from radiology.arrivals.lesson import CameImage, learn
from radiology.arrivals.missing import ArrivedSeries
from radiology.arrivals.rhythm import Rhythm, Taught
from radiology.arrivals.whole import ArrivedStudy, WaitLimits, Why, assumed_whole

LIMITS = WaitLimits(quiet_s=5.0, released_s=1.0, longest_s=45.0)
ALL_THERE = ArrivedSeries((1, 2, 3, 4), (None,) * 4)
GAP = ArrivedSeries((1, 2, 4, 5), (None,) * 4)
RELEASED = ArrivedStudy(last_at=100.0, released_at=100.1, is_broken=False, series=(ALL_THERE,))
OPEN = replace(RELEASED, released_at=None)
BROKEN = replace(OPEN, is_broken=True)
USUAL = Taught(open_pause_s=0.02, idle_pauses_s=(0.0,), released=True, missed=False)


def taught(study: Taught, times: int = 10) -> Rhythm:
    """The rhythm of a sender of whom so many studies were like this one."""
    rhythm = Rhythm()
    for _ in range(times):
        rhythm = rhythm.after(study)
    return rhythm


@pytest.mark.parametrize(
    ("study", "at", "why"),
    [
        (RELEASED, 101.1, Why.RELEASED),
        (replace(RELEASED, series=(GAP,)), 105.0, Why.MISSING),
        (OPEN, 105.0, Why.OPEN),
        (replace(OPEN, series=(GAP,)), 105.0, Why.MISSING),
        (BROKEN, 105.0, Why.BROKEN),
        (replace(RELEASED, released_at=130.0), 105.0, Why.RELEASED),
    ],
)
@pytest.mark.parametrize("studies", [0, 4])
def test_an_unknown_sender(study: ArrivedStudy, at: float, why: Why, studies: int) -> None:
    """The fixed waits of the settings; only a gap takes the shorter one away."""
    expected = assumed_whole(study, taught(USUAL, studies), LIMITS)
    assert (expected.at, expected.why) == (pytest.approx(at), why)


@pytest.mark.parametrize(
    ("study", "at"),
    [
        (RELEASED, 100.35),
        (replace(RELEASED, series=(GAP,)), 145.0),
        (OPEN, 145.0),  # it will release
        (BROKEN, 105.0),
    ],
)
def test_a_sender_that_releases(study: ArrivedStudy, at: float) -> None:
    """Its release is enough, unless images are missing, and is waited for."""
    assert assumed_whole(study, taught(USUAL), LIMITS).at == pytest.approx(at)


def test_a_sender_that_never_releases() -> None:
    """A pause unlike its others is enough."""
    rhythm = taught(replace(USUAL, open_pause_s=2.0, released=False))
    assert 102.0 < assumed_whole(OPEN, rhythm, LIMITS).at < 103.5


def test_a_sender_that_comes_again() -> None:
    """It pauses while there is one series, and not when there are two."""
    rhythm = taught(replace(USUAL, idle_pauses_s=(20.0, 0.0)))
    assert 120.0 < assumed_whole(RELEASED, rhythm, LIMITS).at < 130.0
    two = replace(RELEASED, series=(ALL_THERE, ALL_THERE))
    assert assumed_whole(two, rhythm, LIMITS).at == pytest.approx(100.35)


def test_gaps_that_were_never_filled_say_nothing() -> None:
    """A sender of every study with gaps is not waited for."""
    rhythm = taught(replace(USUAL, missed=True))
    study = replace(RELEASED, series=(GAP,))
    assert assumed_whole(study, rhythm, LIMITS).at == pytest.approx(100.35)


@pytest.mark.parametrize("study", [RELEASED, OPEN, BROKEN, replace(RELEASED, series=(GAP,))])
@pytest.mark.parametrize("pause_s", [44.0, 50.0, 1e9])
@pytest.mark.parametrize("released", [True, False])
def test_nobody_is_waited_for_longer_than_the_limit(
    study: ArrivedStudy, pause_s: float, released: bool
) -> None:
    """Whatever a sender has taught: studies with long pauses, a thousand times."""
    hostile = Taught(pause_s, (pause_s,) * 4, released, missed=False)
    assert assumed_whole(study, taught(hostile, 1000), LIMITS).at <= 145.0


def test_what_was_learnt_has_a_fixed_size_and_fades() -> None:
    """A thousand slow studies are outvoted by some hundreds of quick ones."""
    rhythm = taught(replace(USUAL, idle_pauses_s=(40.0,) * 9), 1000)
    assert len(json.dumps(rhythm.facts())) < 6000
    for _ in range(1000):
        rhythm = rhythm.after(USUAL)
    assert assumed_whole(RELEASED, rhythm, LIMITS).at == pytest.approx(100.35)


def test_what_was_learnt_is_read_again() -> None:
    """Through JSON, as a row keeps it."""
    rhythm = taught(replace(USUAL, open_pause_s=3.0, idle_pauses_s=(7.0, 99.0)), 300)
    assert Rhythm.from_facts(json.loads(json.dumps(rhythm.facts()))) == rhythm


@pytest.mark.parametrize(
    "change",
    [
        {"studies": -1},
        {"released": float("nan")},
        {"open_pauses": [1.0]},
        {"idle_pauses": []},
        {"idle_pauses": 3},
        {"missed": "many"},
    ],
)
def test_what_is_damaged_is_not_read(change: dict[str, object]) -> None:
    """Another shape, or numbers that count nothing."""
    with pytest.raises(ValueError, match="learnt"):
        Rhythm.from_facts(Rhythm().facts() | change)


def test_a_version_begun_too_soon_is_no_sign_of_gaps_that_stay() -> None:
    """The gap was filled after 20 s; after ten such studies a gap is still waited for."""
    first = [CameImage(k * 0.1, "1", n, None, None, 1, True) for k, n in enumerate((1, 2, 4, 5))]
    late = CameImage(20.5, "1", 3, None, None, 2, True)
    rhythm = Rhythm()
    for _ in range(10):
        rhythm = learn(rhythm, first, {1: 0.4}, 45.0)
        again = [replace(one, is_new=False) for one in first]
        rhythm = learn(rhythm, [*again, late], {1: 0.4, 2: 20.6}, 45.0)
    study = replace(RELEASED, series=(GAP,))
    assert assumed_whole(study, rhythm, LIMITS).why is Why.MISSING
