"""Writes an answer to rows: result, objects and flag, in the transaction that ends the job."""

from __future__ import annotations

from database.flags.raised import flag_result
from database.jobs.claimed import Claim, end_job
from database.priors.requests import request_priors
from database.results.stored import store_result
from database.session import transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.patient import require_patient
from database.studies.said_before import acknowledge_reported
from database.tables.study.analysis import Result, ResultObject
from models.readers.study_reader import StudyRead
from radiology.answer.stored_reading import to_facts
from radiology.urgency import Urgency
from radiology.words.gate_reasons import gates_say
from settings.log.log_events import get_logger
from worker.equipment import Equipment
from worker.keep.encode_study import EncodedStudy
from worker.keep.keep_results import KeptObject

_log = get_logger("pipeline")
_RANKS = {
    Urgency.URGENT: WorklistRank.URGENT,
    Urgency.SUSPECTED: WorklistRank.SUSPECTED,
    Urgency.ROUTINE: WorklistRank.ROUTINE,
}


def store_answer(
    equipment: Equipment,
    claim: Claim,
    answer: StudyRead,
    encoded: EncodedStudy,
    *,
    patient_id: str,
    provider: str,
    kept: str | None,
) -> None:
    """End the job with its answer, its files on disk.

    Parameters
    ----------
    patient_id : whom the headers that were read name, and the objects with them
    provider : the execution provider that ran, as ONNX Runtime calls it
    kept : what a later study is compared with, within the results folder; None where nothing can be

    Raises
    ------
    LeaseLost
        Another worker holds the job now; nothing is stored.
    PatientCorrected, SeveralPatients
        The study is of another patient by now, or of several; nothing is stored.
    """
    now, said, triage = equipment.clock(), answer.reading, answer.triage
    result = Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=said.outcome,
        urgency=triage.urgency if triage else None,
        urgency_rule=triage.rule if triage else "",
        reason=gates_say(said.failed_gates),
        suspicion=answer.suspicion,
        label=next(iter(said.labels), ""),
        reading=to_facts(said),
        execution_provider=provider,
        key_picture=encoded.picture,
        comparison_file=kept,
        created_at=now,
    )
    objects = encoded.objects
    with transaction(equipment.engine) as session:
        require_patient(session, claim.study_id, claim.study_version, patient_id)
        end_job(
            session,
            claim,
            JobState.ENCODED if objects else JobState.REFUSED,
            now,
            rank=_RANKS[triage.urgency] if triage else WorklistRank.UNANSWERED,
            outcome=said.outcome.value,
            urgency=triage.urgency.value if triage else None,
            objects=len(objects),
        )
        stored = store_result(
            session,
            result,
            [_object_row(one) for one in objects],
            list(encoded.recipes),
            now,
            recipes=encoded.recipes,
        )
        if stored.current:
            flag = flag_result(
                session,
                result,
                equipment.flag_rules,
                now,
                token=equipment.new_token(),
                seen=answer.decided_by,
            )
            if flag is not None:
                acknowledge_reported(session, flag, now)
        if stored.current and kept:
            request_priors(
                session,
                claim.study_id,
                [peer.name for peer in equipment.settings.queried],
                now,
                limit_s=equipment.settings.fetch_priors_limit_s,
            )
    _log.info("encoded", result_id=stored.result_id, current=stored.current, objects=len(objects))


def _object_row(kept: KeptObject) -> ResultObject:
    return ResultObject(
        kind=ObjectKind(kept.kind.value),
        recipe=kept.recipe,
        sop_class_uid=kept.sop_class_uid,
        sop_instance_uid=kept.sop_instance_uid,
        series_instance_uid=kept.series_instance_uid,
        path=kept.path,
        size_bytes=kept.size_bytes,
    )
