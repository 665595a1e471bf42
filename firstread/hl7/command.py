"""`firstread hl7`: shows the message that a receiver would get, and sends a test."""

from __future__ import annotations

from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

hl7 = typer.Typer(no_args_is_help=True, help="HL7 v2: what is sent, and whether it is taken.")


@hl7.command("show")
def show(
    study: Annotated[str, typer.Argument(help="Its UID or accession number.")],
    channel: Annotated[
        str | None, typer.Option(help="As this flag channel would send it; default: the first.")
    ] = None,
) -> None:
    """Print the ORU^R01 for a study's result in force; nothing is sent.

    Examples: `firstread hl7 show 1.2.840.99.7`; `firstread hl7 show A-2026-0815`.
    """
    from firstread.hl7.messages import print_message

    with errors_to_exit_code():
        code = print_message(_settings(), study, channel)
    raise typer.Exit(code)


@hl7.command("send-test")
def send_test(
    channel: Annotated[str, typer.Argument(help="Name of a flag channel of kind hl7.")],
) -> None:
    """Send a message about no patient, marked as a test (MSH-11 T), and show the answer.

    Example: `firstread hl7 send-test ris`.
    """
    from firstread.hl7.messages import send_test_and_print

    with errors_to_exit_code():
        code = send_test_and_print(_settings(), channel)
    raise typer.Exit(code)


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
