"""What a check of the doctor says: a line that is fine, a warning or broken, with its cure.

A sentence is kept with its facts apart, so that the page can say it in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from firstread.checks.check import Health
from radiology.errors import FirstreadError

Fact = str | int | float


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in English, with `%(name)s` where its facts stand."""

    text: str
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.facts if self.facts else self.text


@dataclass(frozen=True, slots=True)
class DoctorLine:
    """One thing that was looked at.

    Attributes
    ----------
    name : stable, for a script: "database.commit"
    of : which one of several: a peer, a bundle, a file; "" where there is only one
    cure : what to do; None where nothing is to be done
    """

    name: str
    health: Health
    said: Sentence
    cure: Sentence | None = None
    of: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a script, for the row, and for the page."""
        return {
            "name": self.name,
            "of": self.of,
            "health": self.health.value,
            "said": _as_json(self.said),
            "cure": None if self.cure is None else _as_json(self.cure),
        }


def _as_json(sentence: Sentence) -> dict[str, Any]:
    return {"text": sentence.text, "facts": dict(sentence.facts), "words": str(sentence)}


def worst_of(lines: Iterable[DoctorLine]) -> Health:
    """The worst of them; fine where there is none."""
    return max((one.health for one in lines), key=list(Health).index, default=Health.FINE)


def say(text: str, **facts: Fact) -> Sentence:
    """A sentence of the doctor; a literal, so that a test finds what is to be translated."""
    return Sentence(text, facts)


def fine(name: str, said: Sentence, *, of: str = "") -> DoctorLine:
    """Nothing is to be done."""
    return DoctorLine(name, Health.FINE, said, None, of)


def warning(name: str, said: Sentence, cure: Sentence, *, of: str = "") -> DoctorLine:
    """A person should look at it, or it could not be looked at."""
    return DoctorLine(name, Health.WARNING, said, cure, of)


def broken(name: str, said: Sentence, cure: Sentence, *, of: str = "") -> DoctorLine:
    """It does not work."""
    return DoctorLine(name, Health.BROKEN, said, cure, of)


def reason_of(error: FirstreadError | OSError) -> str:
    """What an error says, in one sentence: ours name identifiers and figures only."""
    if isinstance(error, FirstreadError):
        return error.in_full
    return error.strerror or type(error).__name__
