"""Decides when a study is assumed to be whole, from what has come and how its sender usually sends.

docs/decisions/0053-how-long-a-study-is-waited-for.md, docs/assembly.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from radiology.arrivals.missing import ArrivedSeries, misses_images
from radiology.arrivals.rhythm import Rhythm

_MARGIN: Final = 1.15  # over the longest usual pause
SHORTEST_S: Final = 0.25  # network and disk alone make such pauses


class Why(StrEnum):
    """What a study waits for."""

    RELEASED = "released"  # all is there as far as one can see; a moment more for certainty
    OPEN = "open"  # an association that carried it is open
    BROKEN = "broken"  # an association broke off: the sender will probably come again
    MISSING = "missing"  # images are missing between those that came, or a claimed number is


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """How long a study is waited for, in seconds, as the settings say.

    Attributes
    ----------
    quiet_s : after the last image, where nothing is known of the sender
    released_s : after the last release, where nothing is known of the sender
    longest_s : after the last image, whatever a sender says or has taught
    """

    quiet_s: float
    released_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class ArrivedStudy:
    """A study with images that no version holds. Moments are seconds of one clock.

    Attributes
    ----------
    last_at : when the last image came
    released_at : when the last association that carried them was released; None while one is open
        or was not released
    is_broken : none is open, and one ended without a release, or there was none
    series : of all its images, also those of earlier versions
    """

    last_at: float
    released_at: float | None
    is_broken: bool
    series: tuple[ArrivedSeries, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """The moment from which a study counts as whole, and what it waits for until then."""

    at: float
    why: Why


def expects_more(series: tuple[ArrivedSeries, ...], rhythm: Rhythm) -> bool:
    """Whether missing images say that more of a study are on their way.

    They say nothing of a sender whose gaps have often stayed.
    """
    if rhythm.is_learnt and not rhythm.fills_gaps:
        return False
    return any(misses_images(one) for one in series)


def assumed_whole(study: ArrivedStudy, rhythm: Rhythm, limits: WaitLimits) -> Expected:
    """When a study is assumed to be whole if nothing more comes, and why not sooner.

    Never later than the longest wait after its last image: what comes after that makes another
    version.
    """
    why, since = _state(study, rhythm)
    longest_s = max(limits.longest_s, limits.quiet_s) if rhythm.is_learnt else limits.quiet_s
    wait_s = _wait_s(why, len(study.series), rhythm, limits)
    return Expected(min(since + wait_s, study.last_at + longest_s), why)


def _state(study: ArrivedStudy, rhythm: Rhythm) -> tuple[Why, float]:
    """What it waits for, and since when."""
    if expects_more(study.series, rhythm):
        return Why.MISSING, study.last_at
    if study.is_broken:
        return Why.BROKEN, study.last_at
    if study.released_at is None:
        return Why.OPEN, study.last_at
    return Why.RELEASED, max(study.last_at, study.released_at)


def _wait_s(why: Why, series: int, rhythm: Rhythm, limits: WaitLimits) -> float:
    if why is Why.RELEASED:
        pause_s = rhythm.idle_pause_s(series) if rhythm.is_learnt else None
        return limits.released_s if pause_s is None else _beyond(pause_s)
    if why is Why.BROKEN or not rhythm.is_learnt:
        return limits.quiet_s
    if why is Why.OPEN and not rhythm.releases:
        return _beyond(rhythm.open_pause_s)  # a pause unlike its others
    return limits.longest_s  # the release, or what is missing, is the news


def _beyond(pause_s: float) -> float:
    return max(SHORTEST_S, _MARGIN * pause_s)
