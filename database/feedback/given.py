"""Feedback on results: given, changed, and counted for figures and exports.

How many opinions count as one is said in one place, `newest_of_each_answer` and
`newest_of_each_study`: figures, exports and the mark in the list follow it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.tables.readers.feedback import Feedback, FeedbackFault
from database.tables.study.analysis import Result, Study
from database.unindexed import unindexed
from radiology.feedback import Fault, Judgement, Opinion, checked_opinion
from radiology.outcome import Outcome
from radiology.urgency import Urgency


@dataclass(frozen=True, slots=True)
class FeedbackFacts:
    """What one reader said of one result. The comment may hold patient data: never in a log."""

    id: int
    result_id: int
    study_version: int
    reader: str
    judgement: Judgement
    faults: tuple[Fault, ...]
    comment: str
    given_at: datetime
    replaced_at: datetime | None  # None: it stands


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment to another, the second left out."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class JudgedResult:
    """A result with what a reader says of it, without the comment."""

    result_id: int
    study_id: int
    study_instance_uid: str
    scanner: str  # AE title of who sent it
    created_at: datetime
    bundle: str
    bundle_version: str
    bundle_digest: str
    outcome: Outcome
    urgency: Urgency
    judgement: Judgement
    faults: frozenset[Fault]
    reader: str
    given_at: datetime


def give_feedback(
    session: Session, result_id: int, opinion: Opinion, *, reader: str, now: datetime
) -> str | None:
    """Note what a reader says of a result, in place of what they said before.

    Returns
    -------
    The UID of the study; None when there is no such result.

    Raises
    ------
    FeedbackRefused
        The opinion contradicts itself or the result.
    """
    # Only against being removed: who stores a newer result holds the study, then changes this one.
    result = session.scalars(
        select(Result).where(Result.id == result_id).with_for_update(read=True, key_share=True)
    ).one_or_none()
    if result is None:
        return None
    checked = checked_opinion(result.urgency, opinion)
    # Locked, so that pressing the button twice leaves one opinion that stands, and that of several
    # readers at the same moment the last one counts.
    study = session.scalars(
        select(Study).where(Study.id == result.study_id).with_for_update(key_share=True)
    ).one()
    session.execute(
        update(Feedback)
        .where(
            Feedback.result_id == result_id,
            Feedback.reader == reader,
            Feedback.replaced_at.is_(None),
        )
        .values(replaced_at=now)
    )
    session.add(
        Feedback(
            result_id=result_id,
            reader=reader,
            judgement=checked.judgement,
            comment=checked.comment,
            given_at=now,
            faults=[FeedbackFault(fault=fault) for fault in Fault if fault in checked.faults],
        )
    )
    record_event(
        session,
        "feedback_given",
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        reader=reader,
        judgement=checked.judgement.value,
    )
    session.flush()  # the new opinion is among those that are counted
    counts = newest_of_each_answer(judged_results(session, study_ids=(study.id,)))
    disputed = any(one.judgement is Judgement.DISAGREE for one in counts)
    study.judgement = (Judgement.DISAGREE if disputed else Judgement.AGREE).value
    return study.study_instance_uid


def feedback_of_study(session: Session, study_instance_uid: str) -> tuple[FeedbackFacts, ...]:
    """All that was said of the results of a study, the newest first."""
    rows = session.execute(
        select(Feedback, Result.study_version)
        .join(Result, Result.id == Feedback.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(Study.study_instance_uid == study_instance_uid)
        .order_by(Feedback.id.desc())
    )
    return tuple(
        FeedbackFacts(
            id=row.id,
            result_id=row.result_id,
            study_version=version,
            reader=row.reader,
            judgement=row.judgement,
            faults=tuple(one.fault for one in row.faults),
            comment=row.comment,
            given_at=row.given_at,
            replaced_at=row.replaced_at,
        )
        for row, version in rows
    )


def judged_results(
    session: Session,
    period: Period | None = None,
    *,
    limit: int | None = None,
    study_ids: Collection[int] | None = None,
) -> list[JudgedResult]:
    """Every opinion that stands about a result of the period, the newest opinion first.

    Several readers may have one about the same result: whoever counts takes the first.

    Parameters
    ----------
    period : of the results' making; None for all
    study_ids : only of these studies; None for all
    """
    of_studies = () if study_ids is None else (Result.study_id.in_(study_ids),)
    algorithm = Result.reading["algorithm"]
    query = (
        select(
            Feedback,
            Result.id,
            Study.id,
            Study.study_instance_uid,
            Study.calling_ae_title,
            Result.created_at,
            Result.bundle,
            algorithm["version"].as_string(),
            algorithm["bundle_digest"].as_string(),
            Result.outcome,
            Result.urgency,
        )
        .join(Result, Result.id == Feedback.result_id)
        .join(Study, Study.id == Result.study_id)
        .where(
            Feedback.replaced_at.is_(None),
            Result.urgency.is_not(None),
            *of_studies,
            *_made_in(period),
        )
        .order_by(Feedback.given_at.desc(), Feedback.id.desc())
        .limit(limit)
    )
    return [
        JudgedResult(
            result_id=result_id,
            study_id=study_id,
            study_instance_uid=uid,
            scanner=scanner,
            created_at=created_at,
            bundle=bundle,
            bundle_version=version or "",
            bundle_digest=digest or "",
            outcome=outcome,
            urgency=urgency or Urgency.ROUTINE,  # never None: see the condition
            judgement=row.judgement,
            faults=frozenset(one.fault for one in row.faults),
            reader=row.reader,
            given_at=row.given_at,
        )
        for (
            row,
            result_id,
            study_id,
            uid,
            scanner,
            created_at,
            bundle,
            version,
            digest,
            outcome,
            urgency,
        ) in session.execute(query)
    ]


def newest_of_each_answer(given: list[JudgedResult]) -> list[JudgedResult]:
    """Of each study and bundle the newest opinion about the newest of the judged results.

    Parameters
    ----------
    given : the newest opinion first
    """
    kept: dict[tuple[int, str], JudgedResult] = {}
    for feedback in given:
        before = kept.get((feedback.study_id, feedback.bundle))
        if before is None or feedback.result_id > before.result_id:
            kept[feedback.study_id, feedback.bundle] = feedback
    return list(kept.values())


def newest_of_each_study(given: list[JudgedResult]) -> list[JudgedResult]:
    """Of each study the newest opinion about the newest of its judged results.

    Parameters
    ----------
    given : the newest opinion first
    """
    kept: dict[int, JudgedResult] = {}
    for feedback in given:
        before = kept.get(feedback.study_id)
        if before is None or feedback.result_id > before.result_id:
            kept[feedback.study_id] = feedback
    return list(kept.values())


def answered_results(
    session: Session, period: Period | None = None
) -> dict[tuple[str, Urgency], int]:
    """How many answers of listed studies are in force, by scanner and urgency, judged or not.

    One for each bundle that has answered.
    """
    query = (
        select(Study.calling_ae_title, Result.urgency, func.count())
        .join(Study, Study.id == Result.study_id)
        .where(
            Result.urgency.is_not(None),
            unindexed(Result.superseded_by_id.is_(None)),
            unindexed(Study.asked_for.is_(False)),
            *_made_in(period),
        )
        .group_by(Study.calling_ae_title, Result.urgency)
    )
    counted = session.execute(query).all()
    return {(scanner, urgency): count for scanner, urgency, count in counted if urgency}


def _made_in(period: Period | None) -> tuple[ColumnElement[bool], ...]:
    if period is None:
        return ()
    return (Result.created_at >= period.since, Result.created_at < period.until)
