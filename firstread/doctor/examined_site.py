"""What the checks of the doctor look at: settings, database and clock, and what they may do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from database.process_signs import EVERY_S
from database.session import Engine, open_engine
from settings.environment import Settings


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class ExaminedSite:
    """One Firstread, seen from the machine that the doctor runs on.

    Attributes
    ----------
    run_id, ticket : of the row of this run; None and "" while there is no database for it
    tell_flags : whether flag receivers may be told something, marked as a test
    phantom_limit_s : how long the phantom may take from the last image to the last destination
    peer_s : how long each step with a peer may take
    sign_s : until each process that lives has given another sign
    """

    settings: Settings
    clock: Callable[[], datetime] = _now
    run_id: int | None = None
    ticket: str = ""
    tell_flags: bool = True
    phantom_limit_s: float = 300.0
    peer_s: float = 5.0
    sign_s: float = EVERY_S + 1.0
    machine: str = socket.gethostname()

    @cached_property
    def engine(self) -> Engine:
        """Of the database; making it asks nobody."""
        return open_engine(self.settings.database_address)

    @property
    def has_database(self) -> bool:
        """False where opening an embedded database would only make an empty one."""
        return self.settings.database_url is not None or self.settings.sqlite_file.exists()
