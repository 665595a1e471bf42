"""A hospital's day in the database, built through the very functions that the worker calls."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chest.values.reading import ChestReading
from database.deliveries.claimed import claim_delivery, end_delivery, postpone_delivery
from database.deliveries.objects import ObjectAnswer, objects_to_send, record_answers
from database.jobs.claimed import (
    Claim,
    advance_job,
    claim_job,
    end_job,
    record_decisions,
    renew_lease,
    return_job,
)
from database.results.stored import store_result
from database.session import Engine, open_engine, transaction
from database.states import DeliveryState, JobState, ObjectState, WorklistRank
from database.studies.assembly import Waits, assemble_study
from database.studies.instances import Arrival, record_instance, record_quarantine
from database.tables.every import METADATA
from database.tables.study.analysis import Study
from dicom_node.status import is_stored
from radiology.identity import derived_uid
from radiology.urgency import Urgency
from settings.peers import RequestPriority
from tests.unit.worklist.seeded_values import (
    ALGORITHM,
    RANKS,
    Lesions,
    decisions_of,
    objects_of,
    reading_of,
    refusal_of,
    result_of,
)
from tests.unit.worklist.study.key_picture import draw_key_picture

DATABASE = "firstread.sqlite"
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_WAITS = Waits(high_s=600, routine_s=3600, low_s=4 * 3600)


@dataclass
class SeededHospital:
    """Writes studies and what became of them; time goes on as it is told to."""

    engine: Engine
    results_folder: Path
    now: datetime = START
    _last_number: int = 0

    def take_over(self, other: SeededHospital) -> None:
        """Go on where another hospital stopped, with a copy of its database and pictures."""
        self.engine.dispose()
        folder = self.results_folder.parent
        shutil.copytree(other.results_folder.parent, folder, dirs_exist_ok=True)
        self.now, self._last_number = other.now, other._last_number

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def receive(
        self,
        *,
        accession_number: str = "",
        patient_id: str = "",
        sex: str = "",
        age: str = "",
        images: int = 3,
        priority: RequestPriority = RequestPriority.ROUTINE,
        into: str | None = None,
        asked_for: bool = False,
    ) -> str:
        """Images of a new study, or further ones of the study `into`; gives the UID."""
        self._last_number += 1
        number = self._last_number
        uid = into or derived_uid("study", str(number))
        with transaction(self.engine) as session:
            for image in range(images):
                sop = derived_uid("instance", str(number), str(image))
                arrival = Arrival(
                    study_instance_uid=uid,
                    series_instance_uid=derived_uid("series", uid, str(image % 2)),
                    sop_instance_uid=sop,
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    path=f"{uid}/{sop}.dcm",
                    sha256=f"{number:032x}{image:032x}",
                    size_bytes=526_000,
                    calling_ae_title="CT1",
                    association_id=None,
                    priority=priority,
                    patient_id=patient_id,
                    accession_number=accession_number,
                    patient_sex=sex,
                    patient_age=age,
                    asked_for=asked_for,
                )
                record_instance(session, arrival, self.now)
        self.later(1.2)
        return uid

    def queue(self, uid: str) -> int:
        """Assemble the study; gives the job."""
        with transaction(self.engine) as session:
            study_id = session.query(Study.id).filter_by(study_instance_uid=uid).scalar()
            assert study_id is not None
            (job_id,) = assemble_study(
                session, study_id, bundles=(ALGORITHM.name,), waits=_WAITS, now=self.now
            )
        self.later(0.2)
        return job_id

    def claim(self) -> Claim:
        """A worker takes the job that is due first."""
        with transaction(self.engine) as session:
            claim = claim_job(session, worker="ct-ai-1:2201", lease_s=15, now=self.now)
        assert claim is not None
        self.later(0.1)
        return claim

    def claimed(self, **study: object) -> tuple[str, Claim]:
        """A new study whose job a worker holds."""
        uid = self.receive(**study)  # type: ignore[arg-type]
        self.queue(uid)
        return uid, self.claim()

    def progress(self, claim: Claim, percent: int, state: JobState = JobState.DECODED) -> None:
        """A job some way on."""
        with transaction(self.engine) as session:
            advance_job(session, claim, JobState.SELECTED, self.now, chosen=1, series=2)
            if state is not JobState.SELECTED:
                advance_job(session, claim, state, self.now, slices=148)
            renew_lease(session, claim, lease_s=15, progress_percent=percent, now=self.now)

    def decide(self, claim: Claim) -> None:
        """The series decisions of a job: one chosen, one refused."""
        with transaction(self.engine) as session:
            uid = session.query(Study.study_instance_uid).filter_by(id=claim.study_id).scalar()
            assert uid is not None
            record_decisions(session, claim, decisions_of(claim, uid))

    def answer(
        self,
        claim: Claim,
        urgency: Urgency | None,
        lesions: Lesions | None = None,
        *,
        destinations: Sequence[str] = (),
        reason: str = "",
        picture: bool = True,
        reading: ChestReading | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> int:
        """Analyse a claimed job to its end; gives the result. `urgency` None: not assessable.

        A `reading` that is given stands in for the one that the lesions make; `more` are facts
        that are stored beside it.
        """
        self.decide(claim)
        for state, seconds in (
            (JobState.SELECTED, 0.31),
            (JobState.DECODED, 1.42),
            (JobState.INFERRED, 3.87),
        ):
            self.later(seconds)
            with transaction(self.engine) as session:
                advance_job(session, claim, state, self.now, seconds=seconds)
        self.later(0.93)
        reading = reading or reading_of(urgency, lesions or Lesions(), reason)
        with transaction(self.engine) as session:
            key_picture = self._picture(claim, lesions or Lesions()) if picture else None
            result = result_of(claim, urgency, reading, reason, key_picture, self.now)
            result.reading = {**result.reading, **(more or {})}
            made = [] if urgency is None else objects_of(claim, urgency)
            stored = store_result(session, result, made, list(destinations), self.now)
            end_job(
                session,
                claim,
                JobState.ENCODED,
                self.now,
                rank=RANKS[urgency],
                objects=len(made),
            )
        return stored.result_id

    def refuse(self, claim: Claim, kind: str, message: str) -> None:
        """End a job before there is a reading: the study is not acceptable as it is."""
        self.decide(claim)
        with transaction(self.engine) as session:
            end_job(
                session,
                claim,
                JobState.REFUSED,
                self.now,
                rank=WorklistRank.UNANSWERED,
                error_kind=kind,
                error_message=message,
            )
            store_result(session, refusal_of(claim, kind, message, self.now), [], [], self.now)

    def fail(self, claim: Claim, kind: str, message: str) -> None:
        """End a job with a fault."""
        with transaction(self.engine) as session:
            end_job(
                session,
                claim,
                JobState.FAILED,
                self.now,
                rank=WorklistRank.UNANSWERED,
                error_kind=kind,
                error_message=message,
                trace="Traceback (most recent call last): secret-of-the-trace",
            )

    def give_back(self, claim: Claim, kind: str, message: str, *, seconds: float) -> None:
        """Something is unavailable: the job comes back to the queue later."""
        with transaction(self.engine) as session:
            return_job(
                session,
                claim,
                self.now,
                error_kind=kind,
                error_message=message,
                not_before=self.now + timedelta(seconds=seconds),
            )

    def deliver(
        self, statuses: Sequence[int] = (0,), *, state: DeliveryState = DeliveryState.DELIVERED
    ) -> None:
        """Send the delivery that is due first; the peer answers with these statuses in turn."""
        with transaction(self.engine) as session:
            claim = claim_delivery(session, lease_s=30, now=self.now)
            assert claim is not None
            objects = objects_to_send(session, claim)
            self.later(0.7)
            answered = zip(objects, itertools.cycle(statuses), strict=False)
            answers = {
                item.id: ObjectAnswer(
                    ObjectState.STORED if is_stored(code) else ObjectState.WAITING, code
                )
                for item, code in answered
            }
            record_answers(session, claim, answers, self.now)
            refused = state is not DeliveryState.DELIVERED
            end_delivery(
                session,
                claim,
                state,
                self.now,
                error_kind="PeerRefused" if refused else "",
                error_message="The peer does not accept Segmentation Storage" if refused else "",
            )

    def postpone(self, seconds: float) -> None:
        """The peer does not answer: the delivery that is due first is tried again later."""
        with transaction(self.engine) as session:
            claim = claim_delivery(session, lease_s=30, now=self.now)
            assert claim is not None
            postpone_delivery(
                session,
                claim,
                self.now + timedelta(seconds=seconds),
                self.now,
                error_kind="PeerUnreachable",
                error_message="The peer does not answer.",
            )

    def quarantine(self, reason: str, *, kind: str = "DataSetUnreadable") -> None:
        """An object that was not stored."""
        with transaction(self.engine) as session:
            record_quarantine(
                session,
                self.now,
                calling_ae_title="CT2",
                association_id=None,
                error_kind=kind,
                reason=reason,
                status=0xC000,
                path=None,
                size_bytes=13_812,
            )

    def _picture(self, claim: Claim, lesions: Lesions) -> str:
        path = self.results_folder / f"job-{claim.job_id}" / "key.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_key_picture(path, right=sum(lesions.right), left=sum(lesions.left), seed=claim.job_id)
        return str(path.relative_to(self.results_folder))


def open_hospital(folder: Path, now: datetime = START) -> SeededHospital:
    """An empty hospital: a database with its tables, and a results folder."""
    engine = open_engine(f"sqlite:///{folder / DATABASE}")
    METADATA.create_all(engine)
    results = folder / "results"
    results.mkdir(exist_ok=True)
    return SeededHospital(engine, results, now)
