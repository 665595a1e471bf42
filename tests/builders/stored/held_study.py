"""Studies with their files: originals in the spool, and results beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydicom import Dataset, dcmread
from sqlalchemy import select

from database.jobs.claimed import claim_job, end_job
from database.results.stored import store_result
from database.session import Engine, transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.assembly import assemble_study
from database.studies.instances import Arrival, record_instance
from database.tables.study.analysis import Result, ResultObject, Study
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.peers import RequestPriority
from tests.builders.stored.rows import BUNDLE, NOON, WAITS

_KINDS = {
    "SEG": ObjectKind.SEGMENTATION,
    "SR": ObjectKind.REPORT,
    "OT": ObjectKind.CAPTURE,
    "DOC": ObjectKind.DOCUMENT,
}


def hold_instances(
    settings: Settings,
    engine: Engine,
    data_sets: Iterable[Dataset],
    *,
    now: datetime = NOON,
    asked_for: bool = False,
) -> list[Path]:
    """Put data sets with file meta information into the spool, with their rows."""
    paths = []
    for data_set in data_sets:
        uids = (data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID)
        relative = "/".join(uids) + ".dcm"
        path = settings.spool_folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        data_set.save_as(path, enforce_file_format=True)
        paths.append(path)
        arrival = Arrival(
            study_instance_uid=uids[0],
            series_instance_uid=uids[1],
            sop_instance_uid=uids[2],
            sop_class_uid=data_set.SOPClassUID,
            transfer_syntax_uid=data_set.file_meta.TransferSyntaxUID,
            path=relative,
            sha256=f"{len(paths):064x}",
            size_bytes=path.stat().st_size,
            calling_ae_title="SCANNER",
            association_id=None,
            priority=RequestPriority.ROUTINE,
            patient_id=str(data_set.get("PatientID", "")),
            accession_number=str(data_set.get("AccessionNumber", "")),
            patient_sex=str(data_set.get("PatientSex", "")),
            asked_for=asked_for,
        )
        with transaction(engine) as session:
            record_instance(session, arrival, now)
    return paths


def hold_files(settings: Settings, engine: Engine, files: Sequence[Path]) -> str:
    """The same with files; gives the Study Instance UID."""
    data_sets = [dcmread(path) for path in files]
    hold_instances(settings, engine, data_sets)
    return str(data_sets[0].StudyInstanceUID)


def hold_results(
    settings: Settings,
    engine: Engine,
    study_instance_uid: str,
    data_sets: Sequence[Dataset],
    *,
    now: datetime = NOON,
) -> int:
    """Assemble a study and answer it with objects; gives the number of the result."""
    with transaction(engine) as session:
        study_id = session.scalars(
            select(Study.id).where(Study.study_instance_uid == study_instance_uid)
        ).one()
        assemble_study(session, study_id, bundles=(BUNDLE,), waits=WAITS, now=now)
    with transaction(engine) as session:
        claim = claim_job(session, worker="worker", lease_s=10.0, now=now)
    assert claim is not None
    assert claim.study_id == study_id, "another study was waiting"
    objects = []
    for data_set in data_sets:
        relative = f"job-{claim.job_id}/{data_set.SOPInstanceUID}.dcm"
        path = settings.results_folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        data_set.save_as(path, enforce_file_format=True)
        objects.append(
            ResultObject(
                kind=_KINDS[data_set.Modality],
                sop_class_uid=data_set.SOPClassUID,
                sop_instance_uid=data_set.SOPInstanceUID,
                series_instance_uid=data_set.SeriesInstanceUID,
                path=relative,
                size_bytes=path.stat().st_size,
            )
        )
    result = Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=Outcome.FINDINGS,
        urgency=Urgency.URGENT,
        reading={},
        created_at=now,
    )
    with transaction(engine) as session:
        stored = store_result(session, result, objects, [], now)
        end_job(session, claim, JobState.ENCODED, now, rank=WorklistRank.URGENT)
    return stored.result_id
