"""Ask a manager of work items whether somebody has claimed the one of an open flag.

PS3.4 Section CC.2.7 (N-GET of the Procedure Step State), PS3.18 Section 11.5 (Retrieve Workitem).
Who works on a work item, or has done so, has seen the flag. One channel is asked at a time and no
transaction is open meanwhile; a manager that does not answer is asked later, and the flag goes on
to its next step as if nobody had been asked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from database.flags.inquiries import Inquiry, claim_inquiry, end_inquiry
from database.lease import LeaseLost
from database.session import Engine, transaction
from radiology.errors import FirstreadError, PeerRefused, Refused
from radiology.work_item import FINAL_STATES, WorkItemState
from settings.environment import Settings
from settings.flags import Channel
from settings.log_events import get_logger
from worker.flag.channel import KnowsClaims
from worker.flag.channels import Channels
from worker.flag.flag_study import lease_of, log_defect

_log = get_logger("flags")
_CLAIMED = (WorkItemState.IN_PROGRESS, WorkItemState.COMPLETED)


def ask_one(
    settings: Settings,
    engine: Engine,
    channels: Channels,
    name: str,
    clock: Callable[[], datetime],
) -> bool:
    """Ask what a channel is to be asked next; False when there is nothing for now."""
    channel = channels.setting(name)
    with transaction(engine) as session:
        inquiry = claim_inquiry(session, name, lease_s=lease_of(channel), now=clock())
    if inquiry is None:
        return False
    try:
        _ask(settings, engine, channels, channel, inquiry, clock)
    except LeaseLost:
        _log.warning("claim_lease_lost", notice_id=inquiry.notice_id, channel=name)
    return True


def _ask(
    settings: Settings,
    engine: Engine,
    channels: Channels,
    channel: Channel | None,
    inquiry: Inquiry,
    clock: Callable[[], datetime],
) -> None:
    state: WorkItemState | None = None
    error_kind, again = "", True
    try:
        state = _state_there(channels, inquiry)
    except FirstreadError as error:
        error_kind, again = error.kind, not isinstance(error, Refused)
        _log.warning("claim_not_known", channel=inquiry.channel, error_kind=error_kind)
    except Exception as error:  # noqa: BLE001 where a task ends
        # Not asked again: a question that fails holds its channel's notices up each time.
        error_kind, again = log_defect(inquiry.channel, error), False
    claimed = state.value if state in _CLAIMED and state is not None else ""
    with transaction(engine) as session:
        seen = end_inquiry(
            session,
            inquiry,
            channel,
            settings.flagging,
            clock(),
            claimed=claimed,
            error_kind=error_kind,
            again=again and state not in FINAL_STATES,
        )
    if seen:
        _log.info("flag_claimed_elsewhere", channel=inquiry.channel)


def _state_there(channels: Channels, inquiry: Inquiry) -> WorkItemState | None:
    channel = channels.setting(inquiry.channel)
    if channel is not None:
        sender: object = channels.sender(channel)
        if isinstance(sender, KnowsClaims):
            return sender.state_of(inquiry.reference)
    raise PeerRefused("The channel keeps no work items any more", channel=inquiry.channel)
