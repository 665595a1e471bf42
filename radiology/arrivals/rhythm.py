"""How a sender usually sends, learnt from its studies: of a fixed size, whatever it sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

SERIES_TOLD_APART: Final = 4  # with so many or more the pauses are counted together

_EDGES_S: Final = tuple(0.05 * 2 ** (k / 3) for k in range(31))  # to 51 s
_REMEMBERED: Final = 128.0  # studies; when there are more, each counts half from then on
_FEWEST: Final = 5.0  # studies, before anything counts as learnt
_USUAL: Final = 0.98  # of studies; the longest pause of so many is expected
_MOSTLY: Final = 0.9
_SELDOM: Final = 0.25

Counts = tuple[float, ...]
_NONE: Final[Counts] = (0.0,) * (len(_EDGES_S) + 1)


@dataclass(frozen=True, slots=True)
class Taught:
    """What one study teaches of its sender.

    Attributes
    ----------
    open_pause_s : the longest pause between two images while an association was open
    idle_pauses_s : the longest time without an association after which images came, while there
        was one series, while there were two, and so on to `SERIES_TOLD_APART`; as many as the study
        has series. 0: images came at once, or none came any more
    released : whether every association was released
    missed : whether images seemed to be missing when it was assembled
    """

    open_pause_s: float
    idle_pauses_s: tuple[float, ...]
    released: bool
    missed: bool


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a sender's studies were like. Studies count less the more came after them.

    Attributes
    ----------
    studies : how many there were
    open_pauses : of studies, by their longest pause; (32,)
    idle_pauses : the same for each number of series; (4, 32)
    released, missed : how many studies; see `Taught`
    """

    studies: float = 0.0
    open_pauses: Counts = _NONE
    idle_pauses: tuple[Counts, ...] = (_NONE,) * SERIES_TOLD_APART
    released: float = 0.0
    missed: float = 0.0

    @property
    def is_learnt(self) -> bool:
        """Whether there were enough studies to go by."""
        return self.studies >= _FEWEST

    @property
    def releases(self) -> bool:
        """Whether the sender releases its associations when it has sent a study."""
        return self.released >= _MOSTLY * self.studies

    @property
    def fills_gaps(self) -> bool:
        """Whether images that seem to be missing do come, from this sender."""
        return self.missed <= _SELDOM * self.studies

    @property
    def open_pause_s(self) -> float:
        """The longest usual pause while an association is open."""
        return _usual(self.open_pauses)

    def idle_pause_s(self, series: int) -> float | None:
        """The longest usual time without an association before more images come.

        Parameters
        ----------
        series : how many there are by now

        Returns
        -------
        Seconds; None: too few of the sender's studies had so many.
        """
        counts = self.idle_pauses[min(max(series, 1), SERIES_TOLD_APART) - 1]
        return _usual(counts) if sum(counts) >= _FEWEST else None

    def after(self, study: Taught, instead_of: Taught | None = None) -> Rhythm:
        """With one more study.

        Parameters
        ----------
        study : what it teaches
        instead_of : what the same study taught when it was taken for whole too soon. Its pauses
            stay: they were real
        """
        share = 0.5 if self.studies >= _REMEMBERED else 1.0
        idle = [tuple(one * share for one in counts) for counts in self.idle_pauses]
        for k, pause_s in enumerate(study.idle_pauses_s[:SERIES_TOLD_APART]):
            idle[k] = _counted(idle[k], pause_s, 1.0)
        released, missed, studies = self.released, self.missed, self.studies
        if instead_of is not None:
            released = max(0.0, released - instead_of.released)
            missed = max(0.0, missed - instead_of.missed)
            studies = max(0.0, studies - 1)
        return Rhythm(
            studies=studies * share + 1,
            open_pauses=_counted(self.open_pauses, study.open_pause_s, share),
            idle_pauses=tuple(idle),
            released=released * share + study.released,
            missed=missed * share + study.missed,
        )

    def facts(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "studies": self.studies,
            "open_pauses": list(self.open_pauses),
            "idle_pauses": [list(one) for one in self.idle_pauses],
            "released": self.released,
            "missed": self.missed,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Rhythm:
        """Read what was stored.

        Raises
        ------
        ValueError
            It is not of the form that `facts` gives: another version's, or damaged.
        """
        try:
            read = cls(
                studies=float(facts["studies"]),
                open_pauses=_counts(facts["open_pauses"]),
                idle_pauses=tuple(_counts(one) for one in facts["idle_pauses"]),
                released=float(facts["released"]),
                missed=float(facts["missed"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("What was learnt of a sender cannot be read") from error
        shares = (read.studies, read.released, read.missed)
        if len(read.idle_pauses) != SERIES_TOLD_APART or not _are_counts(shares):
            raise ValueError("What was learnt of a sender cannot be read")
        return read


def _counts(stored: Sequence[Any]) -> Counts:
    counts = tuple(float(one) for one in stored)
    if len(counts) != len(_NONE) or not _are_counts(counts):
        raise ValueError("no counts")
    return counts


def _are_counts(some: Counts) -> bool:
    return all(isfinite(one) and one >= 0 for one in some)


def _counted(counts: Counts, pause_s: float, share: float) -> Counts:
    place = next((k for k, edge in enumerate(_EDGES_S) if pause_s <= edge), len(_EDGES_S))
    return tuple(one * share + (k == place) for k, one in enumerate(counts))


def _usual(counts: Counts) -> float:
    """The upper edge of the bucket up to which there are nearly all; none beyond the last edge."""
    wanted, passed = _USUAL * sum(counts), 0.0
    for edge, one in zip((*_EDGES_S, float("inf")), counts, strict=True):
        passed += one
        if passed >= wanted:
            return edge
    return float("inf")
