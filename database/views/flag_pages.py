"""Flags as the page and the command line show them: read only, plain values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from database.flag_states import IN_FORCE, FlagState, NoticeKind, NoticeState
from database.row_facts import facts_of
from database.tables.readers.flag import Flag, FlagNotice
from database.tables.study.analysis import Event, Result, Study
from database.unindexed import unindexed
from radiology.urgency import Urgency

_RAISED = ("flag_raised", "flag_changed")
_DECISIONS = (*_RAISED, "flag_not_raised")


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """One attempt; without an end it is under way, or its worker died."""

    number: int
    began_at: datetime
    ended_at: datetime | None
    code: str
    error_kind: str
    error_message: str


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """One notice to one channel."""

    channel: str
    kind: NoticeKind
    step: int
    state: NoticeState
    due_at: datetime
    finished_at: datetime | None
    reference: str
    error_kind: str
    error_message: str
    attempts: tuple[AttemptFacts, ...]


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """The flag of a study and everything that was said about it."""

    flag_uid: str
    study_instance_uid: str
    accession_number: str
    bundle: str  # that gave the result which the flag speaks of
    bundle_version: str
    urgency: Urgency
    rule: str
    state: FlagState
    raised_at: datetime
    escalation: int
    escalate_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    acknowledged_through: str
    ended_at: datetime | None
    notices: tuple[NoticeFacts, ...]


@dataclass(frozen=True, slots=True)
class ListedFlag:
    """What a line of the list says of a flag that is in force; "" while nobody has acknowledged."""

    state: FlagState
    acknowledged_by: str


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """Why a study has a flag or has none: the newest decision with the values that it saw."""

    raised: bool
    at: datetime
    facts: dict[str, Any]


def flag_of_study(session: Session, study_id: int) -> FlagFacts | None:
    """The flag of a study; None where none was ever raised."""
    flag = session.scalars(_flags().where(Flag.study_id == study_id)).one_or_none()
    return None if flag is None else _facts(session, flag)


def listed_flags(session: Session, study_ids: Collection[int]) -> dict[int, ListedFlag]:
    """The flags in force of these studies, by study; one without is not in it."""
    rows = session.execute(
        select(Flag.study_id, Flag.state, Flag.acknowledged_by).where(
            Flag.study_id.in_(study_ids), unindexed(Flag.state.in_(IN_FORCE))
        )
    )
    return {study_id: ListedFlag(state, by) for study_id, state, by in rows}


def flag_decision(session: Session, study_id: int) -> FlagDecision | None:
    """The newest decision about a study; None before there was one.

    While the flag is in force it is the one that the flag speaks of: the decision of a bundle that
    raised no flag does not explain it.
    """
    state = session.scalar(select(Flag.state).where(Flag.study_id == study_id))
    names = _RAISED if state in IN_FORCE else _DECISIONS
    event = session.scalars(
        select(Event)
        .where(Event.study_id == study_id, Event.name.in_(names))
        .order_by(Event.id.desc())
        .limit(1)
    ).one_or_none()
    if event is None:
        return None
    return FlagDecision(event.name != "flag_not_raised", event.at, event.facts)


def list_flags(session: Session, *, open_only: bool, limit: int) -> list[FlagFacts]:
    """The newest flags first."""
    query = _flags().order_by(Flag.raised_at.desc(), Flag.id.desc()).limit(limit)
    if open_only:
        query = query.where(Flag.state == FlagState.OPEN)
    return [_facts(session, flag) for flag in session.scalars(query)]


def study_of_flag(session: Session, flag_uid: str) -> str | None:
    """The Study Instance UID of a flag's study; None where there is no such flag."""
    return session.scalars(
        select(Study.study_instance_uid)
        .join(Flag, Flag.study_id == Study.id)
        .where(Flag.flag_uid == flag_uid)
    ).one_or_none()


def token_of_flag(session: Session, flag_uid: str) -> str | None:
    """What makes the address of an acknowledgement unguessable."""
    return session.scalars(select(Flag.token).where(Flag.flag_uid == flag_uid)).one_or_none()


def _flags() -> Any:
    return select(Flag).options(selectinload(Flag.notices).selectinload(FlagNotice.tries))


def _facts(session: Session, flag: Flag) -> FlagFacts:
    study = session.get_one(Study, flag.study_id)
    result = session.get_one(Result, flag.result_id)
    return facts_of(
        FlagFacts,
        flag,
        study_instance_uid=study.study_instance_uid,
        accession_number=study.accession_number,
        bundle=result.bundle,
        bundle_version=result.job.bundle_version,
        notices=tuple(_notice(one) for one in flag.notices),
    )


def _notice(notice: FlagNotice) -> NoticeFacts:
    attempts = tuple(facts_of(AttemptFacts, one) for one in notice.tries)
    return facts_of(NoticeFacts, notice, attempts=attempts)
