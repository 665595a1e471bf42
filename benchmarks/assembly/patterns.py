"""How studies arrive: each pattern gives one study after another, drawn from a seed.

Moments are seconds from the first image of the study.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Image:
    """An image that arrives."""

    at: float
    series: str
    number: int | None
    position_mm: float | None
    association: int
    claimed: int | None = None


@dataclass(slots=True)
class SentStudy:
    """A study that arrives. `ends` says when each association was released; None: never."""

    images: list[Image] = field(default_factory=list)
    ends: dict[int, float | None] = field(default_factory=dict)


Draw = Callable[[random.Random], SentStudy]


def _series(
    draw: random.Random,
    *,
    begin: float,
    slices: int,
    pause: Callable[[], float],
    association: int = 1,
    name: str = "1",
) -> list[Image]:
    """A series as it is sent: in order, one pause before each image but the first."""
    images, at = [], begin
    for k in range(slices):
        at += pause() if k else 0.0
        images.append(Image(at, name, k + 1, 2.5 * k, association))
    return images


def _fast(draw: random.Random) -> Callable[[], float]:
    return lambda: draw.uniform(0.01, 0.05)


def _slices(draw: random.Random) -> int:
    return draw.randint(40, 90)


def _released(images: list[Image], after: float = 0.05) -> SentStudy:
    """Each association is released a moment after its last image."""
    images.sort(key=lambda one: one.at)
    last = {one.association: one.at for one in images}
    return SentStudy(images, {key: at + after for key, at in last.items()})


def _one_association(draw: random.Random) -> SentStudy:
    return _released(_series(draw, begin=0, slices=_slices(draw), pause=_fast(draw)))


def _each_series(draw: random.Random) -> SentStudy:
    """Two to four series, an association for each, up to two seconds between them."""
    images: list[Image] = []
    begin = 0.0
    for k in range(1, draw.randint(2, 4) + 1):
        images += _series(
            draw,
            begin=begin,
            slices=draw.randint(20, 40),
            pause=_fast(draw),
            association=k,
            name=str(k),
        )
        begin = images[-1].at + draw.uniform(0.1, 2.0)
    return _released(images)


def _each_image(draw: random.Random) -> SentStudy:
    images = _series(draw, begin=0, slices=_slices(draw), pause=lambda: draw.uniform(0.05, 0.25))
    return _released([replace(one, association=k) for k, one in enumerate(images)], after=0.01)


def _stalls(draw: random.Random) -> SentStudy:
    """One association; somewhere in the middle nothing comes for 2 to 40 s."""
    images = _series(draw, begin=0, slices=_slices(draw), pause=_fast(draw))
    return _released(_stalled(images, draw.randrange(5, len(images) - 5), draw.uniform(2, 40)))


def _stalled(images: Sequence[Image], where: int, length_s: float) -> list[Image]:
    return [
        replace(one, at=one.at + (length_s if k >= where else 0.0)) for k, one in enumerate(images)
    ]


def _while_scanning(draw: random.Random) -> SentStudy:
    slice_s = draw.uniform(0.5, 3.0)
    return _released(
        _series(draw, begin=0, slices=_slices(draw), pause=lambda: slice_s * draw.uniform(0.8, 1.2))
    )


def _two_at_once(draw: random.Random) -> SentStudy:
    """Two machines send a series each into one study, at their own rates."""
    first = _series(draw, begin=0, slices=_slices(draw), pause=_fast(draw))
    second = _series(
        draw,
        begin=draw.uniform(0, 0.5),
        slices=_slices(draw),
        pause=lambda: draw.uniform(0.02, 0.15),
        association=2,
        name="2",
    )
    return _released(first + second)


def _late_series(draw: random.Random) -> SentStudy:
    """A reconstruction that is made minutes later."""
    first = _series(draw, begin=0, slices=_slices(draw), pause=_fast(draw))
    late = _series(
        draw,
        begin=first[-1].at + draw.uniform(120, 600),
        slices=30,
        pause=_fast(draw),
        association=2,
        name="2",
    )
    return _released(first + late)


def _out_of_order(draw: random.Random) -> SentStudy:
    sent = _one_association(draw)
    moments = [one.at for one in sent.images]
    draw.shuffle(sent.images)
    shuffled = zip(sent.images, moments, strict=True)
    return _with_images(sent, [replace(one, at=at) for one, at in shuffled])


def _with_images(sent: SentStudy, images: list[Image]) -> SentStudy:
    """The same associations with other images."""
    return SentStudy(images, sent.ends)


def _duplicates(draw: random.Random) -> SentStudy:
    """A tenth is sent twice; the second copy changes nothing but holds the association open."""
    sent = _one_association(draw)
    again = len(sent.images) // 10
    (end,) = (one for one in sent.ends.values() if one is not None)
    return SentStudy(sent.images, {1: end + again * 0.03})


def _localiser_first(draw: random.Random) -> SentStudy:
    """Two localisers, then 8 to 30 s until the scan, in an association of its own."""
    localiser = [
        Image(0.0, "L", 1, 0.0, 1),
        Image(0.1, "L", 2, 0.0, 1),
    ]
    scan = _series(
        draw,
        begin=draw.uniform(8, 30),
        slices=_slices(draw),
        pause=_fast(draw),
        association=2,
        name="2",
    )
    return _released(localiser + scan)


def _never_releases(draw: random.Random) -> SentStudy:
    return SentStudy(_one_association(draw).images, {1: None})


def _gaps_for_good(draw: random.Random) -> SentStudy:
    """A few images of each series are never sent."""
    sent = _one_association(draw)
    holes = set(draw.sample(range(5, len(sent.images) - 5), 3))
    return _with_images(sent, [one for k, one in enumerate(sent.images) if k not in holes])


def _no_numbers(draw: random.Random) -> SentStudy:
    """No Instance Numbers; in two associations, the second fills every third place."""
    images = [
        replace(one, number=None)
        for one in _series(draw, begin=0, slices=_slices(draw), pause=_fast(draw))
    ]
    holes = [one for k, one in enumerate(images) if k % 3 == 1]
    rest = [one for k, one in enumerate(images) if k % 3 != 1]
    begin = rest[-1].at + draw.uniform(1, 6)
    filled = [replace(one, at=begin + 0.03 * k, association=2) for k, one in enumerate(holes)]
    return _released(rest + filled)


def _claims_too_much(draw: random.Random) -> SentStudy:
    """Each image claims that its series has many more."""
    sent = _one_association(draw)
    return _with_images(sent, [replace(one, claimed=5000) for one in sent.images])


def _now_and_then_stalls(draw: random.Random) -> SentStudy:
    """An association for each series, as above; in one study of fifty a stall between two."""
    sent = _each_series(draw)
    if draw.random() >= 0.02:
        return sent
    where = next(k for k, one in enumerate(sent.images) if one.association == 2)
    return _released(_stalled(sent.images, where, draw.uniform(2, 40)))


PATTERNS: Final[dict[str, Draw]] = {
    "one association with all": _one_association,
    "an association for each series": _each_series,
    "the same, one study in fifty stalls between two": _now_and_then_stalls,
    "an association for each image": _each_image,
    "a stall of 2 to 40 s in the middle": _stalls,
    "sent while it is scanned, 0.5 to 3 s a slice": _while_scanning,
    "two machines at once": _two_at_once,
    "out of order": _out_of_order,
    "duplicates": _duplicates,
    "localiser first, the scan 8 to 30 s later": _localiser_first,
    "a sender that never releases": _never_releases,
    "gaps that are never filled": _gaps_for_good,
    "no Instance Numbers, the rest in a second association": _no_numbers,
    "a claim of 5,000 images": _claims_too_much,
    "a series minutes later": _late_series,
}
"""By what is special about them."""

LATER_THAN_ANY_WAIT: Final = "a series minutes later"
"""Its second version is what must come of it; it is counted apart."""
