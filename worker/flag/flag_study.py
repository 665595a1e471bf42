"""Tell a channel of a flag: claim the notice that is next, send it once, write how it ended."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

from database.flag_states import NoticeKind, NoticeState
from database.flags.content import NoticeContent, notice_content
from database.flags.inquiries import begin_asking
from database.flags.notices import (
    NoticeClaim,
    accept_notice,
    claim_notice,
    end_notice,
    postpone_notice,
)
from database.flags.raised import acknowledge_flag
from database.lease import LeaseLost
from database.session import Engine, query, transaction
from radiology.errors import FirstreadError, PeerRefused, Refused
from settings.environment import Settings
from settings.flags import Channel
from settings.log_events import get_logger
from worker.attempt.retry import Backoff, retry_delay_s
from worker.flag.channel import KnowsClaims, Notice, NoticeObject, Receipt
from worker.flag.channels import Channels

_log = get_logger("flags")
_ANSWERS_PER_LEASE = 3.0  # connecting, sending and answering may each take as long as an answer
_LEAST_LEASE_S = 5.0


def tell_one(
    settings: Settings,
    engine: Engine,
    channels: Channels,
    name: str,
    clock: Callable[[], datetime],
    random: Callable[[], float],
) -> bool:
    """Send the notice that a channel is told next; False when there is none for now."""
    channel = channels.setting(name)
    with transaction(engine) as session:
        claim = claim_notice(session, name, lease_s=lease_of(channel), now=clock())
    if claim is None:
        return False
    try:
        try:
            if channel is None:
                raise PeerRefused("The channel is not in the settings any more", channel=name)
            with query(engine) as session:
                content = notice_content(session, claim.notice_id)
            notice = _notice(content, settings, channel)
            answer = channels.sender(channel).send(notice, clock())
        except FirstreadError as error:
            _postpone_or_end(settings, engine, claim, error, clock(), random())
        except Exception as error:  # noqa: BLE001 where a task ends
            _end_defect(engine, claim, error, clock())
        else:
            _accept(settings, engine, channels, claim, answer, clock())
    except LeaseLost:
        _log.warning("flag_lease_lost", notice_id=claim.notice_id, channel=name)
    return True


def log_defect(channel: str, error: Exception) -> str:
    """Log what nobody foresaw about a channel; returns its kind."""
    # The message of a foreign exception may quote an identifier; its type and lines may not.
    trace = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__
    _log.error("flag_defect", channel=channel, error_kind=kind, trace=trace)
    return kind


def _end_defect(engine: Engine, claim: NoticeClaim, error: Exception, now: datetime) -> None:
    """What nobody foresaw: the notice is given up, and the others go on."""
    kind = log_defect(claim.channel, error)
    with transaction(engine) as session:
        message = "A defect; the trace is in the log"
        end_notice(session, claim, NoticeState.FAILED, now, error_kind=kind, error_message=message)


def lease_of(channel: Channel | None) -> float:
    """How long a channel is held while it is spoken to, in seconds."""
    return _LEAST_LEASE_S + (_ANSWERS_PER_LEASE * channel.answer_s if channel else 0.0)


def page_address(settings: Settings) -> str:
    """Where others reach the worklist page, without a slash at the end."""
    if settings.flagging.page_url is not None:
        return str(settings.flagging.page_url).rstrip("/")
    host = settings.worklist_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.worklist_port}"


def _notice(content: NoticeContent, settings: Settings, channel: Channel) -> Notice:
    page = page_address(settings)
    told_of = (NoticeKind.RAISED, NoticeKind.RAISED_AGAIN)
    address = f"{page}/flags/{content.flag_uid}/acknowledge/{content.token}"
    return Notice(
        flag_uid=content.flag_uid,
        notice_uid=content.notice_uid,
        kind=content.kind,
        study_instance_uid=content.study_instance_uid,
        patient_id=content.patient_id,
        issuer_of_patient_id=content.issuer_of_patient_id,
        patient_sex=content.patient_sex,
        accession_number=content.accession_number,
        outcome=content.outcome,
        urgency=content.urgency,
        rule=content.rule,
        suspicion=content.suspicion,
        reading=content.reading,
        objects=tuple(NoticeObject(*one) for one in content.objects),
        raised_at=content.raised_at,
        last_instance_at=content.last_instance_at,
        study_url=f"{page}/studies/{content.study_instance_uid}",
        acknowledge_url=address if content.kind in told_of and channel.keeps_state else "",
    )


def _accept(
    settings: Settings,
    engine: Engine,
    channels: Channels,
    claim: NoticeClaim,
    answer: Receipt,
    now: datetime,
) -> None:
    channel = channels.setting(claim.channel)
    with transaction(engine) as session:
        flag_uid = accept_notice(session, claim, now, code=answer.code, reference=answer.reference)
        if answer.acknowledged_by:
            acknowledge_flag(
                session, flag_uid, by=answer.acknowledged_by, through=claim.channel, now=now
            )
        elif channel is not None and isinstance(channels.sender(channel), KnowsClaims):
            begin_asking(session, claim.notice_id, channel, settings.flagging, now)
    _log.info("flag_sent", channel=claim.channel, kind=claim.kind.value, code=answer.code)


def _postpone_or_end(
    settings: Settings,
    engine: Engine,
    claim: NoticeClaim,
    error: FirstreadError,
    now: datetime,
    jitter: float,
) -> None:
    flagging = settings.flagging
    backoff = Backoff(flagging.first_retry_s, flagging.longest_retry_s, flagging.max_attempts)
    delay_s = retry_delay_s(error, claim.attempts, backoff, jitter=jitter)
    asked_s = error.facts.get("retry_after_s")
    if delay_s is not None and isinstance(asked_s, int | float):
        delay_s = max(delay_s, min(float(asked_s), flagging.longest_retry_s))
    _log.warning(
        "flag_not_sent",
        channel=claim.channel,
        kind=claim.kind.value,
        error_kind=error.kind,
        attempt=claim.attempts,
        retry_in_s=delay_s,
    )
    with transaction(engine) as session:
        if delay_s is None:
            state = NoticeState.REFUSED if isinstance(error, Refused) else NoticeState.FAILED
            end_notice(session, claim, state, now, error_kind=error.kind, error_message=str(error))
            return
        due_at = now + timedelta(seconds=delay_s)
        postpone_notice(
            session, claim, due_at, now, error_kind=error.kind, error_message=str(error)
        )
