"""`firstread forget`: searched by other code, the marks are there before and gone after."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text, update
from typer.testing import CliRunner, Result

from database.accounts.audit import Actor, StudyReference, record_audit
from database.audit.verify import verify_chain
from database.session import query, transaction
from database.states import JobState, UploadState
from database.studies.patient import withhold_patient
from database.tables.operation.retention import FileRemoval, Forgetting
from database.tables.readers.account import AuditEvent
from database.tables.readers.feedback import Feedback
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Event, Job, Study
from database.tables.study.analysis import Result as ResultRow
from database.tables.study.clinical import ClinicalEntry
from database.tables.study.hl7 import ImagingOrder, PatientVisit, ReceivedValue, StudyReport
from database.tables.study.prior import PriorRequest, RequestedPrior
from database.tables.study.quarantine import QuarantinedObject
from firstread.__main__ import app
from radiology.feedback import Judgement
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
from worklist.administration.problems import find_problems

_LATER = START + timedelta(days=3650)


@pytest.fixture
def marked(site: KeptSite, monkeypatch: pytest.MonkeyPatch) -> KeptRows:
    """A patient of whom something stands in every place, and another one beside."""
    for name, value in {
        "DATA_FOLDER": str(site.settings.data_folder),
        "DATABASE_URL": site.settings.database_address,
    }.items():
        monkeypatch.setenv(f"FIRSTREAD_{name}", value)
    monkeypatch.setenv("FIRSTREAD_LOG_FORMAT", "json")
    site.study(patient_id="SOMEBODY-ELSE", accession_number="OTHER-ACC")
    uid = "2.25.700002"
    study = site.study(
        patient_id=PATIENT_ID,
        accession_number=ACCESSION,
        contents=(marked_image(uid, 0), marked_image(uid, 1, deflated=True)),
    )
    assert study.uid == uid
    with transaction(site.engine) as session:
        _said(session)
        session.add_all(
            [
                ClinicalEntry(
                    study_id=study.study_id,
                    changes={"note": PATIENT_ID},
                    entered_by="dr-a",
                    through="page",
                    entered_at=START,
                ),
                Feedback(
                    result_id=study.result_id,
                    reader="dr-a",
                    judgement=Judgement.AGREE,
                    comment=f"it is {NAME}",
                    given_at=START,
                ),
                Event(at=START, study_id=study.study_id, name="x", facts={"order": ACCESSION}),
            ]
        )
        request = PriorRequest(study_id=study.study_id, peer="pacs", due_at=START, expires_at=START)
        session.add(request)
        session.flush()
        session.add(RequestedPrior(prior_request_id=request.id, study_instance_uid="2.25.5"))
        record_audit(
            session,
            "study_opened",
            START,
            Actor("dr-a", "reader", "10.0.0.7"),
            study=StudyReference(study.uid, PATIENT_ID),
        )
        # An older row, so that a free page holds what it said
        session.execute(
            update(Study).where(Study.id == study.study_id).values(several_patients=NAME * 20)
        )
    with transaction(site.engine) as session:
        session.execute(update(Study).where(Study.id == study.study_id).values(several_patients=""))
    site.quarantine(content=marked_image(uid, 7))
    site.quarantine(content=marked_image(uid, 8, deflated=True))
    site.quarantine(content=b"of nobody")
    _uploads(site)
    return study


def _said(session) -> None:  # type: ignore[no-untyped-def]
    session.add_all(
        [
            ImagingOrder(
                accession_number=ACCESSION,
                patient_id=PATIENT_ID,
                said_at=START,
                expires_at=_LATER,
            ),
            PatientVisit(patient_id=PATIENT_ID, said_at=START, expires_at=_LATER),
            ReceivedValue(
                patient_id=PATIENT_ID,
                name="respiratory_rate",
                value=20.0,
                observed_at=START,
                valid_from=START,
                valid_until=START,
                expires_at=_LATER,
            ),
            StudyReport(
                accession_number=ACCESSION,
                patient_id=PATIENT_ID,
                status="F",
                reported_at=START,
                expires_at=_LATER,
            ),
        ]
    )


def _uploads(site: KeptSite) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.dcm", marked_image("2.25.700002", 9))
    contents = {"aa": packed.getvalue(), "bb": b"of nobody"}
    with transaction(site.engine) as session:
        for folder, content in contents.items():
            session.add(
                Upload(
                    token=folder,
                    folder=folder,
                    reader="dr-a",
                    state=UploadState.ANSWERED,
                    received_at=START,
                    expires_at=_LATER,
                    answer={"answer": "of nobody"},
                    refusals={"files": []},
                )
            )
            write(site.settings.uploads_folder / folder / "received" / "1", content)


def _marks(site: KeptSite, tmp_path: Path) -> set[str]:
    """All marks that are anywhere: data folder, SQLite with its log, or a dump of PostgreSQL."""
    found = {mark for mark, files in marks_in_folder(tmp_path).items() if files}
    if site.engine.dialect.name == "postgresql":
        found |= marks_in_dump(site.settings.database_address)
    return found


def _forget(*words: str) -> Result:
    return CliRunner().invoke(app, ["forget", *words])


def test_a_patient_is_gone_from_every_byte(
    site: KeptSite, marked: KeptRows, tmp_path: Path
) -> None:
    """Name, birth date, Patient ID and accession number: there before, gone after."""
    assert _marks(site, tmp_path) == set(MARKS)
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
    said = _forget(PATIENT_ID, "--yes", "--thorough", "--json")
    assert said.exit_code == 0, said.output
    forgotten = json.loads(said.stdout.splitlines()[-1])["forgotten"]
    assert forgotten["is_proved"] is True
    assert (forgotten["studies"], forgotten["rows_left"], forgotten["files_left"]) == (1, [], [])
    assert [(one["holder"], one["what"]) for one in forgotten["held_elsewhere"]] == [
        ("pacs", f"SR {marked.uid}.7")
    ]
    assert _marks(site, tmp_path) == set()
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
    assert _forget(f"study:{marked.uid}", "--yes").exit_code == 0
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
    said = _forget(ACCESSION)
    assert said.exit_code == 0, said.output
    assert "Would go: 1 studies, 6 files" in said.stdout
    assert "2 objects in quarantine, 1 uploads" in said.stdout
    assert f"Held by pacs: SR {marked.uid}.7" in said.stdout
    assert sorted(site.settings.data_folder.rglob("*")) == before
    assert _marks(site, tmp_path) == set(MARKS)


def test_a_study_alone_leaves_the_patient(site: KeptSite, marked: KeptRows) -> None:
    """Another study of the same patient stays, with what messages said of the patient."""
    site.study(patient_id=PATIENT_ID, accession_number="ANOTHER-1")
    assert _forget(marked.uid, "--yes").exit_code == 0
    with query(site.engine) as session:
        assert session.scalars(
            select(Study.accession_number).where(Study.patient_id == PATIENT_ID)
        ).all() == ["ANOTHER-1"]
        assert len(session.scalars(select(PatientVisit.id)).all()) == 1
        assert session.scalars(select(ImagingOrder.id)).all() == []


def test_work_in_hand_is_waited_for(site: KeptSite, marked: KeptRows) -> None:
    """A running job: refused with the reason, and nothing has gone; when it ends, it goes on."""
    with transaction(site.engine) as session:
        session.execute(
            update(Job)
            .where(Job.study_id == marked.study_id)
            .values(
                state=JobState.DECODED,
                lease_until=datetime.now(UTC) + timedelta(minutes=5),
                worker="w",
            )
        )
    said = _forget(PATIENT_ID, "--yes", "--wait", "0")
    assert said.exit_code == 2
    assert "work=a job" in said.stderr
    assert all(path.exists() for path in marked.originals)

    def end_soon() -> None:
        time.sleep(1.0)  # by now it has found the job in hand, of which nothing tells
        with transaction(site.engine) as session:
            session.execute(update(Job).values(lease_until=None, state=JobState.DELIVERED))

    ending = threading.Thread(target=end_soon)
    ending.start()
    assert _forget(PATIENT_ID, "--yes", "--wait", "60").exit_code == 0
    ending.join()


def test_called_again_it_goes_on(
    site: KeptSite, marked: KeptRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that died after the rows: the files, the database and the proof follow."""
    import worker.forget.forget as forgetting

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forgetting, "remove_marked", die)
        assert _forget(PATIENT_ID, "--yes").exit_code == 130
    with query(site.engine) as session:
        assert session.scalars(select(Study.id)).all() != [marked.study_id]
        assert len(session.scalars(select(FileRemoval.id)).all()) > 0
        assert session.scalars(select(Forgetting.asked)).all() == [f"patient:{PATIENT_ID}"]
        names = [one.name for one in find_problems(session, site.settings, datetime.now(UTC))]
        assert "forgetting_unfinished" in names
    said = _forget(PATIENT_ID, "--yes", "--thorough")
    assert said.exit_code == 0, said.output
    assert _marks(site, tmp_path) == set()


def test_what_is_left_is_said(site: KeptSite, marked: KeptRows) -> None:
    """A file that nobody thinks of: the command finds it, names it and does not claim success."""
    write(site.settings.data_folder / "notes" / "today.txt", f"call {PATIENT_ID}".encode())
    with transaction(site.engine) as session:
        session.add(Event(at=START, name="x", facts={"of": ACCESSION}))
    said = _forget(PATIENT_ID, "--yes")
    assert said.exit_code == 1
    assert "Left: notes/today.txt (by its bytes)" in said.stdout
    assert "Left: 1 rows of event, column facts" in said.stdout


def test_what_is_meant_must_be_clear(site: KeptSite, marked: KeptRows) -> None:
    """Nothing by this name; a Patient ID that is an accession number too; two issuers; a mix."""
    assert "Nothing here goes by this name" in _forget("nobody", "--yes").stderr
    other = site.study(patient_id=ACCESSION)
    assert "put study:, accession: or patient:" in _forget(ACCESSION, "--yes").stderr
    with transaction(site.engine) as session:
        for number, issuer in ((marked.study_id, "NORTH"), (other.study_id, "SOUTH")):
            session.execute(
                update(Study)
                .where(Study.id == number)
                .values(patient_id="TWICE", issuer_of_patient_id=issuer)
            )
    assert "name one with --issuer" in _forget("patient:TWICE", "--yes").stderr
    with transaction(site.engine) as session:
        withhold_patient(session, session.get_one(Study, marked.study_id), "MIXED-1")
    said = _forget("patient:MIXED-1", "--yes")
    assert said.exit_code == 2
    assert marked.uid in said.stderr
    with query(site.engine) as session:
        assert len(session.scalars(select(Study.id)).all()) == 3


def test_another_patient_with_the_same_patient_id_keeps_everything(
    site: KeptSite, marked: KeptRows
) -> None:
    """Two issuers, one Patient ID: what HL7 said of the other stays, and so does their audit."""
    other = site.study(patient_id="TWICE")
    with transaction(site.engine) as session:
        for number, issuer in ((marked.study_id, "NORTH"), (other.study_id, "SOUTH")):
            session.execute(
                update(Study)
                .where(Study.id == number)
                .values(patient_id="TWICE", issuer_of_patient_id=issuer)
            )
        for said_of in (ImagingOrder, StudyReport):
            session.execute(update(said_of).values(patient_id="TWICE"))
        session.add(
            PatientVisit(
                patient_id="TWICE", issuer_of_patient_id="SOUTH", said_at=START, expires_at=_LATER
            )
        )
        record_audit(
            session,
            "study_opened",
            START,
            Actor("anna", "reader", "10.0.0.7"),
            study=StudyReference(other.uid, "TWICE"),
        )
    assert "by this issuer" in _forget("patient:TWICE", "--issuer", "EAST", "--yes").stderr
    said = _forget("patient:TWICE", "--issuer", "NORTH", "--yes")
    assert said.exit_code == 0, said.output
    with query(site.engine) as session:
        assert other.study_id in session.scalars(select(Study.id)).all()
        assert marked.study_id not in session.scalars(select(Study.id)).all()
        visits = session.scalars(select(PatientVisit.issuer_of_patient_id)).all()
        assert "SOUTH" in visits
        opened = session.scalars(
            select(AuditEvent).where(AuditEvent.study_instance_uid == other.uid)
        ).all()
        assert [one.patient_id for one in opened] == ["TWICE"]


def test_an_accession_number_of_two_patients_is_refused(site: KeptSite, marked: KeptRows) -> None:
    """Which of the two is meant, nobody knows."""
    other = site.study(patient_id="OTHER-PATIENT")
    with transaction(site.engine) as session:
        session.execute(
            update(Study).where(Study.id == other.study_id).values(accession_number=ACCESSION)
        )
    said = _forget(f"accession:{ACCESSION}", "--yes")
    assert said.exit_code == 2
    assert "name one by its UID" in said.stderr


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
