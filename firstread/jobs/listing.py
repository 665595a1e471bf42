"""Jobs as a table or as JSON, everything about one, and a new attempt."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from database.deliveries.claimed import retry_deliveries
from database.jobs.requeue import retry_job
from database.session import query, transaction
from database.views.job_rows import DeliveryRow, JobDetails, JobRow, job_details, list_jobs
from firstread.data_folder import open_database
from firstread.name_of import jobs_of
from firstread.say import print_json, table_console
from settings.environment import Settings

_COLOURS = {
    "delivered": "green",
    "committed": "green",
    "encoded": "yellow",
    "refused": "magenta",
    "failed": "bold red",
    "superseded": "dim",
    "not_applicable": "dim",
    "not_wanted": "magenta",
}


def print_jobs(settings: Settings, *, failed_only: bool, limit: int, as_json: bool) -> None:
    """Print the newest jobs as a table, or as JSON."""
    with query(open_database(settings)) as session:
        rows = list_jobs(session, failed_only=failed_only, limit=limit)
    if as_json:
        print_json({"jobs": [_entries(row) for row in rows]})
        return
    console = table_console()
    table = Table("Job", "Study", "Accession", "Bundle", "Priority", "State", "Answer")
    for name in ("Queued (UTC)", "Ended (UTC)", "Deliveries", "Reason"):
        table.add_column(name, overflow="fold")
    table.columns[1].no_wrap = True  # what other commands take as an argument
    for row in rows:
        # Texts, not strings: a reason may hold brackets, which are no markup.
        table.add_row(
            str(row.job_id),
            f"{row.study_instance_uid} v{row.study_version}",
            Text(row.accession_number),
            row.bundle,
            row.priority,
            Text(row.state, style=_COLOURS.get(row.state, "cyan")),
            row.answer,
            _time(row.queued_at),
            _time(row.finished_at),
            Text("\n".join(_delivery(one) for one in row.deliveries)),
            Text(row.reason),
        )
    console.print(table)
    if any(row.state in ("refused", "failed") for row in rows):
        console.print("'firstread jobs show N' tells why; 'firstread jobs retry N' tries again.")


def print_job(settings: Settings, name: str, *, as_json: bool) -> int:
    """Print everything about the jobs of this name; returns 1 when there is none."""
    with query(open_database(settings)) as session:
        found = [job_details(session, job_id) for job_id in jobs_of(session, name)]
    known = [one for one in found if one is not None]
    if as_json:
        print_json({"jobs": [_all_entries(one) for one in known]})
        return 0 if known else 1
    console = table_console()
    for details in known:
        _print_details(console, details)
    if not known:
        _print_unknown(console, name)
    return 0 if known else 1


def retry_and_print(settings: Settings, name: str) -> int:
    """Try jobs, or their unfinished deliveries, again; returns 1 when there is nothing to try."""
    console, now = table_console(), datetime.now(UTC)
    tried = False
    with transaction(open_database(settings)) as session:
        job_ids = jobs_of(session, name)
        for job_id in job_ids:
            job_waits = retry_job(session, job_id, now)
            deliveries = 0 if job_waits else retry_deliveries(session, job_id, now)
            tried = tried or job_waits or deliveries > 0
            if job_waits:
                console.print(f"Job {job_id} waits again.")
            elif deliveries:
                console.print(f"{deliveries} deliveries of job {job_id} wait again.")
            else:
                console.print(
                    f"Job {job_id} has nothing to try again; 'firstread jobs show {job_id}'."
                )
    if not job_ids:
        _print_unknown(console, name)
    return 0 if tried else 1


def _print_unknown(console: Console, name: str) -> None:
    console.print(
        f"There is no job {name}, and no study with this accession number or UID; "
        "'firstread jobs' lists them."
    )


def _print_details(console: Console, details: JobDetails) -> None:
    row = details.row
    console.print(Text.assemble((f"Job {row.job_id}", "bold"), f" study {row.study_instance_uid}"))
    console.print(
        f"accession {row.accession_number or '–'}, version {row.study_version}, {row.bundle}, "
        f"{row.priority}, state {row.state}, attempts {row.attempts}"
    )
    console.print(f"queued {_time(row.queued_at)}, ended {_time(row.finished_at) or '–'} (UTC)")
    if row.answer:
        console.print(f"answer: {row.answer}")
    if row.reason:
        console.print(f"reason: {row.reason}")
    for delivery in row.deliveries:
        console.print(f"delivery: {_delivery(delivery)}")
    series = Table("Series", "Chosen", "Rule", "Seen", "Limit", "Reason", title="Series")
    series.columns[0].no_wrap = True
    for decision in details.decisions:
        series.add_row(*(Text(text) for text in decision))
    console.print(series)
    steps = Table("Time (UTC)", "Event", "Facts", title="Steps")
    steps.columns[2].overflow = "fold"
    for at, name, facts in details.events:
        steps.add_row(at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], name, Text(facts))
    console.print(steps)
    if details.trace:
        console.print(Text.assemble(("Where it failed", "bold"), f"\n{details.trace}"))


def _delivery(delivery: DeliveryRow) -> str:
    text = f"{delivery.destination}: {delivery.state}"
    if delivery.due_at is not None and delivery.attempts:
        text += f", {delivery.attempts} attempts, next {_time(delivery.due_at)}"
    if delivery.error_kind:
        text += f" ({delivery.error_kind}: {delivery.error_message})"
    return text


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _entries(row: JobRow) -> dict[str, Any]:
    """One job as JSON."""
    return asdict(row) | {
        "queued_at": _iso(row.queued_at),
        "finished_at": _iso(row.finished_at),
        "deliveries": [
            asdict(one) | {"due_at": _iso(one.due_at), "finished_at": _iso(one.finished_at)}
            for one in row.deliveries
        ],
    }


def _all_entries(details: JobDetails) -> dict[str, Any]:
    names = ("series_instance_uid", "chosen", "rule", "seen", "limit", "reason")
    return _entries(details.row) | {
        "decisions": [dict(zip(names, one, strict=True)) for one in details.decisions],
        "events": [
            {"at": _iso(at), "name": name, "facts": json.loads(facts) if facts else {}}
            for at, name, facts in details.events
        ],
        "trace": details.trace,
    }
