"""Calls `firstread forget` as a person does, and looks for what it leaves."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update
from typer.testing import CliRunner, Result

from database.session import transaction
from database.tables.study.analysis import Study
from database.tables.study.hl7 import ImagingOrder, StudyReport
from firstread.__main__ import app
from tests.builders.marked_patient import marks_in_dump, marks_in_folder
from tests.builders.stored.kept_studies import KeptRows, KeptSite


def forget(*words: str) -> Result:
    """What it says and with what it exits."""
    return CliRunner().invoke(app, ["forget", *words])


def marks(site: KeptSite, folder: Path) -> set[str]:
    """All marks that are anywhere: data folder, SQLite with its log, or a dump of PostgreSQL."""
    found = {mark for mark, files in marks_in_folder(folder).items() if files}
    if site.engine.dialect.name == "postgresql":
        found |= marks_in_dump(site.settings.database_address)
    return found


def of_two_issuers(site: KeptSite, north: KeptRows, south: KeptRows, patient_id: str) -> None:
    """Two patients of two issuers with one Patient ID; what HL7 said names it too."""
    with transaction(site.engine) as session:
        for kept, issuer in ((north, "NORTH"), (south, "SOUTH")):
            session.execute(
                update(Study)
                .where(Study.id == kept.study_id)
                .values(patient_id=patient_id, issuer_of_patient_id=issuer)
            )
        for said_of in (ImagingOrder, StudyReport):
            session.execute(update(said_of).values(patient_id=patient_id))
