"""Calls `firstread forget` as a person does, and looks for what it leaves."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from firstread.__main__ import app
from tests.builders.marked_patient import marks_in_dump, marks_in_folder
from tests.builders.stored.kept_studies import KeptSite


def forget(*words: str) -> Result:
    """What it says and with what it exits."""
    return CliRunner().invoke(app, ["forget", *words])


def marks(site: KeptSite, folder: Path) -> set[str]:
    """All marks that are anywhere: data folder, SQLite with its log, or a dump of PostgreSQL."""
    found = {mark for mark, files in marks_in_folder(folder).items() if files}
    if site.engine.dialect.name == "postgresql":
        found |= marks_in_dump(site.settings.database_address)
    return found
