"""Replays arriving studies against a rule, sweep by sweep, without a database or a clock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Protocol

from benchmarks.assembly.patterns import Draw, Image, SentStudy
from radiology.arrivals.lesson import CameImage, learn, series_of
from radiology.arrivals.rhythm import Rhythm
from radiology.arrivals.whole import ArrivedStudy, WaitLimits, assumed_whole

_SWEEP_S: Final = 0.5  # the setting's default


@dataclass(frozen=True, slots=True)
class SeenStudy:
    """A study at one moment."""

    now: float
    images: list[Image]
    assembled: int  # so many of the images are in a version
    ends: dict[int, float | None]  # of what has ended by now


class Rule(Protocol):
    """Says when a study is assembled."""

    def due(self, seen: SeenStudy) -> float:
        """The moment from which it may be, if nothing more happens."""

    def learn(self, seen: SeenStudy) -> None:
        """It was assembled."""


class Fixed:
    """Today's: 5 s after the last image, or 1 s after every release."""

    def due(self, seen: SeenStudy) -> float:
        """See `Rule`."""
        fresh = seen.images[seen.assembled :]
        last = fresh[-1].at + 5.0
        ends = [seen.ends.get(one.association) for one in fresh]
        known = [one for one in ends if one is not None]
        return min(last, max(known) + 1.0) if len(known) == len(ends) else last

    def learn(self, seen: SeenStudy) -> None:
        """Nothing."""


class Adaptive:
    """The one of `radiology.arrivals`, with what it learns of this sender."""

    def __init__(self, limits: WaitLimits, rhythm: Rhythm | None = None) -> None:
        self.rhythm = rhythm or Rhythm()
        self._limits = limits

    def due(self, seen: SeenStudy) -> float:
        """See `Rule`."""
        fresh = seen.images[seen.assembled :]
        ends = [seen.ends.get(one.association) for one in fresh]
        known = [one for one in ends if one is not None]
        study = ArrivedStudy(
            last_at=fresh[-1].at,
            released_at=max(known) if len(known) == len(ends) else None,
            is_broken=False,
            series=series_of(_came(seen)),
        )
        return assumed_whole(study, self.rhythm, self._limits).at

    def learn(self, seen: SeenStudy) -> None:
        """See `Rule`."""
        self.rhythm = learn(self.rhythm, _came(seen), seen.ends, self._limits.longest_s)


def _came(seen: SeenStudy) -> list[CameImage]:
    return [
        CameImage(
            one.at,
            one.series,
            one.number,
            one.position_mm,
            one.claimed,
            one.association,
            is_new=k >= seen.assembled,
        )
        for k, one in enumerate(seen.images)
    ]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one study: when each version began, and when its last image came."""

    starts: tuple[float, ...]
    last_at: float

    @property
    def is_premature(self) -> bool:
        """Whether a version began before the last image."""
        return self.starts[0] < self.last_at

    @property
    def wait_s(self) -> float:
        """From the last image to the beginning of the version that holds it."""
        return self.starts[-1] - self.last_at


def replay(sent: SentStudy, rule: Rule, phase: float) -> Replayed:
    """Let one study arrive; sweeps come every half second, the first at `phase`."""
    ends = [at for at in sent.ends.values() if at is not None]
    changes = sorted({one.at for one in sent.images} | set(ends))
    starts: list[float] = []
    assembled = 0
    for now, following in zip(changes, [*changes[1:], float("inf")], strict=True):
        images = [one for one in sent.images if one.at <= now]
        if assembled == len(images):
            continue
        seen = SeenStudy(
            now,
            images,
            assembled,
            {key: at for key, at in sent.ends.items() if at is not None and at <= now},
        )
        sweep = _next_sweep(max(now, rule.due(seen)), phase)
        if sweep < following:
            starts.append(sweep)
            rule.learn(seen)
            assembled = len(images)
    return Replayed(tuple(starts), max(one.at for one in sent.images))


def _next_sweep(moment: float, phase: float) -> float:
    turns = -((phase - moment) // _SWEEP_S)
    return phase + turns * _SWEEP_S


@dataclass(frozen=True, slots=True)
class WaitFigures:
    """Of one pattern and one rule; waits in seconds."""

    studies: int
    median_s: float
    centile_95_s: float
    longest_s: float
    premature: int
    premature_at_first: int  # of these, among the first ten of a sender


_AT_FIRST: Final = 10


def outcomes(draw: Draw, rule: Rule, *, studies: int, seed: int) -> list[Replayed]:
    """Let so many studies of one sender arrive, one after the other."""
    dice = random.Random(seed)
    return [replay(draw(dice), rule, dice.uniform(0, _SWEEP_S)) for _ in range(studies)]


def figures(some: list[Replayed]) -> WaitFigures:
    """Sum up."""
    waits = [one.wait_s for one in some]
    return WaitFigures(
        studies=len(some),
        median_s=median(waits),
        centile_95_s=quantiles(waits, n=20)[-1],
        longest_s=max(waits),
        premature=sum(one.is_premature for one in some),
        premature_at_first=sum(one.is_premature for one in some[:_AT_FIRST]),
    )
