"""`firstread audit`: who did what, as JSON lines or audit messages, and whether all is there."""

from __future__ import annotations

from typing import Annotated

import typer

from firstread.say import errors_to_exit_code
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging

audit = typer.Typer(
    invoke_without_command=True,
    help="""Who did what: audit events, and whether their chain is whole.

Examples: `firstread audit --since 2026-11-21`; `firstread audit --study 1.2.840.99.7`;
`firstread audit --event sign_in_failed`; `firstread audit --after 4711` for what is new;
`firstread audit verify`.""",
)


@audit.callback()
def listed(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="From this moment on, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment.")] = None,
    reader: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    event: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
    study: Annotated[
        str | None,
        typer.Option(help="Only of this study: its UID or accession number."),
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Only events with a higher id.")] = 0,
    xml: Annotated[
        bool, typer.Option("--xml", help="Audit messages of DICOM PS3.15 A.5, one a line.")
    ] = False,
) -> None:
    """Print who did what, as JSON lines with the codes of DICOM PS3.15 A.5; that is recorded too.

    Examples: `firstread audit --since 2026-11-21`; `firstread audit --study 1.2.840.99.7 --xml`.
    """
    if context.invoked_subcommand is not None:
        return
    from firstread.audit.listed import print_audit

    with errors_to_exit_code():
        print_audit(
            _settings(),
            since=since,
            until=until,
            reader=reader,
            event=event,
            study=study,
            after=after,
            as_xml=xml,
        )


@audit.command("verify")
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="Number and hash of an event that were kept elsewhere: 4711:9f86…"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """Say whether an audit event was changed, removed, inserted or moved, and which.

    The head that it prints is worth keeping elsewhere: only it shows that the whole chain was made
    anew. Exit code 1 where something is wrong.

    Examples: `firstread audit verify`; `firstread audit verify --head 4711:9f86d08188…`.
    """
    from firstread.audit.verified import verify_and_print

    with errors_to_exit_code():
        code = verify_and_print(_settings(), head=head, as_json=as_json)
    raise typer.Exit(code)


def _settings() -> Settings:
    settings = read_settings()
    configure_command_logging(settings)
    return settings
