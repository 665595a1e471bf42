"""The commands below `firstread jobs`."""

from __future__ import annotations

from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

jobs = typer.Typer(
    help="Jobs: where each study stands, what it waits for, why one failed, and trying again."
)

Named = Annotated[
    str, typer.Argument(help="A job's number, an accession number, or a Study Instance UID.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@jobs.callback(invoke_without_command=True)
def list_jobs(
    context: typer.Context,
    failed: Annotated[bool, typer.Option(help="Only refused and failed ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List studies that are not assembled yet and jobs, each with what it waits for.

    `firstread jobs show 7` tells all about one job; `firstread jobs retry 7` tries it again.
    """
    if context.invoked_subcommand is not None:
        return
    from firstread.jobs.listing import print_jobs

    with errors_to_exit_code():
        print_jobs(_settings(), failed_only=failed, limit=limit, as_json=as_json)


@jobs.command("show")
def show_job(job: Named, as_json: AsJson = False) -> None:
    """Every step, decision, delivery and error of a job, or of all jobs of a study.

    Examples: `firstread jobs show 7`; `firstread jobs show A-2026-0815 --json`.
    """
    from firstread.jobs.listing import print_job

    with errors_to_exit_code():
        raise typer.Exit(print_job(_settings(), job, as_json=as_json))


@jobs.command("retry")
def retry(job: Named) -> None:
    """Try a refused or failed job, or its unfinished deliveries, again."""
    from firstread.jobs.listing import retry_and_print

    with errors_to_exit_code():
        raise typer.Exit(retry_and_print(_settings(), job))


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
