"""`firstread status`: whether everything runs, what waits, and what waits for a person."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from database.deliveries.destinations import unfinished_destinations
from database.process_signs import SILENT_AFTER_S, is_of_this_machine, process_signs
from database.session import query
from database.views.administration_rows import queue_depths
from database.views.worklist.worklist_rows import state_counts
from firstread.data_folder import open_database
from firstread.say import print_json, table_console
from settings.environment import Settings
from settings.served_process import ServedProcess
from worklist.administration.problems import find_problems, refused_lately


def print_status(settings: Settings, *, as_json: bool) -> int:
    """Print what `/health` says, the queues and the destinations; returns 1 if something fails."""
    engine, now = open_database(settings), datetime.now(UTC)
    with query(engine) as session:
        problems = find_problems(session, settings, now)
        refused = refused_lately(session, settings, now)
        queues = queue_depths(session, now)
        states = {state.value: count for state, count in state_counts(session).items() if count}
        destinations = unfinished_destinations(session)
    failing = any(one.failing for one in problems)
    status = "failing" if failing else "attention" if problems else "ok"
    if as_json:
        print_json(
            {
                "version": version("firstread"),
                "status": status,
                "problems": [asdict(one) for one in problems],
                "studies": states,
                "refused_lately": asdict(refused),
                "queues": [
                    asdict(one) | {"oldest": one.oldest and one.oldest.isoformat()}
                    for one in queues
                ],
                "destinations": [
                    asdict(one) | {"oldest_due": one.oldest_due and one.oldest_due.isoformat()}
                    for one in destinations
                ],
            }
        )
        return int(failing)
    console = table_console()
    console.print(f"Firstread {version('firstread')}: {status}")
    for problem in problems:
        console.print(f"{'✗' if problem.failing else '!'} {problem.message}")
    listed = ", ".join(f"{count} {state}" for state, count in states.items())
    console.print(f"Studies: {listed or 'none yet'}")
    if refused.count:
        console.print(
            f"Refused in the last {refused.days} days: {refused.count}; "
            "'firstread jobs --failed' says why and what to do"
        )
    table = Table("Queue", "Waiting", "In hand", "Oldest (UTC)")
    for queue in queues:
        oldest = f"{queue.oldest:%Y-%m-%d %H:%M:%S}" if queue.oldest else "–"
        table.add_row(queue.name, str(queue.waiting), str(queue.in_hand), oldest)
    console.print(table)
    return int(failing)


def print_part(settings: Settings, part: ServedProcess, *, here: bool) -> int:
    """Print whether a part gives signs of life; returns 1 if it does not.

    Parameters
    ----------
    here : ask for processes of this machine alone: a container is one
    """
    now = datetime.now(UTC)
    with query(open_database(settings)) as session:
        ages_s = [
            (now - one.seen_at).total_seconds()
            for one in process_signs(session)
            if one.part == part.value and (not here or is_of_this_machine(one.name))
        ]
    alive = sum(age_s <= SILENT_AFTER_S for age_s in ages_s)
    last = f", the last {min(ages_s):.0f} s ago" if ages_s else ""
    Console(highlight=False, markup=False).print(
        f"{part.value}: {alive} processes give signs of life{last}"
    )
    return int(alive == 0)
