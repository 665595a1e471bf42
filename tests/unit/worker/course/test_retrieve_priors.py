"""Which of the studies that a PACS offers are fetched: the patient's, earlier, and not too old."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydicom import Dataset

from database.priors.requests import claim_request, due_requests, end_asking, request_priors
from database.session import open_engine, query, transaction
from database.states import PriorRequestState
from database.tables.study.analysis import Study
from dicom_node.request.query import FoundStudy
from tests.builders.stored.empty_database import make_tables
from tests.builders.stored.rows import arrival, later, receive
from worker.patient.patient_identity import PatientIdentity
from worker.priors.retrieve_priors import choose_studies

PATIENT = PatientIdentity("4711", issuer="HOSPITAL A", birth_date="19610203", sex="F")
ACQUIRED_AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def offered(day: str = "20260301", time: str = "080000", **changed: str) -> FoundStudy:
    """A study of the patient as a PACS describes it."""
    header = Dataset()
    header.PatientID = "4711"
    header.PatientBirthDate = "19610203"
    header.PatientSex = "F"
    header.StudyTime = time
    for keyword, value in changed.items():
        setattr(header, keyword, value)
    return FoundStudy("2.25.1", day, header)


@pytest.mark.parametrize(
    ("study", "wanted"),
    [
        (offered(), True),
        (offered(IssuerOfPatientID="HOSPITAL A"), True),
        (offered(PatientName="Someone^Else"), True),
        (offered(PatientBirthDate="", PatientSex=""), True),
        (offered(IssuerOfPatientID="HOSPITAL B"), False),
        (offered(PatientBirthDate="19610204"), False),
        (offered(PatientSex="M"), False),
        (offered("20260310", "115959.5"), True),
        (offered("20260310", "120000"), False),
        (offered("20260310", ""), False),
        (offered("20260309", ""), True),
        (offered("20260208"), True),
        (offered("20260207"), False),
        (offered(""), False),
    ],
    ids=[
        "of the patient",
        "same issuer",
        "name is not looked at",
        "PACS does not say",
        "other issuer",
        "other birth date",
        "other sex",
        "earlier that day",
        "at that moment",
        "that day, no time",
        "the day before, no time",
        "just young enough",
        "too old",
        "no date",
    ],
)
def test_what_is_fetched(study: FoundStudy, *, wanted: bool) -> None:
    """Whose it is, by more than the Patient ID; and when."""
    chosen = choose_studies([study], identity=PATIENT, acquired_at=ACQUIRED_AT, within_days=30)
    assert chosen == (["2.25.1"] if wanted else [])


@pytest.mark.parametrize(
    ("compared_at", "wanted"),
    [
        (datetime(2026, 2, 28, tzinfo=UTC), True),
        (datetime(2026, 3, 1, 8, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 5, tzinfo=UTC), False),
    ],
    ids=["an older one", "this very one", "a newer one"],
)
def test_only_what_is_newer_than_what_we_hold(compared_at: datetime, *, wanted: bool) -> None:
    """A study that was compared with already is replaced by a newer one only."""
    chosen = choose_studies(
        [offered()],
        identity=PATIENT,
        acquired_at=ACQUIRED_AT,
        within_days=30,
        newer_than=compared_at,
    )
    assert chosen == (["2.25.1"] if wanted else [])


def test_each_peer_is_asked_once_whatever_dies() -> None:
    """One row for each peer; a worker that fell silent is followed by another, which counts."""
    engine = open_engine("sqlite://")
    make_tables(engine)
    receive(engine, replace(arrival(), patient_id="4711"))
    for _ in range(2):
        with transaction(engine) as session:
            request_priors(session, 1, ["pacs", "archive"], later(0), limit_s=3600.0)
    with query(engine) as session:
        assert due_requests(session, later(0)) == 2
    with transaction(engine) as session:
        silent = claim_request(session, lease_s=60.0, now=later(0))
        other = claim_request(session, lease_s=60.0, now=later(0))
        assert silent is not None
        assert other is not None
        assert {silent.peer, other.peer} == {"pacs", "archive"}
        assert claim_request(session, lease_s=60.0, now=later(59)) is None
        end_asking(session, other, PriorRequestState.NOTHING, later(59))
        again = claim_request(session, lease_s=60.0, now=later(61))
        assert again is not None
        assert (again.request_id, again.attempts) == (silent.request_id, 2)


@pytest.mark.parametrize("patient_id", ["4711", ""], ids=["asked for", "no patient ID"])
def test_no_priors_of_priors(patient_id: str) -> None:
    """A study that came to be compared with, or that is nobody's, asks for nothing itself."""
    engine = open_engine("sqlite://")
    make_tables(engine)
    receive(engine, replace(arrival(), patient_id=patient_id, asked_for=bool(patient_id)))
    with transaction(engine) as session:
        request_priors(session, session.get_one(Study, 1).id, ["pacs"], later(0), limit_s=3600.0)
        assert due_requests(session, later(0)) == 0
