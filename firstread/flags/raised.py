"""Flags that were raised: listed, acknowledged, and told to their channels again."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from database.flags.notices import retry_notices
from database.flags.raised import acknowledge_flag
from database.session import query, transaction
from database.views.flag_pages import FlagFacts, list_flags
from firstread.data_folder import open_database
from firstread.name_of import flag_of
from firstread.say import console, print_json, table_console
from settings.environment import Settings


def print_flags(settings: Settings, *, open_only: bool, limit: int, as_json: bool) -> None:
    """Print the newest flags with what each channel answered, as a table or as JSON."""
    with query(open_database(settings)) as session:
        found = list_flags(session, open_only=open_only, limit=limit)
    if as_json:
        print_json({"flags": [_plain(asdict(flag)) for flag in found]})
        return
    if not found:
        console.print("No open flag; --all shows the others." if open_only else "No flag yet.")
        return
    table = Table("Flag", "Accession", "Urgency", "State", "Raised (UTC)", "Told")
    table.columns[0].no_wrap = True  # what other commands take as an argument
    for flag in found:
        table.add_row(
            flag.flag_uid,
            flag.accession_number,
            flag.urgency.value,
            _state(flag),
            f"{flag.raised_at:%Y-%m-%d %H:%M:%S}",
            "\n".join(f"{one.channel}: {one.kind} {one.state}" for one in flag.notices),
        )
    table_console().print(table)


def acknowledge_and_say(settings: Settings, flag: str, *, by: str) -> int:
    """Acknowledge an open flag; returns 1 when none goes by this UID or accession number."""
    with transaction(open_database(settings)) as session:
        done = acknowledge_flag(
            session,
            flag_of(session, flag),
            by=by or getpass.getuser(),
            through="command line",
            now=datetime.now(UTC),
        )
    console.print("Acknowledged." if done else "No open flag goes by this UID or accession number.")
    return 0 if done else 1


def retry_and_say(settings: Settings, flag: str, channel: str | None) -> int:
    """Let refused notices wait again; returns 1 when there is none."""
    with transaction(open_database(settings)) as session:
        count = retry_notices(session, flag_of(session, flag), datetime.now(UTC), channel=channel)
    console.print(f"{count} notices wait again." if count else "There is nothing to try again.")
    return 0 if count else 1


def _plain(value: Any) -> Any:
    """What JSON has no form for, as text."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _state(flag: FlagFacts) -> str:
    if not flag.acknowledged_by:
        return flag.state.value
    return f"{flag.state.value}: {flag.acknowledged_by} ({flag.acknowledged_through})"
