"""Jobs as a table or as JSON, what each waits for, everything about one, and a new attempt."""

from __future__ import annotations

import getpass
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from database.deliveries.claimed import retry_deliveries
from database.jobs.requeue import retry_job
from database.session import Session, query, transaction
from database.states import RETRYABLE, JobState
from database.views.job_rows import (
    DeliveryRow,
    JobDetails,
    JobRow,
    error_kind_of,
    job_details,
    list_jobs,
)
from database.views.waits import Wait, WaitingStudy, WaitsFor, waiting_studies, waits_of_jobs
from firstread.data_folder import open_database
from firstread.jobs.waits import in_words, study_entries, wait_entries
from firstread.name_of import jobs_of, named_study_uids
from firstread.say import print_json, table_console
from settings.environment import Settings
from worker.housekeeping import wait_limits
from worklist.words.next_steps import next_step, next_step_of_job, note_on_retry

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
    """Print studies that no job knows yet and the newest jobs as tables, or as JSON."""
    now = datetime.now(UTC)
    with query(open_database(settings)) as session:
        rows = list_jobs(session, failed_only=failed_only, limit=limit)
        ids = [row.job_id for row in rows]
        waits = waits_of_jobs(session, ids, now, bundles=settings.bundles)
        limits = wait_limits(settings)
        studies = [] if failed_only else waiting_studies(session, now, limits, limit=limit)
    if as_json:
        jobs = [_entries(row, waits[row.job_id]) for row in rows]
        print_json({"jobs": jobs, "studies": [study_entries(one) for one in studies]})
        return
    console = table_console()
    if studies:
        _print_studies(console, studies, now)
    table = Table("Job", "Study", "Accession", "Bundle", "Priority", "State", "Answer")
    for name in ("Queued (UTC)", "Ended (UTC)", "Deliveries", "Waits for, or reason"):
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
            Text("\n".join(_ends(row, _waits(waits[row.job_id], now), cure=failed_only)).strip()),
        )
    console.print(table)
    if any(row.state in ("refused", "failed") for row in rows):
        console.print("'firstread jobs show N' tells why; 'firstread jobs retry N' tries again.")


def print_job(settings: Settings, name: str, *, as_json: bool) -> int:
    """Print everything about the jobs of this name, and of its study if that waits for one.

    Returns
    -------
    1 when there is neither.
    """
    now = datetime.now(UTC)
    with query(open_database(settings)) as session:
        found = [job_details(session, job_id) for job_id in jobs_of(session, name)]
        known = [one for one in found if one is not None]
        ids = [one.row.job_id for one in known]
        waits = waits_of_jobs(session, ids, now, bundles=settings.bundles)
        uids = {*named_study_uids(session, name), *(one.row.study_instance_uid for one in known)}
        studies = _waiting(session, settings, uids, now)
    if as_json:
        jobs = [_all_entries(one, waits[one.row.job_id]) for one in known]
        print_json({"jobs": jobs, "studies": [study_entries(one) for one in studies]})
        return 0 if known or studies else 1
    console = table_console()
    if studies:
        _print_studies(console, studies, now)
    for details in known:
        _print_details(console, details, [in_words(one, now) for one in waits[details.row.job_id]])
    if not known and not studies:
        _print_unknown(console, name)
    return 0 if known or studies else 1


def _waiting(
    session: Session, settings: Settings, uids: Collection[str], now: datetime
) -> list[WaitingStudy]:
    if not uids:
        return []
    limits = wait_limits(settings)
    return waiting_studies(session, now, limits, limit=len(uids), uids=sorted(uids))


def _print_studies(console: Console, studies: Sequence[WaitingStudy], now: datetime) -> None:
    table = Table("Study", "Accession", "Sender", "Received (UTC)", title="Not assembled yet")
    table.add_column("Waits for", overflow="fold")
    table.columns[0].no_wrap = True
    for study in studies:
        table.add_row(
            study.study_instance_uid,
            Text(study.accession_number),
            Text(study.sender),
            _time(study.received_at),
            Text(in_words(study.wait, now)),
        )
    console.print(table)


def retry_and_print(settings: Settings, name: str) -> int:
    """Try jobs, or their unfinished deliveries, again; returns 1 when there is nothing to try."""
    console, now = table_console(), datetime.now(UTC)
    tried = False
    with transaction(open_database(settings)) as session:
        job_ids = jobs_of(session, name)
        for job_id in job_ids:
            kind = error_kind_of(session, job_id)
            job_waits = retry_job(
                session, job_id, now, by=getpass.getuser(), through="command line"
            )
            deliveries = 0 if job_waits else retry_deliveries(session, job_id, now)
            tried = tried or job_waits or deliveries > 0
            if job_waits:
                console.print(f"Job {job_id} waits again.")
                if note := note_on_retry(kind):
                    console.print(f"{note} {next_step(kind)}")
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


def _print_details(console: Console, details: JobDetails, waits: Sequence[str]) -> None:
    row = details.row
    console.print(Text.assemble((f"Job {row.job_id}", "bold"), f" study {row.study_instance_uid}"))
    console.print(
        f"accession {row.accession_number or '–'}, version {row.study_version}, {row.bundle}, "
        f"{row.priority}, state {row.state}, attempts {row.attempts}"
    )
    console.print(f"queued {_time(row.queued_at)}, ended {_time(row.finished_at) or '–'} (UTC)")
    for wait in waits:
        console.print(f"waits for {wait}")
    if row.answer:
        console.print(f"answer: {row.answer}")
    if row.reason:
        console.print(f"reason: {row.reason}")
    if to_do := _to_do(row):
        console.print(f"to do: {to_do}")
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


def _waits(waits: Sequence[Wait], now: datetime) -> list[str]:
    """In words, but for deliveries, which have a column of their own."""
    of_deliveries = (WaitsFor.DESTINATION, WaitsFor.COMMITMENT)
    return [in_words(one, now) for one in waits if one.waits_for not in of_deliveries]


def _ends(row: JobRow, waits: Sequence[str], *, cure: bool) -> list[str]:
    """What it waits for, its reason and, where that is wanted, what to do."""
    to_do = _to_do(row) if cure else ""
    return [*waits, row.reason, *([f"To do: {to_do}"] if to_do else [])]


def _to_do(row: JobRow) -> str:
    """What the page advises; "" where the job has not ended without an answer."""
    state = JobState(row.state)
    return next_step_of_job(state, row.error_kind) if state in RETRYABLE else ""


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


def _entries(row: JobRow, waits: Sequence[Wait]) -> dict[str, Any]:
    """One job as JSON."""
    return asdict(row) | {
        "to_do": _to_do(row),
        "waits": [wait_entries(one) for one in waits],
        "queued_at": _iso(row.queued_at),
        "finished_at": _iso(row.finished_at),
        "deliveries": [
            asdict(one) | {"due_at": _iso(one.due_at), "finished_at": _iso(one.finished_at)}
            for one in row.deliveries
        ],
    }


def _all_entries(details: JobDetails, waits: Sequence[Wait]) -> dict[str, Any]:
    names = ("series_instance_uid", "chosen", "rule", "seen", "limit", "reason")
    return _entries(details.row, waits) | {
        "decisions": [dict(zip(names, one, strict=True)) for one in details.decisions],
        "events": [
            {"at": _iso(at), "name": name, "facts": json.loads(facts) if facts else {}}
            for at, name, facts in details.events
        ],
        "trace": details.trace,
    }
