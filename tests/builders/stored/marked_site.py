"""The marked patient in a data folder and its database: something in every place there is."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

from sqlalchemy import update

from database.accounts.audit import Actor, StudyReference, record_audit
from database.session import Session, transaction
from database.states import UploadState
from database.tables.readers.feedback import Feedback
from database.tables.readers.upload import Upload
from database.tables.study.analysis import Event, Study
from database.tables.study.clinical import ClinicalEntry
from database.tables.study.hl7 import ImagingOrder, PatientVisit, ReceivedValue, StudyReport
from database.tables.study.prior import PriorRequest, RequestedPrior
from radiology.feedback import Judgement
from tests.builders.marked_patient import (
    ACCESSION,
    NAME,
    PATIENT_ID,
    marked_image,
)
from tests.builders.stored.kept_studies import START, KeptRows, KeptSite, write

_LATER = START + timedelta(days=3650)


def write_marked_patient(site: KeptSite) -> KeptRows:
    """A patient of whom something stands in every place, and another one beside."""
    site.study(patient_id="SOMEBODY-ELSE", accession_number="OTHER-ACC")
    uid = site.next_uid
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
    _uploads(site, uid)
    return study


def _said(session: Session) -> None:
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
                name="respiratory_rate_per_min",
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


def _uploads(site: KeptSite, uid: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.dcm", marked_image(uid, 9))
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
