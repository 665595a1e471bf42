"""A study that two bundles read, for tests of what one of them does to the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from database.flags.raised import flag_result
from database.flags.rules import FlagRules
from database.jobs.claimed import Claim, claim_job, end_job
from database.results.stored import store_result
from database.session import Engine, query, transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.assembly import assemble_study
from database.tables.study.analysis import Job, Result, ResultObject, Study
from radiology.outcome import Outcome
from radiology.urgency import Urgency
from tests.builders.stored.rows import WAITS, arrival, later, receive

CHEST, HEAD = "chest-ct-pneumonia", "head-ct-bleeding"
_RANKS = {
    Urgency.URGENT: WorklistRank.URGENT,
    Urgency.SUSPECTED: WorklistRank.SUSPECTED,
    Urgency.ROUTINE: WorklistRank.ROUTINE,
}


@dataclass
class TwoBundles:
    """One study, and a worker that ends the jobs of two bundles as a test says."""

    engine: Engine
    rules: FlagRules
    number: int = 1
    bundles: tuple[str, ...] = (CHEST, HEAD)
    images: int = field(default=0, init=False)

    def assemble(self, at: float) -> tuple[int, ...]:
        """One more image comes, and the study is assembled."""
        self.images += 1
        receive(self.engine, arrival(self.number, self.images), later(at))
        with transaction(self.engine) as session:
            study_id = session.scalars(
                select(Study.id).where(Study.study_instance_uid == f"2.25.{self.number}")
            ).one()
            return assemble_study(
                session, study_id, bundles=self.bundles, waits=WAITS, now=later(at)
            )

    def claim(self, bundle: str, at: float) -> Claim:
        """A worker takes the job of a bundle."""
        with transaction(self.engine) as session:
            claimed = claim_job(session, worker="w", lease_s=10.0, now=later(at), bundles=(bundle,))
        assert claimed is not None
        return claimed

    def answer(self, claimed: Claim, urgency: Urgency | None, at: float, *destinations: str) -> int:
        """End a claimed job with a result, as the worker does; returns its id."""
        now = later(at)
        with transaction(self.engine) as session:
            rank = _RANKS[urgency] if urgency else WorklistRank.UNANSWERED
            end_job(session, claimed, JobState.ENCODED, now, rank=rank)
            result = Result(
                job_id=claimed.job_id,
                study_id=claimed.study_id,
                study_version=claimed.study_version,
                outcome=Outcome.FINDINGS if urgency else Outcome.NOT_ASSESSABLE,
                urgency=urgency,
                urgency_rule=f"rule of {claimed.bundle}" if urgency else "",
                label="viral" if claimed.bundle == CHEST else "",
                reading={},
                created_at=now,
            )
            made = [_report(claimed)] if urgency else []
            stored = store_result(session, result, made, list(destinations), now)
            if stored.current:
                flag_result(session, result, self.rules, now, token="token", seen={})
        return stored.result_id

    def read(self, bundle: str, urgency: Urgency | None, at: float, *destinations: str) -> int:
        """Claim the job of a bundle and end it with a result."""
        return self.answer(self.claim(bundle, at), urgency, at, *destinations)

    def end(self, bundle: str, state: JobState, at: float) -> None:
        """Claim the job of a bundle and end it without a result."""
        rank = WorklistRank.UNANSWERED if state is JobState.FAILED else None
        claimed = self.claim(bundle, at)
        with transaction(self.engine) as session:
            end_job(session, claimed, state, later(at), rank=rank, error_kind="Said")

    def study(self) -> Study:
        """The study's row."""
        with query(self.engine) as session:
            return session.scalars(
                select(Study).where(Study.study_instance_uid == f"2.25.{self.number}")
            ).one()

    def in_force(self) -> dict[str, int]:
        """The results in force, by bundle."""
        with query(self.engine) as session:
            rows = session.execute(
                select(Result.bundle, Result.id)
                .join(Study, Study.id == Result.study_id)
                .where(
                    Study.study_instance_uid == f"2.25.{self.number}",
                    Result.superseded_by_id.is_(None),
                    Result.withdrawn_at.is_(None),
                )
            )
            return dict(rows.all())

    def job_states(self) -> dict[tuple[str, int], str]:
        """The states of the jobs, by bundle and version."""
        with query(self.engine) as session:
            return {
                (job.bundle, job.study_version): job.state.value
                for job in session.scalars(select(Job).order_by(Job.id))
                if job.study.study_instance_uid == f"2.25.{self.number}"
            }


def _report(claimed: Claim) -> ResultObject:
    return ResultObject(
        kind=ObjectKind.REPORT,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
        sop_instance_uid=f"2.25.900.{claimed.job_id}",
        series_instance_uid=f"2.25.901.{claimed.job_id}",
        path="sr.dcm",
        size_bytes=1,
    )
