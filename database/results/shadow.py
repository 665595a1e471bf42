"""Answers of bundles that run in shadow: stored, and listed beside those of other bundles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, defer

from database.tables.study.analysis import Result, Study
from database.tables.study.shadow import ShadowAnswer
from database.unindexed import unindexed
from radiology.outcome import Outcome
from radiology.urgency import Urgency


@dataclass(frozen=True, slots=True)
class ShadowLine:
    """One answer in shadow, and the most urgent of those that were shown.

    Attributes
    ----------
    shown : None where no other bundle answered with an urgency
    """

    study_instance_uid: str
    bundle: str
    bundle_version: str
    outcome: Outcome
    urgency: Urgency | None
    suspicion: float | None
    shown: Urgency | None
    created_at: datetime


def store_shadow(session: Session, answer: ShadowAnswer) -> None:
    """Keep an answer; that of an earlier attempt at the same job makes way."""
    session.execute(delete(ShadowAnswer).where(ShadowAnswer.job_id == answer.job_id))
    session.add(answer)


def shadow_lines(session: Session, bundle: str | None = None) -> tuple[ShadowLine, ...]:
    """Answers in shadow, the newest first.

    Parameters
    ----------
    bundle : whose; None for all
    """
    of_bundle = () if bundle is None else (ShadowAnswer.bundle == bundle,)
    rows = session.execute(
        select(ShadowAnswer, Study.study_instance_uid)
        .options(defer(ShadowAnswer.reading))  # large, and none of it is listed
        .join(Study, Study.id == ShadowAnswer.study_id)
        .where(*of_bundle)
        .order_by(ShadowAnswer.created_at.desc(), ShadowAnswer.id.desc())
    ).all()
    shown = _most_urgent(session, {answer.study_id for answer, _ in rows})
    return tuple(
        ShadowLine(
            study_instance_uid=uid,
            bundle=answer.bundle,
            bundle_version=answer.bundle_version,
            outcome=answer.outcome,
            urgency=answer.urgency,
            suspicion=answer.suspicion,
            shown=shown.get(answer.study_id),
            created_at=answer.created_at,
        )
        for answer, uid in rows
    )


def _most_urgent(session: Session, study_ids: set[int]) -> dict[int, Urgency]:
    """By study, the most urgent of the results in force."""
    order = list(Urgency)
    found: dict[int, Urgency] = {}
    for study_id, urgency in session.execute(
        select(Result.study_id, Result.urgency).where(
            Result.study_id.in_(study_ids),
            unindexed(Result.superseded_by_id.is_(None)),
            Result.withdrawn_at.is_(None),
        )
    ):
        if urgency is None:
            continue
        before = found.get(study_id)
        if before is None or order.index(urgency) < order.index(before):
            found[study_id] = urgency
    return found
