"""Studies with all their rows and small files, as they stand when they have been read and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
        with transaction(self.engine) as session:
            return self.study_in(
                session,
                at,
                patient_id=patient_id,
                accession_number=accession_number,
                state=state,
                job=job,
                delivery=delivery,
                urgency=urgency,
                flag=flag,
                several_patients=several_patients,
                contents=contents,
            )

    def study_in(
        self,
        session: Session,
        at: datetime,
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
        """The same, in the caller's transaction."""
        number, self._next = self._next, self._next + 1
        uid = f"2.25.70000{number}"
        study = Study(
            study_instance_uid=uid,
            patient_id=patient_id,
            accession_number=accession_number,
            calling_ae_title="SCANNER",
            state=state,
            version=1,
            worklist_rank=_RANKS.get(urgency, WorklistRank.SUSPECTED),
            several_patients=several_patients,
            received_at=at,
            last_instance_at=at,
        )
        session.add(study)
        session.flush()
        originals = self._images(session, study, at, contents)
        work = Job(
            study_id=study.id,
            study_version=1,
            bundle=BUNDLE,
            state=job,
            rank=study.worklist_rank,
            priority=RequestPriority.ROUTINE,
            queued_at=at,
            due_at=at,
            finished_at=at,
        )
        session.add(work)
        session.flush()
        names = [f"{uid}/{uid}.7{end}" for end in (".dcm", ".png", ".slices.zip", ".compared.npz")]
        result = Result(
            job_id=work.id,
            study_id=study.id,
            study_version=1,
            bundle=BUNDLE,
            outcome=Outcome.NO_FINDINGS,
            urgency=urgency,
            reading={"outcome": "no_findings"},
            key_picture=names[1],
            comparison_file=names[3],
            created_at=at,
        )
        session.add(result)
        session.flush()
        report = ResultObject(
            result_id=result.id,
            kind=ObjectKind.REPORT,
            sop_class_uid=_SR,
            sop_instance_uid=f"{uid}.7",
            series_instance_uid=f"{uid}.8",
            path=names[0],
            size_bytes=100,
        )
        session.add_all([report, Event(at=at, study_id=study.id, name="received", facts={})])
        session.flush()
        if delivery is not None:
            sent = Delivery(
                result_id=result.id, destination="pacs", state=delivery, due_at=at, attempts=1
            )
            session.add(sent)
            session.flush()
            session.add(
                DeliveredObject(
                    delivery_id=sent.id,
                    result_object_id=report.id,
                    state=ObjectState.STORED,
                    status=0,
                    answered_at=at,
                )
            )
        if flag is not None:
            session.add(
                Flag(
                    flag_uid=f"{uid}.9",
                    token=f"token{number}",
                    study_id=study.id,
                    result_id=result.id,
                    urgency=urgency,
                    state=flag,
                    raised_at=at,
                )
            )
        folder = self.settings.results_folder
        sizes = (100, 50, self.slices_bytes, 50)
        files = [write(folder / name, b"r" * size) for name, size in zip(names, sizes, strict=True)]
        return KeptRows(
            study.id, result.id, uid, originals, files[2], (files[0], files[1], files[3])
        )

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
        path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()
    )
