"""Rows as the node and the worker would have made them, for tests that begin after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from database.jobs.claimed import Claim, claim_job, end_job
from database.results.stored import store_result
from database.session import Engine, transaction
from database.states import AssociationEnding, JobState, ObjectKind, WorklistRank
from database.studies.assembly import Waits, assemble_study
from database.studies.instances import (
    Arrival,
    Recorded,
    end_association,
    open_association,
    record_instance,
)
from database.tables.study.analysis import Result, ResultObject, Study
from radiology.arrivals.whole import WaitLimits
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from settings.peers import RequestPriority

BUNDLE = "chest-ct-pneumonia"  # the one that the settings name where they name none
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUIET = WaitLimits(quiet_s=5.0, released_s=1.0, longest_s=45.0)
WAITS = Waits(high_s=600.0, routine_s=3600.0, low_s=14400.0)


def later(seconds: float) -> datetime:
    """A moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def arrival(
    study: int = 1,
    instance: int = 1,
    *,
    association_id: int | None = None,
    priority: RequestPriority = RequestPriority.ROUTINE,
    sha256: str = "0" * 64,
) -> Arrival:
    """An instance of a study, both given by number."""
    return Arrival(
        study_instance_uid=f"2.25.{study}",
        series_instance_uid=f"2.25.{study}.1",
        sop_instance_uid=f"2.25.{study}.1.{instance}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        path=f"{study}/{instance}.dcm",
        sha256=sha256,
        size_bytes=1000,
        calling_ae_title="SCANNER",
        association_id=association_id,
        priority=priority,
    )


def receive(engine: Engine, item: Arrival, at: datetime = NOON) -> Recorded:
    """Record one arrival in a transaction of its own, as the node does."""
    with transaction(engine) as session:
        return record_instance(session, item, at)


def associate(engine: Engine, at: datetime = NOON) -> int:
    """Open an association."""
    with transaction(engine) as session:
        return open_association(
            session, at, calling_ae_title="SCANNER", called_ae_title="FIRSTREAD", address="::1"
        )


def end(engine: Engine, association_id: int, ending: AssociationEnding, at: datetime) -> None:
    """End an association."""
    with transaction(engine) as session:
        end_association(session, association_id, ending, at)


def queue_job(
    engine: Engine,
    study: int,
    at: datetime = NOON,
    priority: RequestPriority = RequestPriority.ROUTINE,
) -> int:
    """Receive one instance of a study and assemble it; returns the job."""
    receive(engine, arrival(study=study, priority=priority), at)
    with transaction(engine) as session:
        study_id = session.scalars(
            select(Study.id).where(Study.study_instance_uid == f"2.25.{study}")
        ).one()
        (job_id,) = assemble_study(session, study_id, bundles=(BUNDLE,), waits=WAITS, now=at)
    return job_id


def claim(engine: Engine, at: float = 0.0, worker: str = "worker") -> Claim:
    """Claim the job that is due first; there must be one."""
    with transaction(engine) as session:
        claimed = claim_job(session, worker=worker, lease_s=10.0, now=later(at))
    assert claimed is not None
    return claimed


def finish(engine: Engine, claimed: Claim, destinations: list[str], at: float = 1.0) -> int:
    """Store a result with one object for a claimed job, end the job; returns the result's id."""
    with transaction(engine) as session:
        stored = store_result(
            session,
            Result(
                job_id=claimed.job_id,
                study_id=claimed.study_id,
                study_version=claimed.study_version,
                outcome=Outcome.FINDINGS,
                urgency=Urgency.URGENT,
                reading={},
                created_at=later(at),
            ),
            [
                ResultObject(
                    kind=ObjectKind.REPORT,
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
                    sop_instance_uid=f"2.25.900.{claimed.job_id}",
                    series_instance_uid="2.25.901",
                    path="sr.dcm",
                    size_bytes=1,
                )
            ],
            destinations,
            later(at),
        )
        end_job(session, claimed, JobState.ENCODED, later(at), rank=WorklistRank.URGENT)
    return stored.result_id
