"""The change of things, such as lesions, since an earlier study."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from radiology.answer.measurement import Measurement


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
