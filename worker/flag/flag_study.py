"""Sends the next notice of a channel once, and records the receiver's answer."""

from __future__ import annotations

from collections.abc import Mapping

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
from database.session import Session, query, transaction
from database.studies.study_of import uid_of_flag
from models.older_readings import reading_if_readable
from radiology.errors import PeerRefused
from settings.environment import Settings
from settings.flags import Channel
from settings.log.log_events import get_logger
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Unsuccessful
from worker.attempt.retry import Backoff, Ending, is_away
from worker.equipment import Equipment
from worker.flag.channel import KeepsWorkItems, Notice, NoticeObject
from worker.flag.channel_queue import ChannelQueue
from worker.flag.channels import Channels

_log = get_logger("flags")


def tell_one(equipment: Equipment, channels: Channels, channel: str) -> bool:
    """Send the notice that a channel is told next; False when there is none for now."""
    return attempt_next(_Notices(equipment, channels, channel, claim_notice), equipment)


class _Notices(ChannelQueue[NoticeClaim]):
    """What one channel is to be told of flags."""

    name = "notices"

    @property
    def backoff(self) -> Backoff:
        flagging = self._equipment.settings.flagging
        return Backoff(
            flagging.first_retry_s,
            flagging.longest_retry_s,
            flagging.max_attempts,
            patient=True,  # a night without the receiver must cost no flag
            longest_unreached_s=flagging.longest_unreached_s,
        )

    def facts(self, claim: NoticeClaim) -> Mapping[str, int | str]:
        return {
            "notice_id": claim.notice_id,
            "channel": claim.channel,
            "notice_kind": claim.kind.value,
        }

    def unanswered(self, claim: NoticeClaim) -> int:
        return claim.unanswered

    def study_of(self, session: Session, claim: NoticeClaim) -> str:
        return uid_of_flag(session, claim.flag_id)

    def attempt(self, claim: NoticeClaim, lease: Lease) -> None:
        equipment = self._equipment
        channel = self._channels.setting(claim.channel)
        if channel is None:
            raise PeerRefused("The channel is not in the settings any more", channel=claim.channel)
        with query(equipment.engine) as session:
            content = notice_content(session, claim.notice_id)
        sender = self._channels.sender(channel)
        answer = sender.send(_notice(content, equipment.settings, channel), equipment.clock())
        now = equipment.clock()
        with transaction(equipment.engine) as session:
            flag_uid = accept_notice(
                session, claim, now, code=answer.code, reference=answer.reference
            )
            if answer.acknowledged_by:
                acknowledge_flag(
                    session, flag_uid, by=answer.acknowledged_by, through=claim.channel, now=now
                )
            elif isinstance(sender, KeepsWorkItems):
                begin_asking(session, claim.notice_id, channel, equipment.settings.flagging, now)
        _log.info("flag_sent", code=answer.code)

    def settle(self, session: Session, claim: NoticeClaim, end: Unsuccessful) -> None:
        match end.ending:
            case Ending.AGAIN:
                away = is_away(end.error)
                postpone_notice(session, claim, end.due_at, end.now, **end.fault, unanswered=away)
            case Ending.REFUSED:
                end_notice(session, claim, NoticeState.REFUSED, end.now, **end.fault)
            case Ending.FAILED:
                end_notice(session, claim, NoticeState.FAILED, end.now, **end.fault)


def page_address(settings: Settings) -> str:
    """Where others reach the worklist page, without a slash at the end."""
    if settings.flagging.page_url is not None:
        return str(settings.flagging.page_url).rstrip("/")
    network, host = settings.worklist_network, settings.worklist_host
    scheme = "https" if network.encrypted else "http"
    if network.behind_proxy:  # whose port is the one that browsers take, not ours
        return f"{scheme}://{network.names[0]}"
    host = network.names[0] if network.names else host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.worklist_port}"


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
        reading=reading_if_readable(content.reading),
        objects=tuple(NoticeObject(*one) for one in content.objects),
        raised_at=content.raised_at,
        last_instance_at=content.last_instance_at,
        study_url=f"{page}/studies/{content.study_instance_uid}",
        acknowledge_url=address if content.kind in told_of and channel.keeps_state else "",
        bundle=content.bundle,
        bundle_version=content.bundle_version,
    )
