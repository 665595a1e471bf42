"""`firstread feedback`: readers' feedback, a bundle's predictive values, and a set to train on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

feedback = typer.Typer(
    no_args_is_help=True,
    help="Feedback: what readers said of results, predictive values, and a set to train on.",
)
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of the results.")
]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings


@feedback.command("list")
def list_feedback(
    disagreements: Annotated[bool, typer.Option(help="Only disagreements.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what stands, without comments: those are read on the study's page alone.

    Example: `firstread feedback list --disagreements`.
    """
    from firstread.feedback.listing import print_feedback

    with errors_to_exit_code():
        print_feedback(_settings(), disagreements=disagreements, limit=limit, as_json=as_json)


@feedback.command("figures")
def figures(since: Since = None, until: Until = None, as_json: AsJson = False) -> None:
    """Positive and negative predictive value by scanner and bundle version, with intervals.

    Example: `firstread feedback figures --since 2026-01-01 --json`.
    """
    from firstread.feedback.listing import print_figures

    with errors_to_exit_code():
        print_figures(_settings(), since, until, as_json=as_json)


@feedback.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    agreements: Annotated[
        bool, typer.Option(help="Also studies that a reader agrees with.")
    ] = False,
    slices: Annotated[int, typer.Option(min=1, max=200, help="Slices of each study, at most.")] = 8,
) -> None:
    """Write disagreements as an anonymised set that `firstread models train` reads.

    Prints one JSON object. Nothing is written into pixels or taken out of them: look at the
    slices before they leave the site.

    Example: `firstread feedback export ./cases --agreements`.
    """
    from firstread.feedback.export import export_feedback

    with errors_to_exit_code():
        export_feedback(_settings(), folder, agreements=agreements, slices=slices)
