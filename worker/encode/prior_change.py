"""What changed against an earlier CT, as reports and pictures tell it.

Comparing is not done here: a comparison is any value with the attributes below. What is told is
the lesion volume then and now, of lungs, lobes or zones, and what became of the lesions.
"""

from __future__ import annotations

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


def change_texts(prior: PriorChange) -> Iterator[str]:
    """Both lungs in a sentence, and the lesions by what became of them."""
    total = prior.lungs.get(Side.TOTAL)
    if total is not None:
        yield (
            f"lesions {total.then.lesion_volume_ml:.1f} ml then, "
            f"{total.now.lesion_volume_ml:.1f} ml now"
        )
    if prior.lesions:
        new, grown, unchanged, shrunk, resolved = (
            sum(str(one.course) == word for one in prior.lesions)
            for word in ("new", "grown", "unchanged", "shrunk", "resolved")
        )
        yield (
            f"{new} new, {grown} grown, {unchanged} unchanged, {shrunk} shrunk, {resolved} resolved"
        )
