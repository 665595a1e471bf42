"""Asks a manager of work items whether the work item of an open flag is taken elsewhere.

PS3.4 Section CC.2.7 (N-GET of the Procedure Step State), PS3.18 Section 11.5 (Retrieve Workitem).
Who works on a work item, or has done so, has seen the flag. One channel is asked at a time and no
transaction is open meanwhile; a manager that does not answer is asked later, and the flag meanwhile
goes on to its next step.
"""

from __future__ import annotations

from collections.abc import Mapping

from database.flags.inquiries import Inquiry, claim_inquiry, end_inquiry
from database.session import Session, transaction
from database.studies.study_of import uid_of_flag
from radiology.errors import PeerRefused
from radiology.work_item import FINAL_STATES, WorkItemState
from settings.log.log_events import get_logger
from worker.attempt.attempt_next import attempt_next
from worker.attempt.lease import Lease
from worker.attempt.queue import Unsuccessful
from worker.attempt.retry import Backoff, Ending
from worker.equipment import Equipment
from worker.flag.channel import KeepsWorkItems
from worker.flag.channel_queue import ChannelQueue
from worker.flag.channels import Channels

_log = get_logger("flags")
_TAKEN = (WorkItemState.IN_PROGRESS, WorkItemState.COMPLETED)
_MOST_ATTEMPTS = 2  # no attempt is counted, so that only a defect comes to an end: see `backoff`


def ask_one(equipment: Equipment, channels: Channels, channel: str) -> bool:
    """Ask what a channel is to be asked next; False when there is nothing for now."""
    return attempt_next(_Inquiries(equipment, channels, channel, claim_inquiry), equipment)


class _Inquiries(ChannelQueue[Inquiry]):
    """What one channel is to be asked while flags are open."""

    name = "inquiries"

    @property
    def backoff(self) -> Backoff:
        """A question is no row of its own: it is asked again while the flag is open.

        When, is decided by `Flagging.ask_at`, answered or not.
        """
        claims_s = self._equipment.settings.flagging.claims_s
        return Backoff(claims_s, claims_s, _MOST_ATTEMPTS)

    def facts(self, claim: Inquiry) -> Mapping[str, int | str]:
        return {"notice_id": claim.notice_id, "channel": claim.channel}

    def study_of(self, session: Session, claim: Inquiry) -> str:
        return uid_of_flag(session, claim.flag_id)

    def attempt(self, claim: Inquiry, lease: Lease) -> None:
        state = self._state_elsewhere(claim)
        taken = state.value if state in _TAKEN and state is not None else ""
        with transaction(self._equipment.engine) as session:
            seen = end_inquiry(
                session,
                claim,
                self._channels.setting(claim.channel),
                self._equipment.settings.flagging,
                self._equipment.clock(),
                taken=taken,
                again=state not in FINAL_STATES,
            )
        if seen:
            _log.info("flag_taken_elsewhere")

    def settle(self, session: Session, claim: Inquiry, end: Unsuccessful) -> None:
        # Refused or failed: not asked again, since it would hold its channel's notices up.
        end_inquiry(
            session,
            claim,
            self._channels.setting(claim.channel),
            self._equipment.settings.flagging,
            end.now,
            error_kind=end.fault["error_kind"],
            trace=end.fault["trace"],
            again=end.ending is Ending.AGAIN,
        )

    def _state_elsewhere(self, claim: Inquiry) -> WorkItemState | None:
        channel = self._channels.setting(claim.channel)
        if channel is not None:
            sender: object = self._channels.sender(channel)
            if isinstance(sender, KeepsWorkItems):
                return sender.state_of(claim.reference)
        raise PeerRefused("The channel keeps no work items any more", channel=claim.channel)
