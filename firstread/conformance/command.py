"""`firstread conformance`: writes the statement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstread.say import console, errors_to_exit_code
from radiology.errors import SettingsRefused
from settings.environment import Settings, read_settings
from settings.log.log_events import configure_command_logging


def conformance(
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write, .md or .html; default: Markdown, standard output."),
    ] = None,
    docs: Annotated[
        bool, typer.Option("--docs", hidden=True, help="That of the repository, of the defaults.")
    ] = False,
) -> None:
    """The DICOM conformance statement of this configuration: what is accepted, proposed and sent.

    Examples: `firstread conformance --out conformance.html`; `firstread conformance`.
    """
    from firstread.conformance.statement import as_page, conformance_statement

    with errors_to_exit_code():
        settings = Settings() if docs else read_settings()
        configure_command_logging(settings)
        text = conformance_statement(settings, linked=docs)
        if out is None:
            print(text, end="")
            return
        if out.suffix not in (".md", ".html"):
            raise SettingsRefused("The statement is written as .md or as .html")
        page = as_page(text, f"DICOM conformance statement, {settings.ae_title}")
        try:
            out.write_text(page if out.suffix == ".html" else text, encoding="utf-8")
        except OSError as error:
            raise SettingsRefused(f"{out} cannot be written: {error.strerror}") from error
        console.print(f"Written: {out}")
