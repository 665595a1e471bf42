"""Who runs a command, for the audit; and how far it is, for them."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime

from database.accounts.audit import Actor
from firstread.feedback_set.pseudonyms import KEY_FILE
from firstread.say import Steps

KEYS = (KEY_FILE,)
"""Files of the data folder itself that cannot be made again."""

_EVERY = 100


def actor_here() -> Actor:
    """Whoever is signed in at this machine."""
    return Actor(getpass.getuser(), "administrator", "command line")


def shown_moment(moment: str) -> str:
    """A moment of an archive, for a person."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown(steps: Steps, name: str) -> Callable[[int, int], None]:
    """Show how many of something are done; there may be millions, so not each of them."""

    def show(done: int, total: int) -> None:
        if done % _EVERY == 0 or done >= total:
            steps.step(name, done, total)

    return show
