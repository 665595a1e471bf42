"""`firstread forget`: searched by other code, the marks are there before and gone after."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from sqlalchemy import inspect, select, text, update

from database.accounts.audit import Actor, StudyReference, record_audit
from database.audit.verify import verify_chain
from database.session import query, transaction
from database.tables.operation.retention import FileRemoval, Forgetting
from database.tables.readers.account import AuditEvent
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Event, Study
from database.tables.study.analysis import Result as ResultRow
from database.tables.study.hl7 import ImagingOrder, PatientVisit
from database.tables.study.quarantine import QuarantinedObject
from tests.builders.marked_patient import (
    ACCESSION,
    MARKS,
    NAME,
    PATIENT_ID,
    marked_image,
    marks_in_dump,
    marks_in_folder,
)
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite, write
from tests.integration.queue.retention.forget_command import forget, marks


def test_a_patient_is_gone_from_every_byte(
    site: KeptSite, marked: KeptRows, tmp_path: Path
) -> None:
    """Name, birth date, Patient ID and accession number: there before, gone after."""
    assert marks(site, tmp_path) == set(MARKS)
    places = marks_in_folder(site.settings.data_folder)
    assert {path.split("/")[0] for path in places[PATIENT_ID]} == {
        "spool",
        "quarantine",
        "uploads",
    }
    if site.engine.dialect.name == "postgresql":
        assert marks_in_dump(site.settings.database_address) >= {NAME, PATIENT_ID, ACCESSION}
    else:
        in_database = marks_in_folder(tmp_path)
        assert any("test.sqlite" in path for path in in_database[NAME])
    said = forget(PATIENT_ID, "--yes", "--thorough", "--json")
    assert said.exit_code == 0, said.output
    forgotten = json.loads(said.stdout.splitlines()[-1])["forgotten"]
    assert forgotten["is_proved"] is True
    assert (forgotten["studies"], forgotten["rows_left"], forgotten["files_left"]) == (1, [], [])
    assert [(one["holder"], one["what"]) for one in forgotten["held_elsewhere"]] == [
        ("pacs", f"SR {marked.uid}.7")
    ]
    assert marks(site, tmp_path) == set()
    assert marked.uid not in said.stderr  # what is logged names nobody
    assert not any(mark in said.stderr for mark in MARKS)
    _require_the_others(site)


def _require_the_others(site: KeptSite) -> None:
    """Nothing of anybody else has gone, and the audit says that something was forgotten."""
    with query(site.engine) as session:
        assert session.scalars(select(Study.patient_id)).all() == ["SOMEBODY-ELSE"]
        assert len(session.scalars(select(QuarantinedObject.id)).all()) == 1
        assert session.scalars(select(Upload.folder)).all() == ["bb"]
        assert len(session.scalars(select(ResultRow.id)).all()) == 1
        assert session.scalars(select(FileRemoval.id)).all() == []
        assert session.scalars(select(Forgetting.id)).all() == []
        opened, gone = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        assert (opened.reader, opened.address, opened.study_instance_uid) == (
            "dr-a",
            "10.0.0.7",
            gone.facts["called"],
        )
        assert (gone.name, gone.facts["studies"]) == ("record_forgotten", 1)
        assert (gone.facts["events"], opened.salt, len(opened.identifiers_sha256)) == ("1", "", 64)
        assert list(verify_chain(session)[1]) == []
    _require_nobody_else_can_be_forgotten_unsaid(site)
    assert len(list(site.settings.spool_folder.rglob("*.dcm"))) == 2
    assert len(list(site.settings.results_folder.rglob("*.*"))) >= 4


def _require_nobody_else_can_be_forgotten_unsaid(site: KeptSite) -> None:
    """What forgetting does to an event is found where it was not said, or said of another one."""
    with transaction(site.engine) as session:
        record_audit(
            session,
            "study_opened",
            START,
            Actor("dr-b", "reader", "10.0.0.8"),
            study=StudyReference("2.25.9", "SOMEBODY-ELSE"),
        )
        was = session.execute(
            select(AuditEvent.id, AuditEvent.study_instance_uid).where(AuditEvent.salt == "")
        ).one()
    with transaction(site.engine) as session:
        taken = {"salt": "", "study_instance_uid": was.study_instance_uid, "patient_id": "x"}
        session.execute(update(AuditEvent).where(AuditEvent.reader == "dr-b").values(**taken))
        session.execute(update(AuditEvent).where(AuditEvent.id == was.id).values(salt="00"))
    with query(site.engine) as session:
        found = {(one.fault.value, one.number) for one in verify_chain(session)[1]}
    assert found == {("identifiers_changed", was.id), ("identifiers_changed", 3)}
    with transaction(site.engine) as session:
        session.execute(update(AuditEvent).where(AuditEvent.id == was.id).values(salt=""))


def test_no_row_refers_to_what_is_gone(site: KeptSite, marked: KeptRows) -> None:
    """Each table that refers to a study, however far: none of its rows is left without it."""
    assert forget(f"study:{marked.uid}", "--yes").exit_code == 0
    with query(site.engine) as session:
        tables = inspect(site.engine)
        looked_at = 0
        for table in tables.get_table_names():
            for key in tables.get_foreign_keys(table):
                (column,), (target,) = key["constrained_columns"], key["referred_columns"]
                left = session.scalar(
                    text(
                        f'SELECT count(*) FROM "{table}" WHERE "{column}" IS NOT NULL AND '
                        f'"{column}" NOT IN (SELECT "{target}" FROM "{key["referred_table"]}")'
                    )
                )
                assert left == 0, (table, column)
                looked_at += 1
        assert looked_at > 25


def test_without_yes_nothing_goes(site: KeptSite, marked: KeptRows, tmp_path: Path) -> None:
    """It says how much would go, and who else holds something."""
    before = sorted(site.settings.data_folder.rglob("*"))
    said = forget(ACCESSION)
    assert said.exit_code == 0, said.output
    assert "Would go: 1 studies, 6 files" in said.stdout
    assert "2 objects in quarantine, 1 uploads" in said.stdout
    assert f"Held by pacs: SR {marked.uid}.7" in said.stdout
    assert sorted(site.settings.data_folder.rglob("*")) == before
    assert marks(site, tmp_path) == set(MARKS)


def test_a_study_alone_leaves_the_patient(site: KeptSite, marked: KeptRows) -> None:
    """Another study of the same patient stays, with what messages said of the patient."""
    site.study(patient_id=PATIENT_ID, accession_number="ANOTHER-1")
    assert forget(marked.uid, "--yes").exit_code == 0
    with query(site.engine) as session:
        assert session.scalars(
            select(Study.accession_number).where(Study.patient_id == PATIENT_ID)
        ).all() == ["ANOTHER-1"]
        assert len(session.scalars(select(PatientVisit.id)).all()) == 1
        assert session.scalars(select(ImagingOrder.id)).all() == []


def test_what_is_left_is_said(site: KeptSite, marked: KeptRows) -> None:
    """A file that nobody thinks of: the command finds it, names it and does not claim success."""
    write(site.settings.data_folder / "notes" / "today.txt", f"call {PATIENT_ID}".encode())
    with transaction(site.engine) as session:
        session.add(Event(at=START, name="x", facts={"of": ACCESSION}))
    said = forget(PATIENT_ID, "--yes")
    assert said.exit_code == 1
    assert "Left: notes/today.txt (by its bytes)" in said.stdout
    assert "Left: 1 rows of event, column facts" in said.stdout


def test_the_search_finds_each_mark_where_it_hides(tmp_path: Path) -> None:
    """Of the tests themselves: in bytes, in a name, in an archive, in a deflated data set."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", marked_image("2.25.1", 1))
    for name, content in {
        "plain.dcm": marked_image("2.25.1", 1),
        "deflated.dcm": marked_image("2.25.1", 1, deflated=True),
        "packed.zip": packed.getvalue(),
    }.items():
        folder = tmp_path / name.split(".", maxsplit=1)[0]
        write(folder / name, content)
        assert all(marks_in_folder(folder).values()), name
    write(tmp_path / "named" / PATIENT_ID / "x", b"")
    assert marks_in_folder(tmp_path / "named")[PATIENT_ID] == {f"{PATIENT_ID}/x"}
