"""`firstread jobs`: the state of each study, the reason for a failure, and a new attempt."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from database.deliveries.claimed import retry_deliveries
from database.jobs.requeue import retry_job
from database.session import query, transaction
from database.views.job_rows import JobRow, job_details, list_jobs
from firstread.data_folder import open_database
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


def print_jobs(settings: Settings, *, failed_only: bool, limit: int) -> None:
    """Print the newest jobs as a table."""
    with query(open_database(settings)) as session:
        rows = list_jobs(session, failed_only=failed_only, limit=limit)
    table = Table(
        "Job", "Study", "Version", "Bundle", "Priority", "State", "Answer", "Deliveries", "Reason"
    )
    for row in rows:
        colour = _COLOURS.get(row.state, "cyan")
        table.add_row(
            str(row.job_id),
            row.study_instance_uid,
            str(row.study_version),
            row.bundle,
            row.priority,
            f"[{colour}]{row.state}[/]",
            row.answer,
            "\n".join(row.deliveries),
            row.reason,
        )
    console = Console()
    console.print(table)
    if any(row.state in ("refused", "failed") for row in rows):
        console.print("'firstread jobs show N' tells why; 'firstread jobs retry N' tries again.")


def print_job(settings: Settings, job_id: int) -> int:
    """Print everything about one job; returns 1 when there is no such job."""
    console = Console()
    with query(open_database(settings)) as session:
        details = job_details(session, job_id)
    if details is None:
        console.print(f"There is no job {job_id}; 'firstread jobs' lists them.")
        return 1
    _print_head(console, details.row)
    series = Table("Series", "Chosen", "Rule", "Seen", "Limit", "Reason", title="Series")
    for decision in details.decisions:
        series.add_row(*decision)
    console.print(series)
    steps = Table("Time (UTC)", "Event", "Facts", title="Steps")
    for at, name, facts in details.events:
        steps.add_row(at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], name, facts)
    console.print(steps)
    if details.trace:
        console.print(f"[bold]Where it failed[/]\n{details.trace}", highlight=False)
    return 0


def retry_and_print(settings: Settings, job_id: int) -> int:
    """Try a job, or its unfinished deliveries, again; returns 1 when there is nothing to try."""
    console = Console()
    now = datetime.now(UTC)
    with transaction(open_database(settings)) as session:
        job_waits = retry_job(session, job_id, now)
        deliveries = 0 if job_waits else retry_deliveries(session, job_id, now)
    if job_waits:
        console.print(f"Job {job_id} waits again.")
    elif deliveries:
        console.print(f"{deliveries} deliveries of job {job_id} wait again.")
    else:
        console.print(f"Job {job_id} has nothing to try again; 'firstread jobs show {job_id}'.")
    return 0 if job_waits or deliveries else 1


def _print_head(console: Console, row: JobRow) -> None:
    console.print(f"[bold]Job {row.job_id}[/] study {row.study_instance_uid}", highlight=False)
    console.print(
        f"version {row.study_version}, {row.bundle}, {row.priority}, state [bold]{row.state}[/]"
    )
    if row.answer:
        console.print(f"answer: {row.answer}")
    if row.reason:
        console.print(f"reason: {row.reason}", highlight=False)
    for delivery in row.deliveries:
        console.print(f"delivery: {delivery}", highlight=False)
