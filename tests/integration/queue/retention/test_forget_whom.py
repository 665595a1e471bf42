"""Who is meant by the name that `firstread forget` is given, and who is not."""

from __future__ import annotations

from sqlalchemy import select, update

from database.accounts.audit import Actor, StudyReference, record_audit
from database.session import query, transaction
from database.studies.patient import withhold_patient
from database.tables.readers.account import AuditEvent
from database.tables.study.analysis import Study
from database.tables.study.hl7 import PatientVisit
from tests.builders.marked_patient import (
    ACCESSION,
)
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite
from tests.integration.queue.retention.forget_command import forget, of_two_issuers


def test_what_is_meant_must_be_clear(site: KeptSite, marked: KeptRows) -> None:
    """Nothing by this name; a Patient ID that is an accession number too; two issuers; a mix."""
    assert "Nothing here goes by this name" in forget("nobody", "--yes").stderr
    other = site.study(patient_id=ACCESSION)
    assert "put study:, accession: or patient:" in forget(ACCESSION, "--yes").stderr
    with transaction(site.engine) as session:
        for number, issuer in ((marked.study_id, "NORTH"), (other.study_id, "SOUTH")):
            session.execute(
                update(Study)
                .where(Study.id == number)
                .values(patient_id="TWICE", issuer_of_patient_id=issuer)
            )
    assert "name one with --issuer" in forget("patient:TWICE", "--yes").stderr
    with transaction(site.engine) as session:
        withhold_patient(session, session.get_one(Study, marked.study_id), "MIXED-1")
    said = forget("patient:MIXED-1", "--yes")
    assert said.exit_code == 2
    assert marked.uid in said.stderr
    with query(site.engine) as session:
        assert len(session.scalars(select(Study.id)).all()) == 3


def test_another_patient_with_the_same_patient_id_keeps_everything(
    site: KeptSite, marked: KeptRows
) -> None:
    """Two issuers, one Patient ID: what HL7 said of the other stays, and so does their audit."""
    other = site.study(patient_id="TWICE")
    of_two_issuers(site, marked, other, "TWICE")
    with transaction(site.engine) as session:
        session.add(
            PatientVisit(
                patient_id="TWICE", issuer_of_patient_id="SOUTH", said_at=START, expires_at=START
            )
        )
        record_audit(
            session,
            "study_opened",
            START,
            Actor("anna", "reader", "10.0.0.7"),
            study=StudyReference(other.uid, "TWICE"),
        )
    assert "by this issuer" in forget("patient:TWICE", "--issuer", "EAST", "--yes").stderr
    said = forget("patient:TWICE", "--issuer", "NORTH", "--yes")
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
    said = forget(f"accession:{ACCESSION}", "--yes")
    assert said.exit_code == 2
    assert "name one by its UID" in said.stderr
