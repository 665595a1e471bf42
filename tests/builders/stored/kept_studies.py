"""Studies with all their rows and small files, as they stand when they have been read and sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from database.flag_states import FlagState
from database.session import Engine, Session, transaction
from database.states import (
    DeliveryState,
    JobState,
    ObjectKind,
    ObjectState,
    StudyState,
    WorklistRank,
)
from database.tables.readers.flag import Flag
from database.tables.study.analysis import (
    DeliveredObject,
    Delivery,
    Event,
    Instance,
    Job,
    Result,
    ResultObject,
    Study,
)
from database.tables.study.quarantine import QuarantinedObject
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings
from settings.peers import RequestPriority

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
BUNDLE = "chest-ct-pneumonia"
_CT, _SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.34"
_EXPLICIT = "1.2.840.10008.1.2.1"
_Row = TypeVar("_Row")
_RANKS = {Urgency.URGENT: WorklistRank.URGENT, Urgency.ROUTINE: WorklistRank.ROUTINE}


@dataclass(frozen=True)
class KeptRows:
    """A study as it was written."""

    study_id: int
    result_id: int
    uid: str
    originals: tuple[Path, ...]
    slices: Path
    results: tuple[Path, ...]  # objects and pictures, without the slices


@dataclass(frozen=True)
class ToKeep:
    """A study to write, whose last image came at a moment."""

    at: datetime = START
    patient_id: str = ""
    accession_number: str = ""
    state: StudyState = StudyState.DELIVERED
    job: JobState = JobState.DELIVERED
    delivery: DeliveryState | None = DeliveryState.DELIVERED
    urgency: Urgency = Urgency.ROUTINE
    flag: FlagState | None = None
    several_patients: str = ""
    contents: tuple[bytes, ...] | None = None


@dataclass
class KeptSite:
    """Writes studies into a data folder and its database; `image_bytes` of each of two images."""

    engine: Engine
    settings: Settings
    image_bytes: int = 4000
    slices_bytes: int = 2000
    _next: int = field(default=1)

    def study(
        self,
        at: datetime = START,
        *,
        patient_id: str = "",
        accession_number: str = "",
        state: StudyState = StudyState.DELIVERED,
        job: JobState = JobState.DELIVERED,
        delivery: DeliveryState | None = DeliveryState.DELIVERED,
        urgency: Urgency = Urgency.ROUTINE,
        flag: FlagState | None = None,
        several_patients: str = "",
        contents: tuple[bytes, ...] | None = None,
    ) -> KeptRows:
        """One study, whose last image came at a moment."""
        one = ToKeep(
            at,
            patient_id,
            accession_number,
            state,
            job,
            delivery,
            urgency,
            flag,
            several_patients,
            contents,
        )
        with transaction(self.engine) as session:
            return self.studies_in(session, [one])[0]

    @property
    def next_uid(self) -> str:
        """Study Instance UID of the study that is written next."""
        return f"2.25.70000{self._next}"

    def studies_in(self, session: Session, wanted: Sequence[ToKeep]) -> list[KeptRows]:
        """Several, in the caller's transaction: table by table, which costs a fraction."""
        uids = [f"2.25.70000{self._next + place}" for place in range(len(wanted))]
        self._next += len(wanted)
        studies = _added(session, [_study(one, uid) for one, uid in zip(wanted, uids, strict=True)])
        originals = [
            self._images(session, study, one.at, one.contents)
            for one, study in zip(wanted, studies, strict=True)
        ]
        jobs = _added(
            session, [_job(one, study) for one, study in zip(wanted, studies, strict=True)]
        )
        results = _added(
            session,
            [_result(one, job, uid) for one, job, uid in zip(wanted, jobs, uids, strict=True)],
        )
        reports = _added(
            session, [_report(result, uid) for result, uid in zip(results, uids, strict=True)]
        )
        session.add_all(
            Event(at=one.at, study_id=study.id, name="received", facts={})
            for one, study in zip(wanted, studies, strict=True)
        )
        sent = [
            (
                report,
                Delivery(
                    result_id=result.id,
                    destination="pacs",
                    state=one.delivery,
                    due_at=one.at,
                    attempts=1,
                ),
            )
            for one, result, report in zip(wanted, results, reports, strict=True)
            if one.delivery is not None
        ]
        _added(session, [delivery for _, delivery in sent])
        session.add_all(
            DeliveredObject(
                delivery_id=delivery.id,
                result_object_id=report.id,
                state=ObjectState.STORED,
                status=0,
                answered_at=delivery.due_at,
            )
            for report, delivery in sent
        )
        session.add_all(
            Flag(
                flag_uid=f"{uid}.9",
                token=f"token{uid}",
                study_id=result.study_id,
                result_id=result.id,
                urgency=one.urgency,
                state=one.flag,
                raised_at=one.at,
            )
            for one, result, uid in zip(wanted, results, uids, strict=True)
            if one.flag is not None
        )
        sizes = (100, 50, self.slices_bytes, 50)
        kept = []
        for uid, result, images in zip(uids, results, originals, strict=True):
            report, picture, slices, compared = (
                write(self.settings.results_folder / name, b"r" * size)
                for name, size in zip(_names(uid), sizes, strict=True)
            )
            kept.append(
                KeptRows(
                    result.study_id, result.id, uid, images, slices, (report, picture, compared)
                )
            )
        return kept

    def _images(
        self, session: Session, study: Study, at: datetime, contents: tuple[bytes, ...] | None
    ) -> tuple[Path, ...]:
        uid, paths = study.study_instance_uid, []
        for image, content in enumerate(contents or (b"i" * self.image_bytes,) * 2):
            name = f"{uid}/{uid}.1/{uid}.1.{image}.dcm"
            session.add(
                Instance(
                    study_id=study.id,
                    series_instance_uid=f"{uid}.1",
                    sop_instance_uid=f"{uid}.1.{image}",
                    sop_class_uid=_CT,
                    transfer_syntax_uid=_EXPLICIT,
                    path=name,
                    sha256=f"{image:064}",
                    size_bytes=len(content),
                    received_at=at,
                    study_version=1,
                )
            )
            paths.append(write(self.settings.spool_folder / name, content))
        return tuple(paths)

    def quarantine(self, at: datetime = START, content: bytes = b"q" * 100) -> Path:
        """One object that was not stored."""
        number, self._next = self._next, self._next + 1
        name = f"{at:%Y-%m-%d}/{number:032x}.dcm"
        with transaction(self.engine) as session:
            session.add(
                QuarantinedObject(
                    calling_ae_title="SCANNER",
                    received_at=at,
                    error_kind="DataSetUnreadable",
                    reason="The bytes are not a DICOM data set that can be read.",
                    status=0xC000,
                    path=name,
                    size_bytes=len(content),
                )
            )
        return write(self.settings.quarantine_folder / name, content)


def _added(session: Session, rows: list[_Row]) -> list[_Row]:
    """Rows with their numbers."""
    session.add_all(rows)
    session.flush()
    return rows


def _study(one: ToKeep, uid: str) -> Study:
    return Study(
        study_instance_uid=uid,
        patient_id=one.patient_id,
        accession_number=one.accession_number,
        calling_ae_title="SCANNER",
        state=one.state,
        version=1,
        worklist_rank=_RANKS.get(one.urgency, WorklistRank.SUSPECTED),
        several_patients=one.several_patients,
        received_at=one.at,
        last_instance_at=one.at,
    )


def _job(one: ToKeep, study: Study) -> Job:
    return Job(
        study_id=study.id,
        study_version=1,
        bundle=BUNDLE,
        state=one.job,
        rank=study.worklist_rank,
        priority=RequestPriority.ROUTINE,
        queued_at=one.at,
        due_at=one.at,
        finished_at=one.at,
    )


def _names(uid: str) -> list[str]:
    """Files of a result: report, picture, slices, what later ones are compared with."""
    return [f"{uid}/{uid}.7{end}" for end in (".dcm", ".png", ".slices.zip", ".compared.npz")]


def _result(one: ToKeep, job: Job, uid: str) -> Result:
    _, picture, _, compared = _names(uid)
    return Result(
        job_id=job.id,
        study_id=job.study_id,
        study_version=1,
        bundle=BUNDLE,
        outcome=Outcome.NO_FINDINGS,
        urgency=one.urgency,
        reading={"outcome": "no_findings"},
        key_picture=picture,
        comparison_file=compared,
        created_at=one.at,
    )


def _report(result: Result, uid: str) -> ResultObject:
    return ResultObject(
        result_id=result.id,
        kind=ObjectKind.REPORT,
        sop_class_uid=_SR,
        sop_instance_uid=f"{uid}.7",
        series_instance_uid=f"{uid}.8",
        path=_names(uid)[0],
        size_bytes=100,
    )


def write(path: Path, content: bytes) -> Path:
    """Write a small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def kept_bytes(settings: Settings) -> int:
    """What the files of the data folder hold together, without the database."""
    folders = (settings.spool_folder, settings.results_folder, settings.quarantine_folder)
    return sum(
        os.lstat(f"{parent}/{name}").st_size  # paths as objects take ten times as long
        for folder in folders
        for parent, _, names in os.walk(folder)
        for name in names
    )
