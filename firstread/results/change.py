"""Withdraws a wrong result, and sends what a destination lacks."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console

from database.deliveries.destinations import retry_destination, unfinished_destinations
from database.session import query, transaction
from database.states import RejectionReason
from firstread.data_folder import open_database
from firstread.name_of import study_of
from settings.environment import Settings
from worker.deliver.reject_results import withdraw_result


def withdraw_and_print(
    settings: Settings,
    study: str,
    reason: RejectionReason,
    *,
    version: int | None,
    bundle: str | None,
) -> None:
    """Withdraw a result and say where it is rejected.

    Parameters
    ----------
    study : its UID or accession number
    """
    engine = open_database(settings)
    with query(engine) as session:
        study_instance_uid = study_of(session, study)
    done = withdraw_result(
        settings,
        engine,
        study_instance_uid,
        reason,
        datetime.now(UTC),
        version=version,
        bundle=bundle,
    )
    console = Console()
    console.print(f"The result of version {done.study_version} is withdrawn.")
    if done.destinations:
        console.print(f"A rejection note goes to: {', '.join(done.destinations)}.")
    else:
        console.print("No destination has got it, so no rejection note is sent.")


def resend_and_print(settings: Settings, destination: str) -> int:
    """Send all again that a destination has not got; returns 1 when it lacks nothing."""
    engine = open_database(settings)
    with transaction(engine) as session:
        count = retry_destination(session, destination, datetime.now(UTC))
    console = Console(highlight=False, markup=False)
    if count:
        console.print(f"{count} deliveries to {destination} wait again.")
        return 0
    with query(engine) as session:
        others = [one.destination for one in unfinished_destinations(session)]
    lacking = f" These lack something: {', '.join(others)}." if others else ""
    console.print(f"{destination} lacks no result.{lacking}")
    return 1
