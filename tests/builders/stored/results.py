"""Results with real objects on disk, for tests that begin where a delivery begins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from pydicom import Dataset
from sqlalchemy import select

from database.jobs.claimed import claim_job, end_job
from database.results.stored import store_result
from database.session import Engine, query, transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.assembly import assemble_study
from database.tables.study.analysis import Delivery, Job, Result, ResultObject, Study
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.environment import Settings
from tests.builders.stored.rows import BUNDLE, NOON, WAITS, arrival, receive
from tests.builders.stored.written import write_here
from tests.unit.worker.encode.encoded_chest import result_context
from worker.deliver.deliver_results import deliver_one
from worker.encode import encode_results
from worker.equipment import Equipment
from worker.keep.keep_results import bytes_of, keep_object

STUDY_UID = "1.2.3.1"  # of the synthetic study that `result_context` is about


@cache
def result_objects(version: int = 1) -> tuple[tuple[str, Dataset], ...]:
    """SEG, SR and SC of the synthetic study, each with its kind."""
    context = replace(result_context("positive"), result_version=version)
    return tuple((one.kind.value, one.dataset) for one in encode_results(context))


def object_uids(version: int = 1) -> dict[str, str]:
    """SOP Instance UID by kind."""
    return {kind: str(made.SOPInstanceUID) for kind, made in result_objects(version)}


@dataclass
class Moment:
    """A clock that only a test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """The moment."""
        return self.now


@dataclass
class Site:
    """A database and a results folder with a worker that delivers, on a clock that a test sets."""

    settings: Settings
    engine: Engine
    clock: Moment = field(default_factory=Moment)

    @property
    def equipment(self) -> Equipment:
        """What the worker works with."""
        return Equipment(self.settings, self.engine, "worker", self.clock, jitter=lambda: 0.0)

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.clock.now

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(seconds=seconds)

    def make_result(self, version: int = 1) -> int:
        """Receive, assemble, analyse and encode a version of the study; gives the result's id."""
        received = replace(arrival(instance=version), study_instance_uid=STUDY_UID)
        receive(self.engine, received, self.now)
        with transaction(self.engine) as session:
            study = session.scalars(
                select(Study).where(Study.study_instance_uid == STUDY_UID)
            ).one()
            assemble_study(session, study.id, bundles=(BUNDLE,), waits=WAITS, now=self.now)
        with transaction(self.engine) as session:
            claim = claim_job(session, worker="worker", lease_s=60, now=self.now)
            assert claim is not None
        kept = [
            keep_object(self.settings.results_folder, one, bytes_of(one), write=write_here)
            for one in encode_results(
                replace(result_context("positive"), result_version=claim.study_version)
            )
        ]
        with transaction(self.engine) as session:
            end_job(session, claim, JobState.ENCODED, self.now, rank=WorklistRank.URGENT)
            return store_result(
                session,
                Result(
                    job_id=claim.job_id,
                    study_id=claim.study_id,
                    study_version=claim.study_version,
                    outcome=Outcome.FINDINGS,
                    urgency=Urgency.URGENT,
                    reading={},
                    created_at=self.now,
                ),
                [
                    ResultObject(
                        kind=ObjectKind(one.kind.value),
                        sop_class_uid=one.sop_class_uid,
                        sop_instance_uid=one.sop_instance_uid,
                        series_instance_uid=one.series_instance_uid,
                        path=one.path,
                        size_bytes=one.size_bytes,
                    )
                    for one in kept
                ],
                [peer.name for peer in self.settings.destinations],
                self.now,
            ).result_id

    def deliver(self) -> int:
        """Do what the delivery worker does until nothing is due; gives how many steps it took."""
        steps = 0
        while deliver_one(self.equipment):
            steps += 1
            assert steps < 50, "a delivery does not come to rest"
        return steps

    def deliveries(self) -> list[Delivery]:
        """The deliveries, the oldest first, with their objects."""
        with query(self.engine) as session:
            rows = list(session.scalars(select(Delivery).order_by(Delivery.id)))
            for row in rows:
                row.statuses.sort(key=lambda one: one.result_object_id)
            return rows

    def job_states(self) -> list[str]:
        """The states of the jobs, the oldest first."""
        with query(self.engine) as session:
            return [job.state.value for job in session.scalars(select(Job).order_by(Job.id))]
