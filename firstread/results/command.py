"""The commands below `firstread results`."""

from __future__ import annotations

from typing import Annotated

import typer

from database.states import RejectionReason
from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

results = typer.Typer(
    no_args_is_help=True, help="Results: taking back one that was wrong, sending what is missing."
)


@results.command("withdraw")
def withdraw(
    study: Annotated[str, typer.Argument(help="Its UID or accession number.")],
    reason: Annotated[RejectionReason, typer.Option(help="Why; PACS is told the same.")],
    version: Annotated[
        int | None, typer.Option(min=1, help="Of the study; default: the result in force.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="Whose result; needed where several bundles have one.")
    ] = None,
) -> None:
    """Withdraw a wrong result: strike it, and send a rejection note to whoever has got it.

    Example: `firstread results withdraw 1.2.840.99.7 --reason quality`.
    """
    from firstread.results.change import withdraw_and_print

    with errors_to_exit_code():
        withdraw_and_print(_settings(), study, reason, version=version, bundle=bundle)


@results.command("resend")
def resend(
    destination: Annotated[str, typer.Argument(help="Its name in the settings.")],
) -> None:
    """Send everything again that a destination has not got: refused, given up, or waiting.

    What waits because nobody answers there goes by itself.

    Example: `firstread results resend pacs`.
    """
    from firstread.results.change import resend_and_print

    with errors_to_exit_code():
        raise typer.Exit(resend_and_print(_settings(), destination))


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
