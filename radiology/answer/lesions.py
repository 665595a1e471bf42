"""Single lesions: those of a reading, those it is not sure of, and what became of earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radiology.answer.measurement import Measurement
from radiology.region import Region


class Became(StrEnum):
    """What became of one thing since the earlier study."""

    NEW = "new"
    GROWN = "grown"
    UNCHANGED = "unchanged"
    SHRUNK = "shrunk"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Followed:
    """One thing then and now: a lesion, as a rule.

    Attributes
    ----------
    number : its own in this study, counted from 1; None where it is gone
    place : where it is, in a word or two
    then, now : the same concept and unit at both times
    """

    number: int | None
    place: str
    became: Became
    then: Measurement
    now: Measurement

    @property
    def growth_percent(self) -> float | None:
        """How much more there is now; None where there was nothing to grow from."""
        then, now = self.then.value, self.now.value
        return 100.0 * (now - then) / then if then > 0 else None


@dataclass(frozen=True, slots=True)
class ListedLesion:
    """One lesion.

    Attributes
    ----------
    number : its own in this study, counted from 1, the largest first
    place : where it is, in a word or two
    measurements : the same concepts for every lesion of a reading, in one order
    sureness : mean probability of its voxels, 0 to 1; None where the bundle does not say
    """

    number: int
    place: str
    measurements: tuple[Measurement, ...]
    sureness: float | None = None


@dataclass(frozen=True, slots=True)
class PossibleFinding:
    """Below the operating point: shown on the page to who looks for it, and in no object.

    Attributes
    ----------
    region : on the grid of the volume that was read; only described in a reading that was stored
    volume : of all of it together
    slices : in how many slices it lies
    """

    region: Region
    volume: Measurement
    slices: int
