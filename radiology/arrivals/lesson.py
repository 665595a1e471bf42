"""What a study that was assembled teaches of its sender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from radiology.arrivals.missing import ArrivedSeries, misses_images
from radiology.arrivals.rhythm import SERIES_TOLD_APART, Rhythm, Taught
from radiology.arrivals.whole import expects_more

_MOST_LOOKED_AT: Final = 20  # pauses, the longest: whether a gap explains one takes a look at all


@dataclass(frozen=True, slots=True)
class CameImage:
    """One image as it came. Moments are seconds of one clock.

    Attributes
    ----------
    association : any key; None: it came without one
    is_new : it is of the version that is assembled, and of no earlier one
    """

    at: float
    series: str
    number: int | None
    position_mm: float | None
    claimed: int | None
    association: int | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Pause:
    """Before an image: so many had come, of so many series."""

    length_s: float
    is_idle: bool
    images: int
    series: int


def series_of(images: Sequence[CameImage]) -> tuple[ArrivedSeries, ...]:
    """The series of some images."""
    of: dict[str, list[CameImage]] = {}
    for image in images:
        of.setdefault(image.series, []).append(image)
    return tuple(
        ArrivedSeries(
            numbers=tuple(one.number for one in some),
            positions_mm=tuple(one.position_mm for one in some),
            claimed=max((one.claimed for one in some if one.claimed is not None), default=None),
        )
        for some in of.values()
    )


def learn(
    rhythm: Rhythm,
    images: Sequence[CameImage],
    released_at: Mapping[int, float | None],
    longest_s: float,
) -> Rhythm:
    """The rhythm of a sender after one more assembly of a study.

    Where images came within the longest wait after an earlier version, that version was begun too
    soon, and what it taught but its pauses is taken back.

    Parameters
    ----------
    rhythm : what is known of the sender so far
    images : all of the study
    released_at : by association, when it was released; None: it was not, until now
    longest_s : the longest wait, seconds
    """
    ordered = sorted(images, key=lambda one: one.at)
    taught = _lesson(ordered, released_at, rhythm, longest_s)
    earlier = [replace(one, is_new=True) for one in ordered if not one.is_new]
    new = [one.at for one in ordered if one.is_new]
    too_soon = bool(earlier and new) and new[0] - earlier[-1].at <= longest_s
    before = _lesson(earlier, released_at, rhythm, longest_s) if too_soon else None
    return rhythm.after(taught, instead_of=before)


def _lesson(
    ordered: Sequence[CameImage],
    released_at: Mapping[int, float | None],
    rhythm: Rhythm,
    longest_s: float,
) -> Taught:
    """What a study teaches.

    A pause counts only where no gap said that more was to come: those are the ones that must be
    waited for. One that is longer than the longest wait does not count, because none is waited for.
    """
    series = series_of(ordered)
    open_pause_s, idle_s = 0.0, [0.0] * min(len(series), SERIES_TOLD_APART)
    pauses = [one for one in _pauses(ordered, released_at) if one.length_s <= longest_s]
    pauses.sort(key=lambda one: one.length_s, reverse=True)
    for pause in pauses[:_MOST_LOOKED_AT]:
        place = min(pause.series, len(idle_s)) - 1
        known_s = idle_s[place] if pause.is_idle else open_pause_s
        if pause.length_s <= known_s or expects_more(series_of(ordered[: pause.images]), rhythm):
            continue
        if pause.is_idle:
            idle_s[place] = pause.length_s
        else:
            open_pause_s = pause.length_s
    carried = {one.association for one in ordered if one.is_new}
    return Taught(
        open_pause_s=open_pause_s,
        idle_pauses_s=tuple(idle_s),
        released=all(one is not None and released_at.get(one) is not None for one in carried),
        missed=any(misses_images(one) for one in series),
    )


def _pauses(ordered: Sequence[CameImage], released_at: Mapping[int, float | None]) -> list[_Pause]:
    """Before each new image but the first of all."""
    pauses = []
    ended, never_ends = float("-inf"), False
    series: set[str] = set()
    for k, (before, after) in enumerate(pairwise(ordered), start=1):
        release = None if before.association is None else released_at.get(before.association)
        if release is None:
            never_ends = True
        else:
            ended = max(ended, release)
        series.add(before.series)
        if after.is_new:
            idle = not never_ends and ended <= after.at
            since = max(before.at, ended) if idle else before.at
            pauses.append(_Pause(after.at - since, idle, k, len(series)))
    return pauses
