"""Flags that were raised: listed, acknowledged, and told to their channels again."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from database.flags.notices import retry_notices
from database.flags.raised import acknowledge_flag
from database.session import query, transaction
from database.views.flag_pages import FlagFacts, list_flags
from firstread.data_folder import open_database
from firstread.say import console
from settings.environment import Settings


def print_flags(settings: Settings, *, open_only: bool, limit: int) -> None:
    """Print the newest flags as a table, with what each channel answered."""
    with query(open_database(settings)) as session:
        found = list_flags(session, open_only=open_only, limit=limit)
    table = Table("Flag", "Accession", "Urgency", "State", "Raised (UTC)", "Told")
    for flag in found:
        table.add_row(
            flag.flag_uid,
            flag.accession_number,
            flag.urgency.value,
            _state(flag),
            f"{flag.raised_at:%Y-%m-%d %H:%M:%S}",
            "\n".join(f"{one.channel}: {one.kind} {one.state}" for one in flag.notices),
        )
    Console().print(table)


def acknowledge_and_say(settings: Settings, flag_uid: str, *, by: str) -> int:
    """Acknowledge an open flag; returns 1 when there is none with this UID."""
    with transaction(open_database(settings)) as session:
        done = acknowledge_flag(
            session,
            flag_uid,
            by=by or getpass.getuser(),
            through="command line",
            now=datetime.now(UTC),
        )
    console.print("Acknowledged." if done else "There is no open flag with this UID.")
    return 0 if done else 1


def retry_and_say(settings: Settings, flag_uid: str, channel: str | None) -> int:
    """Let refused notices wait again; returns 1 when there is none."""
    with transaction(open_database(settings)) as session:
        count = retry_notices(session, flag_uid, datetime.now(UTC), channel=channel)
    console.print(f"{count} notices wait again." if count else "There is nothing to try again.")
    return 0 if count else 1


def _state(flag: FlagFacts) -> str:
    if not flag.acknowledged_by:
        return flag.state.value
    return f"{flag.state.value}: {flag.acknowledged_by} ({flag.acknowledged_through})"
