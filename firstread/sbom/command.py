"""`firstread sbom`: writes the bill of materials."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from firstread.say import console, errors_to_exit_code
from radiology.errors import SettingsRefused
from settings.environment import read_settings
from settings.log.log_events import configure_command_logging

_EPOCH: Final = "SOURCE_DATE_EPOCH"


def sbom(
    out: Annotated[
        Path | None, typer.Option(help="The file to write; default: standard output.")
    ] = None,
    system: Annotated[
        bool,
        typer.Option("--system", help="Also every Debian package of this machine or container."),
    ] = False,
    release: Annotated[
        Path | None,
        typer.Option(
            help="The repository of a release: what it would install, not what is installed."
        ),
    ] = None,
) -> None:
    """What this installation is made of, as a CycloneDX bill of materials (SBOM).

    Python packages, what the page brings into the browser, fonts, bundles with what they were
    trained on, Python and the operating system. Nothing of a patient and no setting stands in it.

    Examples: `firstread sbom --out sbom.json`; in a container `firstread sbom --system`.
    """
    from firstread.sbom.collect import of_the_release, of_this_installation
    from firstread.sbom.document import bill_of

    with errors_to_exit_code():
        settings = read_settings()
        configure_command_logging(settings)
        if release is not None and system:
            raise SettingsRefused("--system tells of this machine, and --release of none")
        if release is None:
            components, needs = of_this_installation(settings, system=system)
        else:
            components, needs = of_the_release(release)
        _write(bill_of(components, needs, at=_now()), out)


def _write(text: str, out: Path | None) -> None:
    if out is None:
        print(text, end="")
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsRefused(f"{out} cannot be written: {error.strerror}") from error
    console.print(f"Written: {out}")


def _now() -> datetime:
    """The moment of the bill; a build that is to give the same bytes again sets it.

    SOURCE_DATE_EPOCH, as reproducible builds name it, in seconds since 1970.
    """
    given = os.environ.get(_EPOCH)
    if given is None:
        return datetime.now(UTC).replace(microsecond=0)
    if not given.isdecimal():
        raise SettingsRefused(f"{_EPOCH} is a number of seconds, not {given!r}")
    return datetime.fromtimestamp(int(given), UTC)
