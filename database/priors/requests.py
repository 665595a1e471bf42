"""Requests to peers for a patient's earlier studies: claimed and leased like deliveries.

The row exists before a peer is asked, and the wanted studies are rows before they are retrieved. So
the rows of a worker that dies say what is still to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.lease import (
    claim_first,
    ended_in_defect,
    is_free,
    let_go,
    postponed,
    write_held,
)
from database.states import UNREAD, PriorRequestState
from database.tables.study.analysis import Instance, Result, Study
from database.tables.study.prior import PriorRequest, RequestedPrior


@dataclass(frozen=True, slots=True)
class PriorRequestClaim:
    """A request in a worker's hands."""

    request_id: int
    study_id: int
    peer: str
    fencing_token: int
    attempts: int
    unanswered: int  # of these attempts, how many found the peer away
    after_defect: bool  # the attempt before this one ended in a defect
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StudyToCompare:
    """The study for which earlier studies are wanted.

    Attributes
    ----------
    instance_path : of one received instance, within the spool folder
    reading : of the result in force, of several the one that can be compared, as it was stored;
        None where no result is in force any more
    bundle : whose result that is; None where none is in force
    """

    study_id: int
    study_instance_uid: str
    instance_path: str
    reading: Mapping[str, Any] | None
    bundle: str | None


def request_priors(
    session: Session, study_id: int, peers: Collection[str], now: datetime, *, limit_s: float
) -> None:
    """Have each peer asked once for the earlier studies of a study's patient.

    Belongs into the transaction that stores the first result: it is there before they are asked.
    """
    if not peers:
        return
    # Locked, so that two versions that end at once do not both add the row.
    study = session.scalars(select(Study).where(Study.id == study_id).with_for_update()).one()
    if study.asked_for or not study.patient_id.strip():
        return
    asked = session.scalars(select(PriorRequest.peer).where(PriorRequest.study_id == study_id))
    for name in sorted(set(peers) - set(asked)):
        expires_at = now + timedelta(seconds=limit_s)
        session.add(PriorRequest(study_id=study_id, peer=name, due_at=now, expires_at=expires_at))
        record_event(session, "priors_wanted", now, study_id=study_id, peer=name)


def due_requests(session: Session, now: datetime) -> int:
    """How many requests can be claimed now."""
    return (
        session.scalar(select(func.count()).select_from(PriorRequest).where(*request_is_due(now)))
        or 0
    )


def claim_request(session: Session, *, lease_s: float, now: datetime) -> PriorRequestClaim | None:
    """Take the request that is due first; None when none is due."""
    row = claim_first(
        session,
        PriorRequest,
        request_is_due(now),
        (PriorRequest.due_at, PriorRequest.id),
        lease_s=lease_s,
        now=now,
        returning=(
            PriorRequest.id,
            PriorRequest.study_id,
            PriorRequest.peer,
            PriorRequest.fencing_token,
            PriorRequest.attempts,
            PriorRequest.unanswered,
            ended_in_defect(PriorRequest),
            PriorRequest.expires_at,
        ),
        attempts=PriorRequest.attempts + 1,
    )
    return PriorRequestClaim(*row) if row is not None else None


def study_to_compare(session: Session, study_id: int) -> StudyToCompare:
    """What a study is to be compared by."""
    study = session.get_one(Study, study_id)
    instance = session.scalars(
        select(Instance.path).where(Instance.study_id == study_id).order_by(Instance.id).limit(1)
    ).one()
    in_force = session.execute(
        select(Result.reading, Result.bundle)
        .where(
            Result.study_id == study_id,
            Result.superseded_by_id.is_(None),
            Result.withdrawn_at.is_(None),
        )
        .order_by(
            Result.comparison_file.is_(None), Result.id.desc()
        )  # what can be compared comes first
        .limit(1)
    ).one_or_none()
    return StudyToCompare(
        study_id=study_id,
        study_instance_uid=study.study_instance_uid,
        instance_path=instance,
        reading=None if in_force is None else in_force.reading,
        bundle=None if in_force is None else in_force.bundle,
    )


def wanted_priors(session: Session, request_id: int) -> dict[str, bool]:
    """Study Instance UIDs that a request is for, and whether each was retrieved."""
    rows = session.execute(
        select(RequestedPrior.study_instance_uid, RequestedPrior.retrieved_at)
        .where(RequestedPrior.prior_request_id == request_id)
        .order_by(RequestedPrior.id)
    )
    return {uid: retrieved_at is not None for uid, retrieved_at in rows}


def held_studies(session: Session, study_instance_uids: Collection[str]) -> dict[str, bool]:
    """Those studies that we hold, and whether each has been read."""
    rows = session.execute(
        select(Study.study_instance_uid, Study.state).where(
            Study.study_instance_uid.in_(study_instance_uids)
        )
    )
    return {uid: state not in UNREAD for uid, state in rows}


def record_wanted(
    session: Session,
    claim: PriorRequestClaim,
    study_instance_uids: Collection[str],
    held: Collection[str],
    now: datetime,
) -> None:
    """Note which studies a claimed request is for; those that we hold need not be retrieved."""
    _write(session, claim)
    session.add_all(
        RequestedPrior(
            prior_request_id=claim.request_id,
            study_instance_uid=uid,
            retrieved_at=now if uid in held else None,
        )
        for uid in study_instance_uids
    )
    record_event(
        session,
        "priors_found",
        now,
        study_id=claim.study_id,
        peer=claim.peer,
        studies=len(study_instance_uids),
    )


def record_retrieved(
    session: Session, claim: PriorRequestClaim, study_instance_uid: str, now: datetime
) -> None:
    """Note that every instance of a wanted study has come."""
    _write(session, claim)
    session.execute(
        update(RequestedPrior)
        .where(
            RequestedPrior.prior_request_id == claim.request_id,
            RequestedPrior.study_instance_uid == study_instance_uid,
        )
        .values(retrieved_at=now)
        .execution_options(synchronize_session=False)
    )


def end_asking(
    session: Session,
    claim: PriorRequestClaim,
    state: PriorRequestState,
    now: datetime,
    *,
    error_kind: str = "",
    error_message: str = "",
    trace: str = "",
) -> None:
    """End what is to be asked of the peer; the reason, if any, is an event of the study.

    Raises
    ------
    LeaseLost
        The request is somebody else's by now.
    """
    goes_on = state is PriorRequestState.RETRIEVED
    _write(
        session,
        claim,
        **let_go(error_kind=error_kind, error_message=error_message, trace=trace),
        state=state,
        finished_at=None if goes_on else now,
    )
    facts: dict[str, Any] = {}
    if error_kind:
        facts = {"reason": error_message, "error_kind": error_kind}
    record_event(
        session, f"priors_{state.value}", now, study_id=claim.study_id, peer=claim.peer, **facts
    )


def postpone_request(
    session: Session,
    claim: PriorRequestClaim,
    due_at: datetime,
    *,
    error_kind: str,
    error_message: str,
    trace: str = "",
    unanswered: bool = False,
) -> None:
    """Ask again later.

    Parameters
    ----------
    unanswered : the peer was away, so the attempt counts towards no limit

    Raises
    ------
    LeaseLost
        The request is somebody else's by now.
    """
    _write(
        session,
        claim,
        **postponed(due_at, error_kind=error_kind, error_message=error_message, trace=trace),
        unanswered=claim.unanswered + unanswered,
    )


def request_is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of requests that can be claimed at a moment."""
    return (
        PriorRequest.state == PriorRequestState.WAITING,
        PriorRequest.due_at <= now,
        is_free(PriorRequest, now),
    )


def _write(session: Session, claim: PriorRequestClaim, **values: Any) -> None:
    """Write to the request's row if the claim still holds it."""
    waiting = PriorRequest.state == PriorRequestState.WAITING
    write_held(session, PriorRequest, claim.request_id, claim.fencing_token, waiting, **values)
