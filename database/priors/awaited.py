"""Retrieved earlier studies that must be read before a study is compared with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from database.events import record_event
from database.priors.requests import StudyToCompare, study_to_compare, wanted_priors
from database.states import UNREAD, PriorRequestState
from database.studies.assembly import Waits, reread_study
from database.tables.study.analysis import Result, Study
from database.tables.study.prior import PriorRequest


@dataclass(frozen=True, slots=True)
class RipeRequest:
    """A request whose studies have been read, or that has waited long enough."""

    request_id: int
    study: StudyToCompare
    wanted: tuple[str, ...]


def ripe_requests(session: Session, now: datetime) -> list[RipeRequest]:
    """Requests whose studies have come and have been read, and whose own study has been, too."""
    rows = session.execute(
        select(PriorRequest.id, PriorRequest.study_id, PriorRequest.expires_at)
        .where(PriorRequest.state == PriorRequestState.RETRIEVED)
        .order_by(PriorRequest.id)
    ).all()
    ripe = []
    for request_id, study_id, expires_at in rows:
        wanted = tuple(wanted_priors(session, request_id))
        unread = session.scalar(
            select(Study.id)
            .where(
                or_(Study.study_instance_uid.in_(wanted), Study.id == study_id),
                Study.state.in_(UNREAD),
            )
            .limit(1)
        )
        if unread is None or now >= expires_at:
            ripe.append(RipeRequest(request_id, study_to_compare(session, study_id), wanted))
    return ripe


def end_awaiting(
    session: Session,
    ripe: RipeRequest,
    state: PriorRequestState,
    now: datetime,
    *,
    bundles: Collection[str],
    waits: Waits,
    reread: bool,
) -> tuple[int, ...]:
    """End a request whose studies were awaited, and queue its own study again.

    Parameters
    ----------
    bundles : that are in use; those among them read it again whose result can be compared

    Returns
    -------
    The new jobs, if any; the row and the jobs are of one transaction, so that there is never a
    second one.
    """
    request = session.scalars(
        select(PriorRequest).where(PriorRequest.id == ripe.request_id).with_for_update()
    ).one()
    if request.state is not PriorRequestState.RETRIEVED:
        return ()  # another sweep was faster
    request.state = state
    request.finished_at = now
    record_event(
        session, f"priors_{state.value}", now, study_id=request.study_id, peer=request.peer
    )
    if not reread:
        return ()
    comparing = set(
        session.scalars(
            select(Result.bundle).where(
                Result.study_id == request.study_id,
                Result.superseded_by_id.is_(None),
                Result.withdrawn_at.is_(None),
                Result.comparison_file.is_not(None),
            )
        )
    )
    again = [one for one in bundles if one in comparing]
    return reread_study(session, request.study_id, bundles=again, waits=waits, now=now)
