"""`firstread flags`: lists and acknowledges flags, tells a channel again, and tests a channel."""

from __future__ import annotations

from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

flags = typer.Typer(
    no_args_is_help=True, help="Flags of urgent studies: what is open, and who was told."
)


@flags.command("list")
def list_all(
    all_flags: Annotated[bool, typer.Option("--all", help="Not only the open ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """List flags with what each channel answered."""
    from firstread.flags.raised import print_flags

    with errors_to_exit_code():
        print_flags(_settings(), open_only=not all_flags, limit=limit, as_json=as_json)


@flags.command("acknowledge")
def acknowledge(
    flag: Annotated[str, typer.Argument(help="Its UID, or its study's accession number.")],
    by: Annotated[str, typer.Option(help="Who has seen it; default: whoever you are here.")] = "",
) -> None:
    """Say that somebody has seen a flag."""
    from firstread.flags.raised import acknowledge_and_say

    with errors_to_exit_code():
        code = acknowledge_and_say(_settings(), flag, by=by)
    raise typer.Exit(code)


@flags.command("retry")
def retry(
    flag: Annotated[str, typer.Argument(help="Its UID, or its study's accession number.")],
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
) -> None:
    """Tell channels again that refused a flag or did not take it."""
    from firstread.flags.raised import retry_and_say

    with errors_to_exit_code():
        code = retry_and_say(_settings(), flag, channel)
    raise typer.Exit(code)


@flags.command("test")
def test(
    channel: Annotated[str, typer.Argument(help="The channel's name in the settings.")],
) -> None:
    """Send a notice about no study through a channel, and its withdrawal; print the answers.

    Example: `firstread flags test pager`.
    """
    from firstread.flags.channel_trial import try_channel

    with errors_to_exit_code():
        try_channel(_settings(), channel)


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
