"""Which studies with new images may be taken for whole by now, and what the others wait for.

The rule is `radiology.arrivals.whole`; this reads the rows that it asks for.
docs/decisions/0053-how-long-a-study-is-waited-for.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from database.arrivals.rhythm import known_rhythm
from database.states import AssociationEnding, StudyState
from database.tables.study.analysis import Association, Instance, Study
from radiology.arrivals.lesson import CameImage, series_of
from radiology.arrivals.whole import SHORTEST_S, ArrivedStudy, WaitLimits, Why, assumed_whole

_WORTH_SAYING_S: Final = 2.0  # a study that waits longer says on its page what for


@dataclass(frozen=True, slots=True)
class Awaited:
    """A study with images that no version holds.

    Attributes
    ----------
    sender : its AE title
    due_at : when it counts as whole, if nothing more comes
    why : what it waits for until then; None: nothing is new but what it is wanted for
    noted : the same as its row says
    """

    study_id: int
    sender: str
    last_at: datetime
    due_at: datetime
    why: Why | None
    noted: str


def awaited_studies(session: Session, now: datetime, limits: WaitLimits) -> list[Awaited]:
    """The studies that have been still for a moment, each with the end of its wait."""
    still_s = min(SHORTEST_S, limits.released_s, limits.quiet_s)
    studies = session.execute(
        select(Study.id, Study.calling_ae_title, Study.last_instance_at, Study.awaits)
        .where(
            Study.state == StudyState.RECEIVED,
            Study.last_instance_at <= now - timedelta(seconds=still_s),
        )
        .order_by(Study.id)
    ).all()
    found = []
    for study_id, sender, last_at, noted in studies:
        arrived = _arrived(session, study_id, last_at)
        due_at, why = last_at, None
        if arrived is not None:
            expected = assumed_whole(arrived, known_rhythm(session, sender), limits)
            due_at = last_at + timedelta(seconds=expected.at - arrived.last_at)
            why = expected.why
        found.append(Awaited(study_id, sender, last_at, due_at, why, noted))
    return found


def quiet_studies(session: Session, now: datetime, limits: WaitLimits) -> list[int]:
    """Studies with unassembled instances for which no more are expected for now."""
    return [one.study_id for one in awaited_studies(session, now, limits) if one.due_at <= now]


def worth_saying(awaited: Sequence[Awaited], now: datetime) -> list[Awaited]:
    """Those that have waited for a while, for something that their rows do not say yet."""
    since = now - timedelta(seconds=_WORTH_SAYING_S)
    return [
        one
        for one in awaited
        if now < one.due_at and one.last_at <= since and one.why not in (None, one.noted)
    ]


def note_what_is_awaited(session: Session, awaited: Sequence[Awaited]) -> None:
    """Let the rows of waiting studies say what they wait for."""
    for one in awaited:
        if one.why is not None:
            session.execute(
                update(Study)
                .where(Study.id == one.study_id, Study.state == StudyState.RECEIVED)
                .values(awaits=one.why.value)
            )


def images_of(session: Session, study_id: int) -> list[CameImage]:
    """The images of a study as they came."""
    rows = session.execute(
        select(
            Instance.received_at,
            Instance.series_instance_uid,
            Instance.instance_number,
            Instance.position_mm,
            Instance.claimed_instances,
            Instance.association_id,
            Instance.study_version,
        ).where(Instance.study_id == study_id)
    )
    return [
        CameImage(
            at.timestamp(), series, number, position_mm, claimed, association, version is None
        )
        for at, series, number, position_mm, claimed, association, version in rows
    ]


def _arrived(session: Session, study_id: int, last_at: datetime) -> ArrivedStudy | None:
    """The study as the rule asks for it; None where no image is new."""
    carried = session.execute(
        select(Instance.association_id, Association.ended_at, Association.ending)
        .select_from(Instance)
        .outerjoin(Association, Association.id == Instance.association_id)
        .where(
            Instance.study_id == study_id,
            or_(Instance.study_version.is_(None), Instance.corrected),
        )
        .distinct()
    ).all()
    if not carried:
        return None
    is_open = any(key is not None and ended_at is None for key, ended_at, _ in carried)
    released = all(ending is AssociationEnding.RELEASED for _, _, ending in carried)
    ends = [ended_at.timestamp() for _, ended_at, _ in carried if ended_at is not None]
    return ArrivedStudy(
        last_at=last_at.timestamp(),
        released_at=max(ends) if released else None,
        is_broken=not is_open and not released,
        series=series_of(images_of(session, study_id)),
    )
