"""`firstread forget`: removes a study or a patient from everywhere here, and proves it."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from database.accounts.audit import Actor
from database.forget.held_by import HeldElsewhere
from database.forget.named import to_forget
from database.session import query
from firstread.data_folder import open_database
from firstread.say import console, print_json, table_console
from settings.environment import Settings
from worker.forget.forget import Forgotten, WouldForget, forget, would_forget

_MEGABYTE = 1_000_000
_AT_THIS_MACHINE = "command line"


def forget_and_print(
    settings: Settings,
    name: str,
    *,
    issuer: str | None,
    yes: bool,
    wait_s: float,
    thorough: bool,
    as_json: bool,
) -> int:
    """Say what would go, or remove it; returns 1 where something is left in the end.

    Raises
    ------
    NotForgotten
        It is not clear what is meant, or work on it has not ended.
    """
    engine = open_database(settings)
    try:
        with query(engine) as session:
            what = to_forget(session, name, issuer=issuer)
        if not yes:
            _print_what_would_go(would_forget(settings, engine, what), as_json=as_json)
            return 0
        forgotten = forget(
            settings,
            engine,
            lambda: datetime.now(UTC),
            what,
            Actor(getpass.getuser(), "administrator", _AT_THIS_MACHINE),
            wait_s=wait_s,
            thorough=thorough,
        )
    finally:
        engine.dispose()
    if as_json:
        print_json({"forgotten": {**asdict(forgotten), "is_proved": forgotten.is_proved}})
    else:
        _print(forgotten)
    return 0 if forgotten.is_proved else 1


def _print_what_would_go(found: WouldForget, *, as_json: bool) -> None:
    if as_json:
        print_json({"would_forget": asdict(found)})
        return
    table_console().print(
        f"Would go: {found.studies} studies, {found.files} files of them "
        f"({found.size_bytes / _MEGABYTE:.1f} MB), {found.quarantined} objects in quarantine, "
        f"{found.uploads} uploads, and what messages have said. With --yes it goes."
    )
    _print_held(found.held_elsewhere)


def _print(done: Forgotten) -> None:
    out = table_console()
    out.print(
        f"Gone: {done.studies} studies, {done.files} files ({done.size_bytes / _MEGABYTE:.1f} MB). "
        f"Audit events call it {done.called}."
    )
    _print_held(done.held_elsewhere)
    for row in done.rows_left:
        out.print(f"Left: {row.rows} rows of {row.table}, column {row.column}")
    for file in done.files_left:
        out.print(f"Left: {file.path} (by its {file.where})")
    for host in done.caches_left:
        out.print(
            f"Left: perhaps copies on host {host}, which has not swept its data folder in time. "
            "Run the command again when that host runs; if it is gone for good, see Several hosts "
            "in docs/operations.md."
        )
    if not done.rewritten:
        out.print(
            "Left: free pages of the database, which others were reading all the time. "
            "Run the command again."
        )
    if done.is_proved:
        out.print("Searched: nothing here names it any more.")
    else:
        console.print("[bold red]Something still names it:[/] see above.")


def _print_held(held: Iterable[HeldElsewhere]) -> None:
    for one in held:
        table_console().print(f"Held by {one.holder}: {one.what} of study {one.study_instance_uid}")
