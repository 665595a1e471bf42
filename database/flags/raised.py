"""Flags: raised with a result, acknowledged, escalated, taken back. Nothing is sent here.

A study has one flag, whatever number of results and bundles it gets, so that no system is told of
it twice as if of two. It refers to the most urgent result in force, and of two equally urgent
results to the newer. Each change adds notices in the same transaction: a power cut leaves both or
neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from database.events import record_event
from database.flag_states import IN_FORCE, FlagState, NoticeKind
from database.flags.rules import FlagRules
from database.flags.told_channels import (
    Addressee,
    add_notice,
    take_back_name,
    tell_acknowledged,
    tell_change,
)
from database.list_place import follow_flag, lock_study
from database.metrics.counted import count_once_committed
from database.metrics.declared import FLAGS_RAISED
from database.tables.readers.flag import NAME_LENGTH, Flag
from database.tables.study.analysis import Result, Study
from radiology.identity import derived_uid
from radiology.urgency import Urgency
from settings.flags import at_least


def flag_result(
    session: Session,
    result: Result,
    rules: FlagRules,
    now: datetime,
    *,
    token: str,
    seen: Mapping[str, Any],
) -> Flag | None:
    """Raise, change or take back the flag of a study for which a result was just stored.

    An urgent study has a flag even where no channel is set up: the page acknowledges it. A result
    without an answer leaves the flag as it is: it contradicts neither the older answer nor that of
    another bundle.

    Parameters
    ----------
    token : unguessable; used when this is the first flag of the study
    seen : what the rule saw and what it asks for; they stand beside the decision on the page

    Returns
    -------
    The flag that is in force now, if any.
    """
    study = session.get_one(Study, result.study_id)
    flag = session.scalars(
        select(Flag).where(Flag.study_id == result.study_id).with_for_update()
    ).one_or_none()
    urgency = result.urgency
    in_force = flag is not None and flag.state in IN_FORCE
    seen = {"rule": result.urgency_rule or result.reason, "bundle": result.bundle, **seen}
    if urgency is None:
        _not_raised(session, result, now, seen)
        return flag if in_force else None
    leading = _leading(session, study.id)
    if study.asked_for or leading is None or not _is_wanted(leading, rules):
        if flag is not None and in_force:
            _take_back(session, flag, FlagState.SUPERSEDED, now)
        _not_raised(session, result, now, {"urgency": urgency.value, **seen})
        return None
    if flag is not None and in_force and flag.result_id == leading.id:
        _not_raised(session, result, now, {"urgency": urgency.value, **seen})
        return flag
    if leading.id != result.id:
        seen = {"rule": leading.urgency_rule, "bundle": leading.bundle}
    if flag is None:
        flag = _new_flag(session, study, leading, now, token)
        _begin(session, flag, rules, now, seen)
        count_once_committed(session, FLAGS_RAISED, urgency=flag.urgency.value)
        return flag
    _follow(session, flag, leading, rules, now, seen)
    return flag


def _leading(session: Session, study_id: int) -> Result | None:
    """The result that the flag of a study speaks of: the most urgent of the bundles' answers.

    The newest answer of a bundle counts, unless it was withdrawn; a newer result without an answer
    does not contradict it.
    """
    rows = session.execute(
        select(Result.id, Result.bundle, Result.urgency, Result.withdrawn_at)
        .where(Result.study_id == study_id, Result.urgency.is_not(None))
        .order_by(Result.study_version, Result.id)
    )
    newest = {row.bundle: row for row in rows}
    standing = [row for row in newest.values() if row.withdrawn_at is None]
    if not standing:
        return None
    most_urgent_first = list(Urgency)
    leading = min(standing, key=lambda row: (most_urgent_first.index(row.urgency), -row.id))
    return session.get_one(Result, leading.id)


def _is_wanted(result: Result, rules: FlagRules) -> bool:
    urgency = result.urgency
    return urgency is not None and (urgency is Urgency.URGENT or bool(rules.wanting(urgency)))


def _follow(
    session: Session,
    flag: Flag,
    leading: Result,
    rules: FlagRules,
    now: datetime,
    seen: Mapping[str, Any],
) -> None:
    """Let a flag speak of another result, and tell whoever is to know.

    It begins again where it becomes more urgent; and where it was acknowledged, when what another
    bundle found is as urgent: a reader who has seen the first has not seen the other.
    """
    urgency, before = _urgency(leading), session.get_one(Result, flag.result_id)
    seen_other = (
        flag.state is FlagState.ACKNOWLEDGED
        and before.bundle != leading.bundle
        and at_least(urgency, flag.urgency)
    )
    begins = flag.state not in IN_FORCE or not at_least(flag.urgency, urgency) or seen_other
    changed = _speak_of(flag, leading) or before.bundle != leading.bundle
    if begins:
        _begin(session, flag, rules, now, seen, changed=changed)
        return
    if rules.next_step(urgency, flag.escalation) is None:
        flag.escalate_at = None
    tell_change(session, flag, _told_so_far(flag, rules), now, changed=changed)
    _event(session, flag, "flag_changed", now, urgency=urgency.value, **seen)


def _urgency(result: Result) -> Urgency:
    assert result.urgency is not None, "only an answer leads"
    return result.urgency


def withdraw_flag(session: Session, result_id: int, rules: FlagRules, now: datetime) -> bool:
    """Take the flag back that speaks of a result which a person has struck.

    Where another bundle has found something that a flag is raised for, it speaks of that from now
    on. Returns whether anything has changed.
    """
    flag = session.scalars(
        select(Flag).where(Flag.result_id == result_id).with_for_update()
    ).one_or_none()
    if flag is None or flag.state not in IN_FORCE:
        return False
    leading = _leading(session, flag.study_id)
    if leading is None or not _is_wanted(leading, rules):
        _take_back(session, flag, FlagState.WITHDRAWN, now)
    else:
        seen = {"rule": leading.urgency_rule, "bundle": leading.bundle}
        _follow(session, flag, leading, rules, now, seen)
    return True


def take_back_misnamed(
    session: Session, study_id: int, named: Mapping[str, Any], now: datetime
) -> None:
    """Take the flag of a study back whose patient or order was corrected.

    The corrected study is read again, and its result raises the flag anew.

    Parameters
    ----------
    named : whom it was told of; see `database.flags.told_channels.take_back_name`
    """
    flag = session.scalars(
        select(Flag).where(Flag.study_id == study_id).with_for_update()
    ).one_or_none()
    if flag is None or flag.state not in IN_FORCE:
        return
    flag.state, flag.ended_at, flag.escalate_at = FlagState.WITHDRAWN, now, None
    follow_flag(session, study_id)
    take_back_name(session, flag, named, now)
    _event(session, flag, "flag_withdrawn", now, reason=FlagState.WITHDRAWN.value)


def acknowledge_flag(
    session: Session, flag_uid: str, *, by: str, through: str, now: datetime
) -> bool:
    """Note that somebody has seen a flag; the first one counts.

    Parameters
    ----------
    by : who, in the words of the system that says so
    through : "page", "command line", or the channel's name

    Returns
    -------
    False when it was acknowledged before, is not in force any more, or does not exist.
    """
    of_flag = select(Flag.study_id).where(Flag.flag_uid == flag_uid)
    lock_study(session, of_flag.scalar_subquery())
    name = "".join(one for one in by if one.isprintable()).strip()[:NAME_LENGTH] or "unknown"
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(Flag)
            .where(Flag.flag_uid == flag_uid, Flag.state == FlagState.OPEN)
            .values(
                state=FlagState.ACKNOWLEDGED,
                acknowledged_at=now,
                acknowledged_by=name,
                acknowledged_through=through[:NAME_LENGTH],
                escalate_at=None,
            )
        ),
    )
    if changed.rowcount != 1:
        return False
    flag = session.scalars(
        select(Flag).where(Flag.flag_uid == flag_uid).execution_options(populate_existing=True)
    ).one()
    follow_flag(session, flag.study_id)
    tell_acknowledged(session, flag, now)
    _event(session, flag, "flag_acknowledged", now, reader=name, through=through)
    return True


def escalate_due(session: Session, rules: FlagRules, now: datetime) -> int:
    """Escalate every flag that was not acknowledged in time to its next step; returns how many."""
    due = session.scalars(
        select(Flag)
        .where(Flag.state == FlagState.OPEN, Flag.escalate_at <= now)
        .with_for_update(skip_locked=True)
        .order_by(Flag.id)
    ).all()
    for flag in due:
        step = rules.next_step(flag.urgency, flag.escalation)
        if step is None:
            flag.escalate_at = None  # the settings have changed since
            continue
        flag.escalation = step
        flag.escalate_at = rules.escalate_at(flag.urgency, step, now)
        for channel in rules.wanting(flag.urgency):
            if channel.escalation == step:
                add_notice(session, flag, Addressee.of(channel), NoticeKind.RAISED, now)
        _event(session, flag, "flag_escalated", now, step=step)
    return len(due)


def _new_flag(session: Session, study: Study, result: Result, now: datetime, token: str) -> Flag:
    flag = Flag(
        flag_uid=derived_uid("flag", study.study_instance_uid),
        token=token,
        study_id=study.id,
        result_id=result.id,
        urgency=_urgency(result),
        rule=result.urgency_rule,
        raised_at=now,
    )
    session.add(flag)
    session.flush()  # the id is needed by its notices
    return flag


def _begin(
    session: Session,
    flag: Flag,
    rules: FlagRules,
    now: datetime,
    seen: Mapping[str, Any],
    *,
    changed: bool = True,
) -> None:
    """Open a flag, for the first time or again, and tell whoever is told at once."""
    flag.state = FlagState.OPEN
    flag.raised_at = now
    flag.ended_at = flag.acknowledged_at = None
    flag.acknowledged_by = flag.acknowledged_through = ""
    flag.escalation = 0
    flag.escalate_at = rules.escalate_at(flag.urgency, 0, now)
    follow_flag(session, flag.study_id)
    told = _told_so_far(flag, rules)
    tell_change(session, flag, told, now, changed=changed)
    facts = {"urgency": flag.urgency.value, "channels": len(told), **seen}
    _event(session, flag, "flag_raised", now, **facts)


def _told_so_far(flag: Flag, rules: FlagRules) -> list[Addressee]:
    """The channels of all steps that have come."""
    return [
        Addressee.of(channel)
        for channel in rules.wanting(flag.urgency)
        if channel.escalation <= flag.escalation
    ]


def _speak_of(flag: Flag, result: Result) -> bool:
    """Let a flag speak of a newer result; whether that says something else about the urgency."""
    urgency = _urgency(result)
    changed = (flag.urgency, flag.rule) != (urgency, result.urgency_rule)
    flag.result_id, flag.urgency, flag.rule = result.id, urgency, result.urgency_rule
    return changed


def _take_back(session: Session, flag: Flag, state: FlagState, now: datetime) -> None:
    flag.state, flag.ended_at, flag.escalate_at = state, now, None
    follow_flag(session, flag.study_id)
    tell_change(session, flag, [], now, changed=True)
    _event(session, flag, "flag_withdrawn", now, reason=state.value)


def _not_raised(session: Session, result: Result, now: datetime, seen: Mapping[str, Any]) -> None:
    """Say why there is no flag: the rule, and the values that it saw."""
    record_event(
        session,
        "flag_not_raised",
        now,
        study_id=result.study_id,
        job_id=result.job_id,
        outcome=result.outcome.value,
        **seen,
    )


def _event(session: Session, flag: Flag, name: str, now: datetime, **facts: Any) -> None:
    record_event(session, name, now, study_id=flag.study_id, **facts)
