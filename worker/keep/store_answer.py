"""An answer to rows: result, objects and flag, in the transaction that ends the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database.flags.raised import flag_result
from database.jobs.claimed import Claim, end_job
from database.priors.requests import request_priors
from database.results.stored import store_result
from database.session import transaction
from database.states import JobState, ObjectKind, WorklistRank
from database.studies.said_before import acknowledge_reported
from database.tables.analysis import Result, ResultObject
from radiology.chest.reading import ChestReading
from radiology.urgency import Triage, Urgency
from settings.log_events import get_logger
from worker.equipment import Equipment
from worker.infer.urgency import decided, rules_seen
from worker.keep.encode_study import EncodedStudy
from worker.keep.keep_results import KeptObject

_log = get_logger("pipeline")
_RANKS = {
    Urgency.URGENT: WorklistRank.URGENT,
    Urgency.SUSPECTED: WorklistRank.SUSPECTED,
    Urgency.ROUTINE: WorklistRank.ROUTINE,
}


@dataclass(frozen=True)
class Answer:
    """What a job came to, its files on disk.

    Attributes
    ----------
    triage : None exactly when the reading is not assessable
    context : which clinical value came from where, as `ClinicalContext.facts`
    chest_map : path within the results folder; None where nothing can be compared with it
    provider : the execution provider that ran, as ONNX Runtime calls it
    """

    reading: ChestReading
    triage: Triage | None
    context: Mapping[str, Any]
    encoded: EncodedStudy
    chest_map: str | None
    provider: str


def store_answer(equipment: Equipment, claim: Claim, answer: Answer) -> None:
    """End the job with its answer.

    Raises
    ------
    LeaseLost
        The job is somebody else's by now; nothing is stored.
    """
    now, said, triage = equipment.clock(), answer.reading, answer.triage
    rules = rules_seen(said)
    rule = decided(rules)
    result = Result(
        job_id=claim.job_id,
        study_id=claim.study_id,
        study_version=claim.study_version,
        outcome=said.outcome,
        urgency=triage.urgency if triage else None,
        urgency_rule=triage.rule if triage else "",
        reason="; ".join(gate.reason for gate in said.failed_gates),
        suspicion=said.suspicion,
        label=said.pneumonia_type.value if said.pneumonia_type else "",
        reading={
            **said.facts(),
            "urgency_rules": [one.facts() for one in rules],
            "context": dict(answer.context),
        },
        execution_provider=answer.provider,
        key_picture=answer.encoded.picture,
        chest_map=answer.chest_map,
        created_at=now,
    )
    objects = answer.encoded.objects
    with transaction(equipment.engine) as session:
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
            list(answer.encoded.recipes),
            now,
            recipes=answer.encoded.recipes,
        )
        if stored.current:
            flag = flag_result(
                session,
                result,
                equipment.flag_rules,
                now,
                token=equipment.new_token(),
                seen={} if rule is None else {"seen": rule.seen, "limit": rule.limit},
            )
            if flag is not None:
                acknowledge_reported(session, flag, now)
        if stored.current and answer.chest_map:
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
