"""What a check is, and what it says: plain values, so that every command can call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from settings.environment import Settings


class Health(StrEnum):
    """How something is: the worst comes last."""

    FINE = "fine"
    WARNING = "warning"  # it works; a person should look at it, or it could not be looked at
    BROKEN = "broken"  # studies are not taken, not read, not sent, or nobody is told

    @property
    def exit_code(self) -> int:
        """What a shell gets: 0, 1 or 2."""
        return list(Health).index(self)


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing that a check found: how bad it is, what it is, and what to do."""

    level: Health
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
    found: tuple[CheckFinding, ...]

    @property
    def level(self) -> Health:
        """That of the worst thing found."""
        levels = {one.level for one in self.found}
        return next((one for one in (Health.BROKEN, Health.WARNING) if one in levels), Health.FINE)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at: call it with the settings in force."""

    name: str
    title: str
    find: Callable[[Settings], Iterable[CheckFinding]]

    def __call__(self, settings: Settings) -> CheckResult:
        """Look, and say what was found."""
        return CheckResult(self.name, self.title, tuple(self.find(settings)))


def broken(messages: Iterable[str]) -> Iterable[CheckFinding]:
    """Each of them as something that stops work."""
    return (CheckFinding(Health.BROKEN, message) for message in messages)


def warned(messages: Iterable[str]) -> Iterable[CheckFinding]:
    """Each of them as something to know of."""
    return (CheckFinding(Health.WARNING, message) for message in messages)
