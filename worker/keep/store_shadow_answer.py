"""Ends the job of a bundle in shadow: stores its answer, which no reader sees."""

from __future__ import annotations

from database.jobs.claimed import Claim, end_job
from database.results.shadow import store_shadow
from database.session import transaction
from database.states import JobState
from database.tables.study.shadow import ShadowAnswer
from models.readers.study_reader import StudyRead
from radiology.answer.stored_reading import to_facts
from radiology.errors import ReadInShadow
from settings.log.log_events import get_logger
from worker.equipment import Equipment

_log = get_logger("pipeline")


def store_shadow_answer(
    equipment: Equipment, claim: Claim, answer: StudyRead, *, bundle_version: str, provider: str
) -> None:
    """Store the answer and end the job: no object, no flag, no place in the list.

    Raises
    ------
    LeaseLost
        The job is somebody else's by now; nothing is stored.
    """
    now, triage = equipment.clock(), answer.triage
    with transaction(equipment.engine) as session:
        end_job(
            session,
            claim,
            JobState.SHADOWED,
            now,
            rank=None,
            error_kind=ReadInShadow.__name__,
            error_message=str(ReadInShadow()),
        )
        store_shadow(
            session,
            ShadowAnswer(
                job_id=claim.job_id,
                study_id=claim.study_id,
                bundle=claim.bundle,
                bundle_version=bundle_version,
                outcome=answer.reading.outcome,
                urgency=triage.urgency if triage else None,
                urgency_rule=triage.rule if triage else "",
                suspicion=answer.suspicion,
                reading=to_facts(answer.reading),
                execution_provider=provider,
                created_at=now,
            ),
        )
    _log.info("read_in_shadow", job_id=claim.job_id)
