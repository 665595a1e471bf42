"""What a check is, and what it says: plain values, so that every command can call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from settings.environment import Settings


class Level(StrEnum):
    """How bad it is: nothing, something to know of, or something that stops work."""

    FINE = "fine"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a check found: how bad it is, what it is, and what to do."""

    level: Level
    message: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check says of the settings.

    Attributes
    ----------
    name : stable, for a script
    title : what was looked at, for a person
    found : what is wrong, in the order in which it was found; empty where nothing is
    """

    name: str
    title: str
    found: tuple[Found, ...]

    @property
    def level(self) -> Level:
        """That of the worst thing found."""
        levels = {one.level for one in self.found}
        return next((one for one in (Level.BROKEN, Level.WARNING) if one in levels), Level.FINE)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at: call it with the settings in force."""

    name: str
    title: str
    find: Callable[[Settings], Iterable[Found]]

    def __call__(self, settings: Settings) -> CheckResult:
        """Look, and say what was found."""
        return CheckResult(self.name, self.title, tuple(self.find(settings)))


def broken(messages: Iterable[str]) -> Iterable[Found]:
    """Each of them as something that stops work."""
    return (Found(Level.BROKEN, message) for message in messages)


def warned(messages: Iterable[str]) -> Iterable[Found]:
    """Each of them as something to know of."""
    return (Found(Level.WARNING, message) for message in messages)
