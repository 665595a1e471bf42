"""Reads what is kept, the oldest first, with all that tells whether it may go."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from database.flag_states import FlagState
from database.retention.held import KeptStudy
from database.states import (
    ENDED_WELL,
    RUNNING,
    DeliveryPurpose,
    DeliveryState,
    PriorRequestState,
)
from database.tables.readers.flag import Flag
from database.tables.study.analysis import Delivery, Instance, Job, Result, ResultObject, Study
from database.tables.study.hl7 import PatientVisit
from database.tables.study.prior import PriorRequest
from database.tables.study.quarantine import QuarantinedObject

# Few are asked for first: often a handful goes. Who goes on past those that are held back is given
# more and more at once.
_FIRST_AT_A_TIME = 50
_MOST_AT_A_TIME = 500
# Without its reading, which is large
_OF_RESULT = (
    Result.id,
    Result.study_id,
    Result.created_at,
    Result.key_picture,
    Result.comparison_file,
    Result.superseded_by_id,
    Result.withdrawn_at,
)
_OPEN_REQUESTS = (PriorRequestState.WAITING, PriorRequestState.RETRIEVED)
_NO_MORE_TO_DO = (*ENDED_WELL, DeliveryState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class KeptResult:
    """A result with files here; `only_copy`: it has objects, is in force, and nobody stored it."""

    result_id: int
    study_id: int
    created_at: datetime
    key_picture: str | None
    comparison_file: str | None
    object_paths: tuple[str, ...]
    only_copy: bool


@dataclass(frozen=True, slots=True)
class KeptQuarantine:
    """An object in quarantine; `path` None: its bytes were not kept."""

    row_id: int
    path: str | None
    size_bytes: int


def studies_with_originals(
    session: Session, now: datetime, *, before: datetime
) -> Iterator[KeptStudy]:
    """Studies whose images are here and came before a moment, the oldest first."""
    place = tuple_(Study.last_instance_at, Study.id)
    wanted = (
        select(Study.last_instance_at, Study.id)
        .where(Study.originals_removed_at.is_(None), Study.last_instance_at <= before)
        .order_by(Study.last_instance_at, Study.id)
    )
    for limit in at_a_time():
        rows = session.execute(wanted.limit(limit)).all()
        facts = study_facts(session, [row.id for row in rows], now) if rows else {}
        yield from (facts[row.id] for row in rows)
        if len(rows) < limit:
            return
        wanted = wanted.where(place > (rows[-1].last_instance_at, rows[-1].id))


def at_a_time() -> Iterator[int]:
    """How many rows to ask for: the first time, the second, and so on without end."""
    limit = _FIRST_AT_A_TIME
    while True:
        yield limit
        limit = min(2 * limit, _MOST_AT_A_TIME)


def study_facts(session: Session, ids: Collection[int], now: datetime) -> dict[int, KeptStudy]:
    """What tells whether files of these studies may go, by the study's id."""
    sizes = _by_study(
        session,
        select(Instance.study_id, func.sum(Instance.size_bytes))
        .where(Instance.study_id.in_(ids), Instance.removed_at.is_(None))
        .group_by(Instance.study_id),
    )
    jobs = _by_study(
        session,
        select(Job.study_id, func.count())
        .where(Job.study_id.in_(ids), Job.state.in_(RUNNING))
        .group_by(Job.study_id),
    )
    sent = Delivery.state == DeliveryState.SENT
    deliveries = session.execute(
        select(
            Result.study_id,
            func.sum(case((sent, 0), else_=1)),
            func.sum(case((sent, 1), else_=0)),
        )
        .join(Result, Result.id == Delivery.result_id)
        .where(Result.study_id.in_(ids), Delivery.state.not_in(_NO_MORE_TO_DO))
        .group_by(Result.study_id)
    ).all()
    undelivered = {study_id: count for study_id, count, _ in deliveries}
    uncommitted = {study_id: count for study_id, _, count in deliveries}
    flagged = set(
        session.scalars(
            select(Flag.study_id).where(Flag.study_id.in_(ids), Flag.state == FlagState.OPEN)
        )
    )
    awaited = set(
        session.scalars(
            select(PriorRequest.study_id).where(
                PriorRequest.study_id.in_(ids), PriorRequest.state.in_(_OPEN_REQUESTS)
            )
        )
    )
    newer, visiting = _patients(session, ids, now)
    return {
        study.id: KeptStudy(
            study_id=study.id,
            study_instance_uid=study.study_instance_uid,
            last_instance_at=study.last_instance_at,
            state=study.state,
            several_patients=bool(study.several_patients),
            size_bytes=int(sizes.get(study.id, 0)),
            jobs_open=jobs.get(study.id, 0),
            undelivered=int(undelivered.get(study.id, 0)),
            uncommitted=int(uncommitted.get(study.id, 0)),
            flag_open=study.id in flagged,
            earlier_awaited=study.id in awaited,
            newer_at=newer.get(study.id),
            visiting=study.id in visiting,
            originals_here=study.originals_removed_at is None,
        )
        for study in session.execute(
            select(
                Study.id,
                Study.study_instance_uid,
                Study.last_instance_at,
                Study.state,
                Study.several_patients,
                Study.originals_removed_at,
            ).where(Study.id.in_(ids))
        )
    }


def results_with(
    session: Session,
    *,
    slices: bool,
    before: datetime,
    after: KeptResult | None = None,
    limit: int = _FIRST_AT_A_TIME,
) -> list[KeptResult]:
    """Some results that were made before a moment, the oldest first.

    Parameters
    ----------
    slices : those whose slices are here; otherwise those of which any file is
    after : the last one that was seen, to go on behind it
    limit : how many at most
    """
    gone = Result.slices_removed_at if slices else Result.files_removed_at
    place = tuple_(Result.created_at, Result.id)
    behind = () if after is None else (place > (after.created_at, after.result_id),)
    rows = session.execute(
        select(*_OF_RESULT)
        .where(gone.is_(None), Result.created_at <= before, *behind)
        .order_by(Result.created_at, Result.id)
        .limit(limit)
    ).all()
    return _kept_results(session, rows)


def result_ids_of(session: Session, study_id: int) -> list[int]:
    """All results of a study, also superseded and withdrawn ones."""
    return list(session.scalars(select(Result.id).where(Result.study_id == study_id)))


def result_facts(session: Session, ids: Collection[int]) -> list[KeptResult]:
    """The same of these results."""
    rows = session.execute(select(*_OF_RESULT).where(Result.id.in_(ids)).order_by(Result.id)).all()
    return _kept_results(session, rows)


def old_quarantine(session: Session, *, before: datetime, limit: int) -> list[KeptQuarantine]:
    """Objects that went into quarantine before a moment, the oldest first."""
    rows = session.execute(
        select(QuarantinedObject.id, QuarantinedObject.path, QuarantinedObject.size_bytes)
        .where(QuarantinedObject.received_at <= before)
        .order_by(QuarantinedObject.received_at, QuarantinedObject.id)
        .limit(limit)
    )
    return [KeptQuarantine(*row) for row in rows]


def _kept_results(session: Session, rows: Sequence[Any]) -> list[KeptResult]:
    ids = [row.id for row in rows]
    paths: dict[int, list[str]] = {}
    for result_id, path in session.execute(
        select(ResultObject.result_id, ResultObject.path).where(ResultObject.result_id.in_(ids))
    ):
        paths.setdefault(result_id, []).append(path)
    stored = set(
        session.scalars(
            select(Delivery.result_id).where(
                Delivery.result_id.in_(ids),
                Delivery.purpose == DeliveryPurpose.RESULT,
                Delivery.state.in_(ENDED_WELL),
            )
        )
    )
    return [
        KeptResult(
            result_id=row.id,
            study_id=row.study_id,
            created_at=row.created_at,
            key_picture=row.key_picture,
            comparison_file=row.comparison_file,
            object_paths=tuple(paths.get(row.id, ())),
            only_copy=row.id in paths
            and row.id not in stored
            and row.superseded_by_id is None
            and row.withdrawn_at is None,
        )
        for row in rows
    ]


def _patients(
    session: Session, ids: Collection[int], now: datetime
) -> tuple[dict[int, datetime], set[int]]:
    """When a later study of the patient came; whose patient is here."""
    other = aliased(Study)
    newer = {
        row[0]: row[1]
        for row in session.execute(
            select(Study.id, func.max(other.last_instance_at))
            .join(other, other.patient_id == Study.patient_id)
            .where(
                Study.id.in_(ids),
                Study.patient_id != "",
                other.id != Study.id,
                other.last_instance_at > Study.last_instance_at,
                or_(
                    Study.issuer_of_patient_id == other.issuer_of_patient_id,
                    Study.issuer_of_patient_id == "",
                    other.issuer_of_patient_id == "",
                ),
            )
            .group_by(Study.id)
        )
    }
    visiting = set(
        session.scalars(
            select(Study.id)
            .join(PatientVisit, PatientVisit.patient_id == Study.patient_id)
            .where(Study.id.in_(ids), Study.patient_id != "", PatientVisit.expires_at > now)
        )
    )
    return newer, visiting


def _by_study(session: Session, asked: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in session.execute(asked)}
