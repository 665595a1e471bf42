"""What changed against an earlier CT, as reports and pictures tell it.

Comparing is not done here: a comparison is any value with the attributes below. What is told is
the lesion volume then and now, of lungs, lobes or zones, and what became of the lesions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from radiology.finding import Side
from radiology.territory import Territory


class MeasuredRegion(Protocol):
    """A lung, lobe or zone at one time."""

    @property
    def lesion_volume_ml(self) -> float:
        """Lesion volume in it."""
        ...


class RegionChange(Protocol):
    """A lung, lobe or zone then and now."""

    @property
    def then(self) -> MeasuredRegion:
        """In the earlier study."""
        ...

    @property
    def now(self) -> MeasuredRegion:
        """In this study."""
        ...

    @property
    def lesion_growth_percent(self) -> float | None:
        """Growth relative to then; None where there was no lesion to grow from."""
        ...


class LesionCourse(Protocol):
    """What became of a lesion."""

    @property
    def course(self) -> str:
        """One of "new", "grown", "unchanged", "shrunk", "resolved"."""
        ...


class PriorChange(Protocol):
    """This study compared with an earlier one of the same patient.

    `territories` and `lesions` are empty where the two could not be laid upon each other.
    """

    @property
    def then_at(self) -> datetime | None:
        """When the earlier images were acquired; None where the headers do not say."""
        ...

    @property
    def lungs(self) -> Mapping[Side, RegionChange]:
        """Right, left and both."""
        ...

    @property
    def territories(self) -> Mapping[Territory, RegionChange]:
        """Lobes or zones."""
        ...

    @property
    def lesions(self) -> Sequence[LesionCourse]:
        """Lesions of either study."""
        ...


def change_title(prior: PriorChange) -> str:
    """Since when, by the day."""
    if prior.then_at is None:
        return "Change since the earlier study"
    return f"Change since {prior.then_at:%Y-%m-%d}"


def change_texts(prior: PriorChange) -> Iterator[tuple[str, ...]]:
    """Lines of texts: both lungs, and how many lesions became what."""
    total = prior.lungs.get(Side.TOTAL)
    if total is not None:
        then_ml, now_ml = total.then.lesion_volume_ml, total.now.lesion_volume_ml
        yield (f"lesions {then_ml:.1f} ml then, {now_ml:.1f} ml now",)
    counts = Counter(str(one.course) for one in prior.lesions)
    became = tuple(f"{counts[word]} {word}" for word in _COURSES if counts[word])
    if became:
        yield became


_COURSES = ("new", "grown", "unchanged", "shrunk", "resolved")
