"""Flag channels and the HL7 listener, with what last went and came, for the administrator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from database.flag_states import NoticeState
from database.flags.untold import UntoldChannel, untold_channels
from database.session import Session
from database.views.last_traffic import LastMessage, LastNotice, last_message, last_notices
from settings.environment import Settings
from settings.flags import AnyChannel, Hl7Channel, MailChannel, WorkItemChannel
from settings.served_process import ServedProcess
from worklist.administration.parts import part_signs
from worklist.study.flag_lines import KINDS, NOTICE_STATES
from worklist.words.next_steps import next_step
from worklist.words.stored_words import reason_words

CHANNEL_KINDS: Final = {
    "work-item": "work item",
    "work-item-web": "work item by UPS-RS",
    "hl7": "HL7 message",
    "webhook": "webhook",
    "mail": "mail",
}


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A flag channel of the settings, and how its last notice went.

    Attributes
    ----------
    receiver : host and port, or the name of the peer; of a web address nothing else
    notice, words : what the last notice was, and where it stands; "" where there was none
    when : when it ended, or is tried next
    health : the class of its words: whether it was accepted ("yes"), met with a fault ("no"), or
        has yet to be tried ("not")
    waiting : how many notices wait
    untold : what /health says of the channel, whichever notice was the last; None where all is well
    """

    name: str
    kind: str
    receiver: str
    urgency: str
    step: int
    notice: str = ""
    words: str = ""
    when: datetime | None = None
    due: bool = False
    health: str = "not"
    reason: str = ""
    advice: str = ""
    waiting: int = 0
    untold: UntoldChannel | None = None


@dataclass(frozen=True, slots=True)
class ListenerLine:
    """The HL7 listener of the settings, and the last message that it took.

    Attributes
    ----------
    silent : whether no process of it gives a sign
    keep_days : for which its messages are remembered
    """

    address: str
    senders: str
    applications: str
    silent: bool
    last: LastMessage | None
    keep_days: float


def channel_lines(session: Session, settings: Settings) -> tuple[ChannelLine, ...]:
    """Every flag channel, in the order of the settings."""
    last = last_notices(session, [one.name for one in settings.flags])
    untold = {one.channel: one for one in untold_channels(session)}
    lines = []
    for channel in settings.flags:
        line = ChannelLine(
            name=channel.name,
            kind=CHANNEL_KINDS[channel.kind],
            receiver=_receiver(channel),
            urgency=channel.from_urgency.value,
            step=channel.escalation,
            untold=untold.get(channel.name),
        )
        lines.append(line if channel.name not in last else _told(line, last[channel.name]))
    return tuple(lines)


def _told(line: ChannelLine, notice: LastNotice) -> ChannelLine:
    waits = notice.state is NoticeState.WAITING
    troubled = bool(notice.error_kind)
    return replace(
        line,
        notice=KINDS[notice.kind],
        words="waiting, next try" if waits and notice.attempts else NOTICE_STATES[notice.state],
        when=notice.due_at if waits else notice.finished_at,
        due=waits,
        health=_health(notice),
        reason=reason_words(notice.error_kind, notice.error_message) if troubled else "",
        advice=next_step(notice.error_kind) if troubled else "",
        waiting=notice.waiting,
    )


def _health(notice: LastNotice) -> str:
    if notice.error_kind or notice.state is NoticeState.FAILED:
        return "no"
    return "yes" if notice.state is NoticeState.ACCEPTED else "not"


def listener_line(session: Session, settings: Settings, now: datetime) -> ListenerLine | None:
    """The HL7 listener; None where the settings have none."""
    listener = settings.hl7_listener
    if listener is None:
        return None
    signs = {one.part: one for one in part_signs(session, settings, now)}
    return ListenerLine(
        address=f"{listener.host}:{listener.port}{' (TLS)' if listener.tls else ''}",
        senders=", ".join(listener.senders),
        applications=", ".join(listener.sending_applications),
        silent=signs[ServedProcess.HL7.value].is_silent,
        last=last_message(session),
        keep_days=listener.keep_days,
    )


def _receiver(channel: AnyChannel) -> str:
    """Where a channel's receiver is; of a web address no path or query, which may be a secret."""
    match channel:
        case Hl7Channel() | MailChannel():
            return f"{channel.host}:{channel.port}"
        case WorkItemChannel():
            return channel.peer
        case _:
            parts = urlsplit(str(channel.url))  # settings refuse one that holds a user
            return f"{parts.scheme}://{parts.netloc}"
